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

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.upper <= self.limit


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """1 when a required limit is missed, else 0."""
    return int(any(verdict.required and not verdict.met for verdict in verdicts))


def median(processes: Sequence[Sequence[float]]) -> Estimate:
    """The median of paired differences that several processes found, each as many.

    Raises:
        ValueError: there are none, or not as many of each.
    """
    if len({len(values) for values in processes}) > 1:
        raise ValueError("Each process must have found as much as any other.")
    found = np.stack([_filled(values) for values in processes]) if processes else _filled([])
    count, size = found.shape
    random = np.random.default_rng(SEED)
    process = random.integers(0, count, size=(RESAMPLES, count, 1))
    pair = random.integers(0, size, size=(RESAMPLES, count, size))
    return _estimate(float(np.median(found)), np.median(found[process, pair], axis=(1, 2)))


def mean(values: Sequence[float]) -> Estimate:
    """The mean of paired differences.

    Raises:
        ValueError: there are none.
    """
    found = _filled(values)
    return _estimate(float(found.mean()), found[_draws(len(found))].mean(axis=1))


def ratio(off: Sequence[float], on: Sequence[float]) -> Estimate:
    """What the second of each pair took together, in terms of what the first took together.

    Raises:
        ValueError: there are no pairs, or they are not pairs.
    """
    before, after = _filled(off), _filled(on)
    if len(before) != len(after):
        raise ValueError(f"{len(before)} values without and {len(after)} with are no pairs.")
    drawn = _draws(len(before))
    return _estimate(float(after.sum() / before.sum()), after[drawn].sum(axis=1) / before[drawn].sum(axis=1))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies."""
    return float(np.percentile(_filled(values), share * 100))


def _filled(values: Sequence[float]) -> NDArray[np.float64]:
    if not values:
        raise ValueError("There is nothing to estimate from.")
    return np.asarray(values, dtype=np.float64)


def _draws(size: int) -> NDArray[Any]:
    return np.random.default_rng(SEED).integers(0, size, size=(RESAMPLES, size))


def _estimate(value: float, resampled: NDArray[np.float64]) -> Estimate:
    low, high = np.percentile(resampled, TAILS)
    return Estimate(value, float(low), float(high))
