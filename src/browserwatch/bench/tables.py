"""What the smaller benchmarks show: medians with their spread, tables, and where they were measured."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from browserwatch.instrumentation.versions import installed_version
from browserwatch.version import __version__


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most of what was measured again and again."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of some values.

        Raises:
            ValueError: there are none.
        """
        if not values:
            raise ValueError("There is nothing to take the median of.")
        return cls(statistics.median(values), min(values), max(values))

    def shown(self, form: str = ".0f", factor: float = 1.0) -> str:
        """As text, in another unit."""
        return f"{self.median * factor:{form}} ({self.least * factor:{form}} … {self.most * factor:{form}})"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def table(title: str, texts: int, *columns: str) -> Table:
    """A table whose first columns are text, and the others numbers."""
    made = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number < texts else "right")
    return made


def machine() -> dict[str, Any]:
    """Where, when and of what something was measured."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "browserwatch": __version__,
        "browser_use": installed_version(),
    }


def as_json(kind: str, found: Any) -> str:
    """A report: what was found, where and when."""
    return json.dumps({"benchmark": kind, "machine": machine(), "found": found}, indent=2)
