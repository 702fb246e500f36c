"""The statistics: known data, known answers."""

from __future__ import annotations

import io
import random

import pytest
from rich.console import Console

from browserwatch.bench import estimates
from browserwatch.bench.estimates import Verdict, exit_code
from browserwatch.bench.report import print_verdicts


def noisy(middle: float, spread: float, count: int) -> list[float]:
    rng = random.Random(3)  # noqa: S311  # noise, not a secret
    return [rng.gauss(middle, spread) for _ in range(count)]


def test_the_interval_is_that_of_the_normal_distribution() -> None:
    """For a sum of normal noise the interval is the textbook's: 1.96 standard errors to both sides."""
    found = estimates.ratio([[1.0] * 400], [noisy(5.0, 1.0, 400)])
    assert found.low < 5.0 < found.high
    assert found.half_width == pytest.approx(1.96 / 20, rel=0.1)


def test_the_median_shrugs_off_an_outlier() -> None:
    """One turn in which the machine was busy moves a sum, not the median."""
    values = [1.0] * 50 + [1000.0]
    assert estimates.median([values]) == estimates.Estimate(1.0, 1.0, 1.0)
    assert estimates.ratio([[1.0] * 51], [values]).value > 20


def test_the_ratio_is_of_sums() -> None:
    """A long pair weighs more than a short one."""
    assert estimates.ratio([[1.0, 9.0]], [[2.0, 9.0]]).value == pytest.approx(1.1)


def test_pairs_cancel_what_they_share() -> None:
    """Pairs whose halves go up and down together give a narrow interval, however much they go."""
    off = noisy(100.0, 30.0, 40)
    found = estimates.ratio([off], [[value * 1.02 for value in off]])
    assert found.value == pytest.approx(1.02)
    assert found.half_width < 1e-9


def test_the_same_measurements_give_the_same_interval() -> None:
    """Chance in the resampling is no part of a report."""
    assert estimates.median([noisy(1, 1, 20)]) == estimates.median([noisy(1, 1, 20)])


def test_processes_that_differ_widen_the_interval() -> None:
    """Pairs of one process agree with each other and say little of the next: more pairs make no narrower interval then."""
    alike = [noisy(1.0, 0.1, 50) for _ in range(8)]
    apart = [[value + shift for value in values] for shift, values in zip((-1, 1) * 4, alike, strict=True)]
    assert estimates.median(alike).half_width < 0.05
    assert estimates.median(apart).half_width > 0.5
    without = [[1.0] * 50] * 8
    assert estimates.ratio(without, alike).half_width < 0.05
    assert estimates.ratio(without, apart).half_width > 0.5


@pytest.mark.parametrize("processes", [[], [[]], [[1.0], [1.0, 2.0]]], ids=repr)
def test_processes_that_found_nothing_or_not_as_much(processes: list[list[float]]) -> None:
    """Such can't be drawn from fairly."""
    with pytest.raises(ValueError, match=r"nothing|as much"):
        estimates.median(processes)


def test_more_pairs_narrow_the_interval() -> None:
    """Four times the pairs, half the interval."""
    few, many = (estimates.ratio([[1.0] * count], [noisy(1.0, 1.0, count)]).half_width for count in (200, 800))
    assert many / few == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize(("off", "on"), [([], []), ([1.0], [])])
def test_nothing_to_estimate_from(off: list[float], on: list[float]) -> None:
    """Without measurements, or with halves of pairs, there is no figure."""
    with pytest.raises(ValueError, match=r"nothing|no pairs"):
        estimates.ratio([off], [on])


@pytest.mark.parametrize(
    ("upper", "required", "code"), [(1.05, True, 0), (1.051, True, 1), (1.051, False, 0), (0.9, True, 0)]
)
def test_the_exit_code_is_by_what_is_required(upper: float, *, required: bool, code: int) -> None:
    """The interval's upper end decides; a missed aim is no failure."""
    assert exit_code([Verdict("x", upper, 1.05, required)]) == code


def test_one_missed_limit_is_enough() -> None:
    """All required limits must be kept."""
    assert exit_code([Verdict("a", 1, 2, required=True), Verdict("b", 3, 2, required=True)]) == 1
    assert exit_code([]) == 0


@pytest.mark.parametrize(
    ("lower", "upper", "told"),
    [(1.0, 1.04, "✓"), (1.0, 1.08, "within the interval"), (1.06, 1.08, "✗"), (None, 1.08, "✗")],
)
def test_a_limit_within_the_interval_is_told_apart(lower: float | None, upper: float, told: str) -> None:
    """Too few runs do not show that a limit is kept, nor that it is missed; the exit code is that of a limit not kept."""
    verdict = Verdict("x", upper, 1.05, required=True, lower=lower)
    console = Console(width=140, file=(shown := io.StringIO()))
    print_verdicts(console, [verdict])
    assert told in shown.getvalue()
    assert ("within" in shown.getvalue()) == (told == "within the interval")
    assert exit_code([verdict]) == (told != "✓")


def test_percentile() -> None:
    """Half of the values are below the middle one."""
    assert estimates.percentile([1.0, 2.0, 3.0], 0.5) == 2.0
