"""`browserwatch bench batch`: the batch processor under load, against size of queue and batch, delay and compression.

A burst is kept or lost by the queue, and the batch that is on the wire besides; how soon spans arrive, and what their export
costs, is a matter of batch and delay. So these are two grids, not one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final

from browserwatch.bench.estimates import Verdict
from browserwatch.bench.programs import working
from browserwatch.bench.receiver import Receiver, receiving
from browserwatch.bench.span_load import BURST, Burst, Rate, Steady
from browserwatch.bench.tables import Spread
from browserwatch.tracing.setup import MAX_EXPORT_BATCH_SIZE, MAX_QUEUE_SIZE, SCHEDULE_DELAY_MILLIS

DEFAULT_DELAY: Final = SCHEDULE_DELAY_MILLIS / 1000
TOGETHER: Final = 1000
"""Agents that are simulated at a time: more would take the processors from each other."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What is measured, and for how long.

    Args:
        queues: sizes of queues.
        batches: sizes of batches.
        delays: between two exports at most, in seconds.
        agents: how many do their steps, in a process.
        rounds: of each burst and rate.
        seconds: of each rate.
        compressions: in turns, since what the machine does besides falls to both then.
    """

    queues: Sequence[int] = (512, 1024, 2048, 4096, 8192)
    batches: Sequence[int] = (256, 512, 1024)
    delays: Sequence[float] = (0.2, 1.0, 5.0)
    agents: Sequence[int] = (1, 100, 1000)
    rounds: int = 3
    seconds: float = 0.5
    compressions: Sequence[str] = ("none", "gzip", "gzip", "none")

    def bursts(self) -> list[tuple[int, int]]:
        """Queues and the batches that fit them."""
        return [(queue, batch) for queue in self.queues for batch in self.batches if batch <= queue]

    def steadies(self) -> list[tuple[int, float]]:
        """Batches and delays."""
        return list(itertools.product(self.batches, self.delays))

    @property
    def programs(self) -> int:
        """How many are run."""
        return len(self.bursts()) + len(self.compressions) + len(self.agents) * len(self.steadies())


QUICK: Final = Effort(
    queues=(512, MAX_QUEUE_SIZE),
    batches=(MAX_EXPORT_BATCH_SIZE,),
    delays=(0.2,),
    agents=(1000,),
    rounds=1,
    seconds=0.1,
    compressions=("gzip",),
)


@dataclass(frozen=True, slots=True)
class Bursts:
    """What was found for a queue and a batch."""

    queue: int
    batch: int
    full_queue_bytes: int
    unanswered: Burst
    """A burst while the receiver did not answer."""
    answered: list[Burst]
    rates: list[Rate]
    account: dict[str, int]
    """Of all spans that ended in the program, what `browser_telemetry_spans_total` says became of them."""
    arrived: int
    """Those that the receiver counted."""
    bytes: int
    compression: str = "none"

    @property
    def is_default(self) -> bool:
        """Whether these are what a program gets that chooses nothing."""
        return (self.queue, self.batch) == (MAX_QUEUE_SIZE, MAX_EXPORT_BATCH_SIZE)

    def lost(self) -> Spread:
        """Of a burst that the receiver took as it came."""
        return Spread.of([burst.dropped + burst.failed for burst in self.answered])

    def end_seconds(self) -> Spread:
        """Processor time to end one of them, which the program's own threads pay."""
        return Spread.of([burst.end_seconds / burst.ended for burst in self.answered])

    def per_rate(self, name: str) -> Spread:
        """A figure of all rates."""
        return Spread.of([getattr(rate, name) for rate in self.rates])


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What was found for agents, a batch and a delay."""

    agents: int
    batch: int
    delay: float
    steady: Steady

    @property
    def is_default(self) -> bool:
        """Whether these are what a program gets that chooses nothing."""
        return (self.batch, self.delay) == (MAX_EXPORT_BATCH_SIZE, DEFAULT_DELAY)


@dataclass(slots=True)
class Found:
    """All of it."""

    bursts: list[Bursts] = field(default_factory=list[Bursts])
    steady: list[Steadiness] = field(default_factory=list[Steadiness])
    compressions: list[Bursts] = field(default_factory=list[Bursts])

    def verdicts(self) -> list[Verdict]:
        """What must hold: of the chosen queue and batch, and of the account."""
        chosen = [one for one in self.bursts if one.is_default]
        lost = max(burst.dropped + burst.failed for one in chosen for burst in (one.unanswered, *one.answered))
        missing = sum(abs(one.account["exported"] - one.arrived) for one in (*self.bursts, *self.compressions))
        return [
            Verdict(f"lost of {BURST} spans at once, with the defaults", lost, 0, required=True),
            Verdict("spans counted as exported that did not arrive, or the reverse", missing, 0, required=True),
        ]

    def report(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "verdicts": [{**asdict(verdict), "met": verdict.met} for verdict in self.verdicts()]}


def measure(effort: Effort, told: Callable[[str], object] = lambda _: None) -> Found:
    """Measure it.

    Args:
        effort: what, and for how long.
        told: called with what was just measured.

    Raises:
        BenchError: a program failed.
    """
    found = Found()
    with receiving() as receiver:
        bursts = partial(_bursts, receiver, effort)
        for queue, batch in effort.bursts():
            found.bursts.append(bursts(queue, batch))
            told(f"burst: queue {queue}, batch {batch}")
        for compression in effort.compressions:
            found.compressions.append(bursts(MAX_QUEUE_SIZE, MAX_EXPORT_BATCH_SIZE, compression))
            told(f"compression: {compression}")
        for agents in effort.agents:
            with ThreadPoolExecutor(max(1, TOGETHER // agents)) as threads:
                chosen = effort.steadies()
                doing = [threads.submit(_steady, receiver, agents, batch, delay) for batch, delay in chosen]
                for (batch, delay), done in zip(chosen, doing, strict=True):
                    found.steady.append(done.result())
                    told(f"{agents} agents: batch {batch}, delay {delay:g} s")
    return found


def _bursts(receiver: Receiver, effort: Effort, queue: int, batch: int, compression: str = "none") -> Bursts:
    before = receiver.tally()
    options = ("--queue", queue, "--batch", batch, "--compression", compression)
    found = _worked("bursts", receiver, *options, "--rounds", effort.rounds, "--seconds", effort.seconds)
    after = receiver.tally()
    return Bursts(
        queue=queue,
        batch=batch,
        full_queue_bytes=found["full_queue_bytes"],
        unanswered=Burst(**found["unanswered"]),
        answered=[Burst(**burst) for burst in found["answered"]],
        rates=[Rate(**rate) for rate in found["rates"]],
        account=found["account"],
        arrived=after.spans - before.spans,
        bytes=after.bytes - before.bytes,
        compression=compression,
    )


def _steady(receiver: Receiver, agents: int, batch: int, delay: float) -> Steadiness:
    found = _worked("steady", receiver, "--agents", agents, "--batch", batch, "--delay", delay)
    return Steadiness(agents, batch, delay, Steady(**found["steady"]))


def _worked(work: str, receiver: Receiver, *options: object) -> dict[str, Any]:
    arguments = (work, "--endpoint", receiver.url, *options)
    with working("browserwatch.bench.span_load", *(str(argument) for argument in arguments)) as worker:
        return worker.read()
