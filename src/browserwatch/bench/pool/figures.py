"""Figures with their spread, and how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from browserwatch.bench.tables import Spread


@dataclass(frozen=True)
class Figure:
    """Some measurements, and the number that was aimed at."""

    name: str
    unit: str
    values: tuple[float, ...]
    aim: str = ""

    def row(self) -> str:
        """As a row of a Markdown table."""
        found = Spread.of(self.values)
        spread = f"{found.least:.3g} … {found.most:.3g}"
        return f"| {self.name} | {found.median:.3g} {self.unit} | {spread} | {len(self.values)} | {self.aim} |"


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    head = "| figure | median | least … most | n | aim |\n| --- | --- | --- | --- | --- |"
    return "\n".join([head, *(figure.row() for figure in figures)])
