"""Figures with their uncertainty, by resampling, and what they are held against.

The bootstrap: draw as many pairs as there are, with repetition, many times; the middle 95 % of what comes out is the
interval (https://en.wikipedia.org/wiki/Bootstrapping_(statistics)#Percentile_bootstrap). Pairs of one process are more alike
than those of two, so where several processes measured the same, processes are drawn first, and then pairs of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 4000
TAILS: Final = (2.5, 97.5)
SEED: Final = 7
"""The same measurements give the same interval each time."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval."""
        return (self.high - self.low) / 2

    def scaled(self, factor: float) -> Estimate:
        """In another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the interval's upper end keeps a limit."""

    name: str
    upper: float
    limit: float
    required: bool
    """Whether missing it is a failure, or only a pity."""
    lower: float | None = None
    """The interval's lower end, where there is an interval."""

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.upper <= self.limit

    @property
    def undecided(self) -> bool:
        """Whether the limit lies within the interval: it is not kept for certain, and not missed for certain."""
        return self.lower is not None and self.lower <= self.limit < self.upper


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """1 when a required limit is missed, else 0."""
    return int(any(verdict.required and not verdict.met for verdict in verdicts))


def median(processes: Sequence[Sequence[float]]) -> Estimate:
    """The median of paired differences that several processes found, each as many.

    Raises:
        ValueError: there are none, or not as many of each.
    """
    found = _table(processes)
    drawn = found[_draws(*found.shape)]
    return _estimate(float(np.median(found)), np.median(drawn, axis=(1, 2)))


def ratio(off: Sequence[Sequence[float]], on: Sequence[Sequence[float]]) -> Estimate:
    """What the second of each pair took together, in terms of what the first took together, in several processes.

    Raises:
        ValueError: there are no pairs, or they are not pairs, or there are not as many of each process.
    """
    before, after = _table(off), _table(on)
    if before.shape != after.shape:
        raise ValueError(f"{before.size} values without and {after.size} with are no pairs.")
    drawn = _draws(*before.shape)
    return _estimate(float(after.sum() / before.sum()), after[drawn].sum(axis=(1, 2)) / before[drawn].sum(axis=(1, 2)))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies."""
    return float(np.percentile(_filled(values), share * 100))


def _filled(values: Sequence[float]) -> NDArray[np.float64]:
    if not values:
        raise ValueError("There is nothing to estimate from.")
    return np.asarray(values, dtype=np.float64)


def _table(processes: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """A row for each process."""
    if len({len(values) for values in processes}) > 1:
        raise ValueError("Each process must have found as much as any other.")
    return np.stack([_filled(values) for values in processes or [[]]])


def _draws(processes: int, pairs: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Which processes to draw, and which pairs of each."""
    random = np.random.default_rng(SEED)
    return (
        random.integers(0, processes, size=(RESAMPLES, processes, 1)),
        random.integers(0, pairs, size=(RESAMPLES, processes, pairs)),
    )


def _estimate(value: float, resampled: NDArray[np.float64]) -> Estimate:
    low, high = np.percentile(resampled, TAILS)
    return Estimate(value, float(low), float(high))
