"""Runs the arms, each in processes of its own, in rounds: A B C, then C B A."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.peers.peer import ROOT, Arm
from browserwatch.bench.hooks import Measured
from browserwatch.bench.programs import BenchError, working

TELL_METADATA: Final = """
import json, sys
from importlib.metadata import metadata
found = metadata(sys.argv[1])
licence = found["License-Expression"] or found["License"] or "unknown"
print(json.dumps({"version": found["Version"], "licence": licence}))
"""


@dataclass(slots=True)
class Result:
    """What was found for one arm."""

    measured: Measured = field(default_factory=Measured)
    planted: dict[str, Any] = field(default_factory=dict[str, Any])
    memory_bytes: list[int] = field(default_factory=list[int])
    package: dict[str, str] = field(default_factory=dict[str, str])

    def report(self) -> dict[str, Any]:
        """As JSON; seconds and bytes a step."""
        timed = {name: value for name, value in self.measured.report().items() if name not in {"where", "leaks"}}
        return {**self.package, **timed, **self.planted, "memory_bytes": statistics.median(self.memory_bytes)}


def measure(
    arms: Sequence[Arm], pairs: int, rounds: int, told: Callable[[str], object]
) -> tuple[dict[str, Result], dict[str, str]]:
    """Measure arms.

    Args:
        arms: which.
        pairs: of turns without and with the arm, in all rounds together.
        rounds: processes of each arm.
        told: called with what is being done.

    Returns:
        What was found, and for the arms that failed, why.
    """
    found, failed = {arm.name: Result() for arm in arms}, dict[str, str]()
    for number in range(rounds):
        for arm in arms if number % 2 == 0 else arms[::-1]:
            if arm.name not in failed:
                told(f"{arm.name}, round {number + 1} of {rounds}")
                try:
                    measure_one(arm, max(2, pairs // rounds), found[arm.name], first=number == 0)
                except (BenchError, OSError) as error:
                    failed[arm.name] = str(error)
    return {name: result for name, result in found.items() if name not in failed}, failed


def measure_one(arm: Arm, pairs: int, found: Result, *, first: bool) -> None:
    """One round of one arm; in the first, also what is measured once.

    Raises:
        BenchError: a program failed.
    """
    if first:
        found.package = _ask(arm, "-c", TELL_METADATA, arm.package)
        found.planted = _ask(arm, "-m", "bench.peers.planted", "--arm", arm.function)
    found.memory_bytes.append(_memory(arm))
    with working("bench.peers.work", "--arm", arm.function, "--pairs", str(pairs), python=arm.python) as worker:
        found.measured.read(worker)


def _memory(arm: Arm) -> int:
    """Bytes that the arm adds to a process that has imported browser-use."""

    def alone(*arguments: str) -> int:
        return _ask(arm, "-m", "bench.peers.memory", *arguments)

    without = ["--hide", arm.hidden] if arm.hidden else []
    return alone("--arm", arm.function) - alone(*without)


def _ask(arm: Arm, *arguments: str) -> Any:
    done = subprocess.run([arm.python, *arguments], check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0 or not done.stdout:
        raise BenchError(f"{' '.join(arguments[:2])} for {arm.name} ended with {done.returncode}: {done.stderr[-400:]}")
    return json.loads(done.stdout.splitlines()[-1])
