"""The workload of `browserwatch bench hooks` for an arm in a peer's environment: guarded, and with a real screenshot."""

from __future__ import annotations

import os
import sys

from bench.peers.guard import guard
from browserwatch.agents.process.environment import BROWSER_USE
from browserwatch.bench import workload


def main() -> None:
    """Measure."""
    guard()
    os.environ.update(BROWSER_USE)
    from bench.peers.picture import use_real_screenshot  # noqa: PLC0415  # imports browser-use

    use_real_screenshot()
    workload.main(sys.argv[1:])


if __name__ == "__main__":
    main()
