"""`browserwatch bench overhead`: what watching adds to real work in a warm Chromium, as a ratio of processor time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from browserwatch.agents.process.environment import BROWSER_USE
from browserwatch.bench import estimates, hooks, memory
from browserwatch.bench.arms import arm_name
from browserwatch.bench.estimates import Estimate, Verdict
from browserwatch.bench.programs import serving, working
from browserwatch.bench.receiver import SCRAPE_SECONDS, receiving
from browserwatch.bench.scenario import MIXED, MODEL_SECONDS
from browserwatch.bench.toggling import Pair, Turn

MUST: Final = 1.05
AIM: Final = 1.01
NARROW: Final = 0.01
"""Half of the interval, when it is narrow enough."""

CLOCK_TICK: Final = 0.01
"""Seconds that the system counts a process's time in."""

LEAST_PAIRS: Final = 24
LEAST_ROUNDS: Final = 2
"""Pairs of each process: one has its halves the one way round, the next the other."""

PROCESSES: Final = 6
"""Where things lie in memory is another in each: two found 2.7 % one day, and 4.5 % on another, each ± 1 %."""


@dataclass(frozen=True, slots=True)
class Effort:
    """When to stop.

    Args:
        seconds: for one variant, whatever has been reached then; two pairs of each process at least.
        least_pairs: before the interval is believed.
        processes: warm ones, which take turns.
        hook_steps: steps of the measurement without a browser.
    """

    seconds: float = 1800
    least_pairs: int = LEAST_PAIRS
    processes: int = PROCESSES
    hook_steps: int = 2000
    memory_times: int = 3


QUICK: Final = Effort(seconds=0, least_pairs=2, processes=1, hook_steps=40, memory_times=1)


@dataclass(slots=True)
class Overhead:
    """What was found for one variant."""

    hooks: hooks.Measured = field(default_factory=hooks.Measured)
    processes: list[list[Pair]] = field(default_factory=list[list[Pair]])
    """The pairs of each process, as many of each."""
    narrow: bool = False
    """Whether the interval became narrow enough; else the time was up."""
    memory_bytes: float = 0.0

    @property
    def pairs(self) -> list[Pair]:
        """Those of all processes."""
        return [pair for pairs in self.processes for pair in pairs]

    def ratio(self, clock: str = "process") -> Estimate:
        """What a step took with the arm, in terms of one without."""
        return self._compared(lambda turn: getattr(turn, clock) / turn.steps)

    def paced(self) -> Estimate:
        """The same, each turn in terms of what Chromium took in it: what the limits are held against.

        A machine that others use, too, is faster or slower from second to second, for both alike. That falls out, and half
        of the interval with it. So would what watching adds to Chromium, which `ratio("other")` shows.
        """
        return self._compared(lambda turn: turn.process / max(turn.other, CLOCK_TICK))

    def composed(self) -> Estimate:
        """The same from parts: what hooks add without a browser, and the scrapes, in terms of a step of real work."""
        off = self._turns("off")
        steps = sum(turn.steps for turn in off)
        step = sum(turn.process for turn in off) / steps
        wall = sum(sum(turn.step_seconds) for turn in off) / steps
        scrapes = self.hooks.counts.get("scrape_seconds", 0.0) * wall / SCRAPE_SECONDS
        added = self.hooks.added("process")
        return Estimate(*(1 + (part + scrapes) / step for part in (added.value, added.low, added.high)))

    def report(self) -> dict[str, Any]:
        """As JSON."""
        on = self._turns("on")
        steps = sum(turn.steps for turn in on)
        return {
            "pairs": len(self.pairs),
            "processes": len(self.processes),
            "narrow": self.narrow,
            "process": asdict(self.ratio()),
            "paced": asdict(self.paced()),
            "composed": asdict(self.composed()),
            "chromium": asdict(self.ratio("other")),
            "seconds_a_step": {name: _seconds(self._turns(name)) for name in ("off", "on")},
            "spans_a_step": sum(turn.spans for turn in on) / steps,
            "bytes_a_step": sum(turn.bytes for turn in on) / steps,
            "memory_bytes": self.memory_bytes,
            "hooks": self.hooks.report(),
            "turns": [[asdict(pair) for pair in pairs] for pairs in self.processes],
        }

    def _compared(self, of: Callable[[Turn], float]) -> Estimate:
        off = [[of(pair.off) for pair in pairs] for pairs in self.processes]
        on = [[of(pair.on) for pair in pairs] for pairs in self.processes]
        return estimates.ratio(off, on)

    def _turns(self, name: str) -> list[Turn]:
        return [getattr(pair, name) for pair in self.pairs]


