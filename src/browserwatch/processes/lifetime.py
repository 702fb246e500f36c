"""Programs that do not outlive this one."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from browserwatch.processes import launcher


def ending_with_parent(end_signal: signal.Signals, program: Path | str, *arguments: str) -> list[str]:
    """The command line that runs a program which gets a signal when this process dies, however it dies (Linux only).

    Start it in the main thread, or in one that lives as long: to Linux, the parent of a process is a thread.

    Args:
        end_signal: what it gets; SIGKILL also ends one that is stopped or hangs.
        program: its path; a name is not looked up.
        arguments: its arguments.
    """
    start = (sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), str(int(end_signal)))
    return [*start, str(program), *arguments]
