"""`browserwatch bench hooks`: microseconds that the hooks add to a step, without browser and model."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final

from browserwatch.bench import estimates
from browserwatch.bench.arms import SAMPLED, VARIANTS, arm_name
from browserwatch.bench.estimates import Estimate, Verdict
from browserwatch.bench.programs import Worker, working
from browserwatch.bench.toggling import Pair

RUN_STEPS: Final = 10
MUST_SECONDS: Final = 1.2e-3
"""Processor time of the process that all signals may add to a step, export included."""

PASSES: Final = 8
"""Each arm gets a process in each; every second one goes through the arms backwards.

Where things lie in memory is another in each process, and with it what the same code takes, by a tenth and more.
"""


@dataclass(frozen=True, slots=True)
class Program:
    """How an arm's work is run: an interpreter in whose environment the arm is, the arm, and the runs of a turn."""

    arm: str
    python: str = sys.executable
    runs: int = 1


@dataclass(slots=True)
class Measured:
    """What was found for one arm."""

    counts: dict[str, float] = field(default_factory=dict[str, float])
    processes: list[list[Pair]] = field(default_factory=list[list[Pair]])
    """The pairs of each process."""
    where: dict[str, float] = field(default_factory=dict[str, float])

    def read(self, worker: Worker, told: Callable[[int], object] = lambda _: None) -> None:
        """Take in what one process says, until it is done.

        Args:
            worker: the process.
            told: called with the steps of each pair.

        Raises:
            BenchError: it ended before.
        """
        done: list[Pair] = []
        self.processes.append(done)
        while "done" not in (line := worker.read()):
            self.counts = line.get("counts", self.counts)
            for place, seconds in line.get("where", {}).items():
                self.where[place] = self.where.get(place, 0.0) + seconds
            if "pair" in line:
                done.append(Pair.of(line["pair"]))
                told(done[-1].on.steps)

    def added(self, clock: str) -> Estimate:
        """Seconds a step that the arm adds, on one clock."""
        return estimates.median([[pair.added(clock) for pair in pairs] for pairs in self.processes])

    def report(self) -> dict[str, Any]:
        """As JSON; seconds and bytes a step."""
        pairs = [pair for process in self.processes for pair in process]
        on = [pair.on for pair in pairs]
        steps = sum(turn.steps for turn in on)
        return {
            "pairs": len(pairs),
            "processes": len(self.processes),
            "steps": steps,
            "loop": asdict(self.added("loop")),
            "process": asdict(self.added("process")),
            "without": sum(pair.off.process for pair in pairs) / sum(pair.off.steps for pair in pairs),
            "spans": sum(turn.spans for turn in on) / steps,
            "bytes": sum(turn.bytes for turn in on) / steps,
            **self.counts,
            "where": self.where,
        }


def programs(variants: Iterable[str] = VARIANTS) -> dict[str, Program]:
    """Our own arms."""
    # A turn of the sampling arm has as many runs as it takes for one of them to be sampled.
    return {name: Program(arm_name(name), runs=SAMPLED if name == "sampled" else 1) for name in variants}


def measure(
    chosen: Mapping[str, Program],
    steps: int,
    *,
    passes: int = PASSES,
    profiled: str = "",
    told: Callable[[str, int], object] = lambda _, __: None,
) -> dict[str, Measured]:
    """Measure arms, each in processes of its own.

    Args:
        chosen: the arms, by the names they are to be told by.
        steps: of each arm, and as many without it.
        passes: processes of each arm.
        profiled: the arm to be profiled, if any.
        told: called with an arm and the steps that were just done.

    Raises:
        BenchError: a program failed.
    """
    found = {name: Measured() for name in chosen}
    for number in range(passes):
        names = list(chosen) if number % 2 == 0 else list(chosen)[::-1]
        for name in names:
            _measure_one(chosen[name], steps // passes, found[name], partial(told, name), profile=name == profiled)
    for measured in found.values():
        measured.where = {place: seconds / passes for place, seconds in Counter(measured.where).most_common()}
    return found


def verdicts(found: Mapping[str, Measured]) -> list[Verdict]:
    """What must hold."""
    if "all" not in found:
        return []
    added = found["all"].added("process").scaled(1e3)
    return [Verdict("all signals, ms a step", added.high, MUST_SECONDS * 1e3, required=True, lower=added.low)]


def _measure_one(
    program: Program, steps: int, found: Measured, told: Callable[[int], object], *, profile: bool
) -> None:
    pairs = max(2, steps // RUN_STEPS // program.runs)
    options = ["--arm", program.arm, "--pairs", str(pairs), "--runs", str(program.runs), *["--profile"] * profile]
    with working("browserwatch.bench.workload", *options, python=program.python) as worker:
        found.read(worker, told)
