"""Figures with their spread, and how they are shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Median, least and most of some measurements, and the number that was aimed at."""

    name: str
    unit: str
    values: tuple[float, ...]
    aim: str = ""

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def row(self) -> str:
        """As a row of a Markdown table."""
        spread = f"{min(self.values):.3g} … {max(self.values):.3g}"
        return f"| {self.name} | {self.median:.3g} {self.unit} | {spread} | {len(self.values)} | {self.aim} |"


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    head = "| figure | median | least … most | n | aim |\n| --- | --- | --- | --- | --- |"
    return "\n".join([head, *(figure.row() for figure in figures)])


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
