"""Processes of agents found by the directory they work in, whoever is their parent now; and ended."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

VARIABLE: Final = "BROWSERWATCH_AGENT_DIRECTORY"
"""In the environment of an agent process: its directory."""
VARIABLES: Final = (VARIABLE, "XDG_CONFIG_HOME")
"""The other one is in the environment of its Chromium (`contained_in`)."""
PROFILE_OPTION: Final = "--user-data-dir="
END_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02


def end_processes_in(directory: Path) -> int:
    """Kill the processes of agents whose directory is this one or one below; how many there were.

    Blocks until they are gone, for `END_SECONDS` at most.
    """
    ended: set[psutil.Process] = set()
    deadline = time.monotonic() + END_SECONDS
    # More than once: one of them may start another while we look.
    while (found := find_processes_in(directory)) and time.monotonic() < deadline:
        ended |= found
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(POLL_SECONDS)
    return len(ended)


def find_processes_in(directory: Path) -> set[psutil.Process]:
    """Processes of this user that work in this directory or one below, with their descendants."""
    children: dict[int, list[psutil.Process]] = {}
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        # Those that end while we look, and those of others.
        with suppress(psutil.Error):
            children.setdefault(process.ppid(), []).append(process)
            if process.pid != os.getpid() and process.uids().real == os.getuid() and _works_in(process, directory):
                found.append(process)
    everyone: set[psutil.Process] = set()
    while found:
        process = found.pop()
        if process not in everyone and _runs(process):
            everyone.add(process)
            found += children.get(process.pid, [])
    return everyone


def _works_in(process: psutil.Process, directory: Path) -> bool:
    # By variable and option, not by any mention: somebody may be reading a file there.
    with suppress(psutil.AccessDenied):
        environment = process.environ()
        if _is_within((environment.get(name, "") for name in VARIABLES), directory):
            return True
    options = (part.removeprefix(PROFILE_OPTION) for part in process.cmdline() if part.startswith(PROFILE_OPTION))
    return _is_within(options, directory)


def _is_within(paths: Iterable[str], directory: Path) -> bool:
    return any(path and Path(path).is_relative_to(directory) for path in paths)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