def measure(
    variants: Sequence[str], effort: Effort, work: str = "", told: Callable[[str], object] = lambda _: None
) -> dict[str, Overhead]:
    """Measure variants, one after the other.

    Args:
        variants: their names.
        effort: when to stop.
        work: what to measure on, as `real_runs.OwnRuns` takes it; by default the scenario on the demo site.
        told: called with a line about how far it is.

    Raises:
        BenchError: a program failed.
        ConfigurationError: there is no such variant.
    """
    chosen = hooks.programs(variants)
    found = {name: Overhead() for name in variants}
    # The real work first: whatever is wrong with it is seen at once.
    with _places(work) as places, receiving() as receiver:
        told("the first runs")
        for name, overhead in found.items():
            _measure_one(overhead, ["--arm", arm_name(name), *places], effort, partial(_tell, told, name, overhead))
            told(f"{name}: memory")
            overhead.memory_bytes = memory.added(arm_name(name), receiver.url, BROWSER_USE, times=effort.memory_times)
    told("hooks, without browser")
    for name, measured in hooks.measure(chosen, effort.hook_steps).items():
        found[name].hooks = measured
    return found


def verdicts(found: dict[str, Overhead]) -> list[Verdict]:
    """What must hold, and what would be good."""
    if "all" not in found:
        return []
    ratio = found["all"].paced()
    return [
        Verdict("all signals", ratio.high, MUST, required=True, lower=ratio.low),
        Verdict("all signals, aim", ratio.high, AIM, required=False, lower=ratio.low),
    ]


def _measure_one(overhead: Overhead, options: Sequence[str], effort: Effort, told: Callable[[], object]) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(working("browserwatch.bench.warm", *options)) for _ in range(effort.processes)]
        overhead.processes = [[] for _ in workers]
        started = time.monotonic()
        while True:
            for pairs, worker in zip(overhead.processes, workers, strict=True):
                pairs.append(Pair.of(worker.ask()))
            told()
            if len(overhead.pairs) >= effort.least_pairs:
                overhead.narrow = overhead.paced().half_width <= NARROW
            rounds = len(overhead.processes[0])
            if overhead.narrow or (rounds >= LEAST_ROUNDS and time.monotonic() - started >= effort.seconds):
                return


def _tell(told: Callable[[str], object], name: str, found: Overhead) -> None:
    ratio = found.paced()
    told(f"{name}: {len(found.pairs)} pairs, {ratio.value:.3f} ± {ratio.half_width:.3f}")


@contextmanager
def _places(work: str) -> Generator[list[str]]:
    """Options of the workers: the work, or the demo site and the scripted model, in processes of their own."""
    if work:
        yield ["--work", work]
        return
    with tempfile.TemporaryDirectory(prefix="browserwatch-bench-") as directory:
        scenarios = Path(directory, "scenarios.json")
        scenarios.write_bytes(msgspec.json.encode([MIXED]))
        options = ("--latency", str(MODEL_SECONDS), "--scenarios", str(scenarios))
        with serving("browserwatch.demo.site") as site, serving("browserwatch.demo.model", *options) as model:
            yield ["--site", site, "--model", model]


def _seconds(turns: Sequence[Turn]) -> dict[str, float]:
    walls = [seconds for turn in turns for seconds in turn.step_seconds]
    return {
        "process": sum(turn.process for turn in turns) / len(walls),
        "chromium": sum(turn.other for turn in turns) / len(walls),
        "wall_p50": estimates.percentile(walls, 0.5),
        "wall_p95": estimates.percentile(walls, 0.95),
    }
