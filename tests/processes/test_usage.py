"""Memory and processor time of programs and what they started."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from browserwatch.processes import usage
from browserwatch.processes.usage import TreeUsage, Usage, UsageMeter, memory_limit, memory_of
from browserwatch.settings.service import MEBIBYTE

# Starts a child that works, waits for its end when told, and says each time when it is so far.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-ISc", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(flush=True)
sys.stdin.readline()
child.stdin.close()
child.wait()
print(flush=True)
sys.stdin.readline()
"""
CHILD = """
import sys, time
weight = bytearray(64 * 1024 * 1024)
for place in range(0, len(weight), 4096):
    weight[place] = 1
while time.process_time() < 0.2:
    pass
print(flush=True)
sys.stdin.read()
"""


class Program:
    """A program with a child."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.pid = process.pid
        self._to: IO[bytes] = process.stdin
        self._from: IO[bytes] = process.stdout

    def wait(self) -> None:
        """Until it is so far."""
        assert self._from.readline()

    def go_on(self) -> None:
        """Let it take the next step."""
        self._to.write(b"\n")
        self._to.flush()


@contextmanager
def program() -> Generator[Program]:
    command = [sys.executable, "-ISc", PARENT, CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def test_a_program_and_what_it_started() -> None:
    """Apart; processor time is what was used since the last look, and stays counted when a process ended."""
    meter = UsageMeter()
    with program() as running:
        running.wait()
        first = meter.measure({"a": running.pid})["a"]
        assert first.descendants.memory_bytes > 64 * MEBIBYTE
        assert 0 < first.program.memory_bytes < 64 * MEBIBYTE
        assert first.descendants.cpu_seconds > 0.1
        assert meter.measure({"a": running.pid})["a"].descendants.cpu_seconds < 0.1, "it was counted already"
        running.go_on()
        running.wait()
        last = meter.measure({"a": running.pid})["a"]
        assert last.descendants == Usage()
        assert last.program.cpu_seconds >= 0
    assert meter.measure({"a": running.pid}) == {}


def test_shared_memory_is_counted_once() -> None:
    """PSS where the system tells it, which is no more than RSS."""
    process = psutil.Process()
    assert 0 < memory_of(process) <= process.memory_info().rss


def test_a_process_that_can_not_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a sandboxed renderer the part that it shares with nobody is counted."""

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError

    process = psutil.Process()
    monkeypatch.setattr(Path, "read_text", refuse)
    memory = process.memory_info()
    assert memory_of(process) == pytest.approx(memory.rss - memory.shared, rel=0.2)


def test_elsewhere_it_is_rss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no PSS."""
    monkeypatch.setattr("sys.platform", "darwin")
    process = psutil.Process()
    assert memory_of(process) == pytest.approx(process.memory_info().rss, rel=0.2)


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/", {"memory.max": "1000"}, 1000),
        ("0::/system.slice/our.service", {"system.slice/memory.max": "700", "memory.max": "1000"}, 700),
        ("0::/", {"memory.max": "max"}, None),
        ("4:cpu,memory:/docker/a\n0::/", {"memory/docker/a/memory.limit_in_bytes": "900"}, 900),
        ("4:cpu:/docker/a", {"memory/docker/a/memory.limit_in_bytes": "900"}, None),
    ],
)
def test_the_containers_limit(
    membership: str, files: dict[str, str], limit: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smallest of the control groups that this process is in, of both versions, and of the machine's memory."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(usage, "CGROUPS", tmp_path)
    read_text = Path.read_text

    def read(path: Path, encoding: str | None = None) -> str:
        return membership if path == Path("/proc/self/cgroup") else read_text(path, encoding)

    monkeypatch.setattr(Path, "read_text", read)
    assert memory_limit() == (limit or psutil.virtual_memory().total)


def test_sums() -> None:
    """Both parts of a program's tree."""
    assert TreeUsage(Usage(1, 0.5), Usage(2, 1.0)).total == Usage(3, 1.5)
