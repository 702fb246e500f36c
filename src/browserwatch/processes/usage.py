"""Memory and processor time of process trees: of programs that this one started, and all that they started.

Memory is PSS where the system tells it (Linux): pages that processes share are counted once. A sandboxed renderer of
Chromium can't be looked into by its own user; of that one, what it shares with nobody is counted. Elsewhere memory is RSS,
which counts shared pages many times.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import psutil

CGROUPS: Final = Path("/sys/fs/cgroup")
# Controller, hierarchy, file. Version 1 has its memory controller in a hierarchy of its own.
LIMITS: Final = (("", "", "memory.max"), ("memory", "memory", "memory.limit_in_bytes"))
_Identity: TypeAlias = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process, or several, use."""

    memory_bytes: int = 0
    cpu_seconds: float = 0.0
    """Since the last measurement."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.memory_bytes + other.memory_bytes, self.cpu_seconds + other.cpu_seconds)


@dataclass(frozen=True, slots=True)
class TreeUsage:
    """What a program uses itself, and what all that it started use."""

    program: Usage
    descendants: Usage

    @property
    def total(self) -> Usage:
        """Both."""
        return self.program + self.descendants


class UsageMeter:
    """Measures again and again. Blocks for some milliseconds a process; for one thread at a time.

    Processor time is what each process used since it was last seen, so what ended ones used stays counted; only what they
    used after they were last seen is missed.
    """

    def __init__(self) -> None:
        self._cpu_seen: dict[_Identity, float] = {}

    def measure(self, programs: Mapping[str, int]) -> dict[str, TreeUsage]:
        """Usage of each program, given its process id; those that are gone are left out."""
        seen: dict[_Identity, float] = {}
        children = _children()
        usages: dict[str, TreeUsage] = {}
        for name, pid in programs.items():
            with suppress(psutil.Error):
                program = psutil.Process(pid)
                descendants = (self._usage(process, seen) for process in _descendants(program, children))
                usages[name] = TreeUsage(self._usage(program, seen), sum(descendants, Usage()))
        self._cpu_seen = seen
        return usages

    def _usage(self, process: psutil.Process, seen: dict[_Identity, float]) -> Usage:
        try:
            identity = (process.pid, process.create_time())
            times = process.cpu_times()
            cpu = times.user + times.system
            memory = memory_of(process)
        except psutil.Error:
            return Usage()
        seen[identity] = cpu
        return Usage(memory, max(cpu - self._cpu_seen.get(identity, 0.0), 0.0))


def memory_of(process: psutil.Process) -> int:
    """Bytes of memory that a process uses, its part of what it shares included where that is known."""
    if sys.platform == "linux":
        with suppress(OSError, ValueError, IndexError):
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii", errors="replace")
            return int(rollup.split("\nPss:", 1)[1].split(maxsplit=1)[0]) * 1024
        memory = process.memory_info()
        return max(memory.rss - memory.shared, 0)
    return process.memory_info().rss


def memory_limit() -> int:
    """Bytes of memory that this process and all its descendants may use: the container's or the machine's."""
    return min(psutil.virtual_memory().total, *_cgroup_limits())


def _cgroup_limits() -> Iterator[int]:
    """What the control groups of this process allow, those further up included."""
    yield sys.maxsize
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            for controller, hierarchy, name in LIMITS:
                if controller in controllers.split(","):
                    yield from _limits_of(CGROUPS / hierarchy, path.strip("/"), name)


def _limits_of(root: Path, path: str, name: str) -> Iterator[int]:
    for group in (Path(path), *Path(path).parents):
        # ``max`` stands for no limit; the root may have no such file.
        with suppress(OSError, ValueError):
            yield int((root / group / name).read_text(encoding="ascii"))


def _children() -> dict[int, list[psutil.Process]]:
    children: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            children.setdefault(process.ppid(), []).append(process)
    return children


def _descendants(program: psutil.Process, children: Mapping[int, list[psutil.Process]]) -> Iterator[psutil.Process]:
    found = list(children.get(program.pid, ()))
    while found:
        process = found.pop()
        yield process
        found += children.get(process.pid, ())
