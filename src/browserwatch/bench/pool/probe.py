"""Ask for paths of a service, one after the other, until a line of standard input; then say the seconds of each as JSON.

In a process of its own: in that of the demo site and the model its answers would wait for their turn.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from typing import Final

import httpx

PROBE_SECONDS: Final = 0.2


def main(arguments: list[str] | None = None) -> None:
    """Ask a service again and again."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.bench.pool.probe", description=main.__doc__)
    parser.add_argument("url", help="address of the service")
    parser.add_argument("paths", nargs="+")
    options = parser.parse_args(arguments)
    times: dict[str, list[float]] = {path: [] for path in options.paths}
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    with httpx.Client(base_url=options.url, trust_env=False) as client:
        while not stop.wait(PROBE_SECONDS):
            for path, found in times.items():
                started = time.perf_counter()
                client.get(path).raise_for_status()
                found.append(time.perf_counter() - started)
    sys.stdout.write(json.dumps(times) + "\n")


if __name__ == "__main__":
    main()
