"""`python -m browserwatch.agents.process FD`: FD is the number of an inherited socket."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Final

from browserwatch.agents.process.life import live

NICENESS: Final = 10
"""Agents and their browsers come second: on a machine that is busy with them the service still answers at once."""


def main() -> None:
    """Serve the socket until the service ends it."""
    os.nice(NICENESS)
    # Both are meant for the service, which tells its agents when to end; a group or a whole unit gets them at once.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    code = asyncio.run(live(int(sys.argv[1])))
    sys.stderr.flush()
    # Without a word to threads that may wait for a server that is gone.
    os._exit(code)


if __name__ == "__main__":
    main()
