"""Every series that a query may ask for: ours as declared, and those of others that we rely on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from browserwatch.dashboards.foreign import ANY, FOREIGN, TARGET, Labels
from browserwatch.errors import BrowserwatchError
from browserwatch.metrics import Instruments
from browserwatch.semantics import OTHER

VARIABLES: Final = {"job": "$job", "instance": "$instance"}


class UnknownSeriesError(BrowserwatchError):
    """A query names a metric, a label or a label's value that does not exist."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is known of the samples of one name.

    Attributes:
        labels: its labels with their values; no values: any are possible.
        scope: the dashboard variables that narrow it down in a panel, by label.
    """

    labels: Labels
    scope: Mapping[str, str] = field(default_factory=dict[str, str])


class Catalog:
    """Looks up series by the name of their samples."""

    def __init__(self, series: Mapping[str, Series]) -> None:
        self._series = dict(series)

    def __getitem__(self, name: str) -> Series:
        found = self._series.get(name)
        if found is None:
            raise UnknownSeriesError(
                f"No metric is called {name!r}; see docs/reference/metrics.md for those there are."
            )
        return found

    def names(self) -> frozenset[str]:
        """The names of all samples."""
        return frozenset(self._series)

    def without(self, name: str) -> Catalog:
        """A copy that lacks a series, as after somebody has renamed its metric."""
        return Catalog({other: series for other, series in self._series.items() if other != name})

    def with_recorded(self, recorded: Mapping[str, Iterable[str]]) -> Catalog:
        """A copy that also has what recording rules make: names with their labels."""
        made = {name: Series(dict.fromkeys(labels, ANY), {"job": "$job"}) for name, labels in recorded.items()}
        return Catalog(self._series | made)


def known_series() -> Catalog:
    """Our own series, and the declared ones of others."""
    foreign = {
        name: Series(labels, {label: VARIABLES[label] for label in labels if label in VARIABLES and scoped})
        for names, labels, scoped in FOREIGN
        for name in names
    }
    return Catalog(foreign | _own_series())


def _own_series() -> dict[str, Series]:
    instruments = Instruments()
    labels: dict[str, Labels] = {}
    for family in instruments.families:
        family.child(*(label.values[0] if label.closed else OTHER for label in family.labels))
        labels[family.name.removesuffix("_total")] = {label.name: label.values for label in family.labels}
    samples: dict[str, Labels] = {}
    bounds: defaultdict[str, list[str]] = defaultdict(list)
    for metric in instruments.collect():
        for sample in metric.samples:
            samples[sample.name] = labels.get(metric.name) or dict.fromkeys(sample.labels.keys() - {"le"}, ANY)
            if "le" in sample.labels:
                bounds[sample.name].append(sample.labels["le"])
    return {
        name: Series({**TARGET, **known, **({"le": tuple(bounds[name])} if name in bounds else {})}, VARIABLES)
        for name, known in samples.items()
    }
