"""Ask for paths of a service, one after the other, until standard input ends; then print the seconds of each as JSON.

In a process of its own: in that of the demo site and the model its answers would wait for their turn.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import httpx

PROBE_SECONDS = 0.2


def main() -> None:
    """Arguments: the address, the paths."""
    times: dict[str, list[float]] = {path: [] for path in sys.argv[2:]}
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        while not stop.wait(PROBE_SECONDS):
            for path, found in times.items():
                started = time.perf_counter()
                client.get(path).raise_for_status()
                found.append(time.perf_counter() - started)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
