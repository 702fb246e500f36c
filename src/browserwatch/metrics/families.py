"""Metric families whose labels can't grow without bound.

prometheus_client makes a child for any label value. These wrappers keep the children (`labels()` costs more than the
observation), fold values outside a closed set into its catch-all, and stop making new children at a shared budget.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from browserwatch.semantics import OTHER

Metric = TypeVar("Metric", bound=MetricWrapperBase)
Exemplar = dict[str, str] | None
MAX_LABEL_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Label:
    """A label and the values it may have; an open one (`values` empty) is bounded by the budget alone."""

    name: str
    values: tuple[str, ...] = ()
    fallback: str = OTHER

    @property
    def closed(self) -> bool:
        """Whether all values are known beforehand."""
        return bool(self.values)

    def bounded(self, value: str) -> str:
        """The value if it may be a label, else the catch-all."""
        if self.values:
            return value if value in self.values else self.fallback
        return value[:MAX_LABEL_LENGTH] or self.fallback


class Budget:
    """How many time series all families of a process may have together."""

    def __init__(self, limit: int, overflowed: Callable[[str], None]) -> None:
        self.limit = limit
        self.used = 0
        self._overflowed = overflowed

    def reserve(self, series: int) -> None:
        """Count series that are always made: those of closed sets."""
        self.used += series

    def take(self, series: int, metric: str) -> bool:
        """Whether a new child with so many series still fits; if not, the overflow is counted."""
        if self.used + series > self.limit:
            self._overflowed(metric)
            return False
        self.used += series
        return True


class Family(Generic[Metric]):
    """One metric with labels, its children kept by label values."""

    def __init__(self, name: str, metric: Metric, labels: tuple[Label, ...], budget: Budget, series: int) -> None:
        self.name = name
        self.metric = metric
        self.labels = labels
        self._budget = budget
        self._series = series
        self._children: dict[tuple[str, ...], Metric] = {}
        if all(label.closed for label in labels):
            for values in itertools.product(*(label.values for label in labels)):
                budget.reserve(series)
                self._children[values] = metric.labels(*values)

    def child(self, *values: str) -> Metric:
        """The child for these label values, or for the catch-all where they are not allowed."""
        found = self._children.get(values)
        return found if found is not None else self._bounded_child(values)

    def _bounded_child(self, values: tuple[str, ...]) -> Metric:
        bounded = tuple(label.bounded(value) for label, value in zip(self.labels, values, strict=True))
        if bounded not in self._children and not self._budget.take(self._series, self.name):
            bounded = tuple(label.fallback for label in self.labels)
        found = self._children.get(bounded)
        if found is None:
            # Two threads may both get here: labels() is atomic and returns the same child to both.
            found = self._children[bounded] = self.metric.labels(*bounded)
        return found

    def __len__(self) -> int:
        return len(self._children)


class Families:
    """Makes families that share one budget; the children that `collect` yields are theirs."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.metrics: list[MetricWrapperBase] = []
        self.families: list[Family[Counter] | Family[Gauge] | Family[Histogram]] = []

    def counter(self, name: str, text: str, *labels: Label) -> Family[Counter]:
        """A counter with labels."""
        metric = self._keep(Counter(name, text, [label.name for label in labels], registry=None))
        family = Family(name, metric, labels, self.budget, 1)
        self.families.append(family)
        return family

    def histogram(self, name: str, text: str, buckets: Iterable[float], *labels: Label) -> Family[Histogram]:
        """A histogram with labels."""
        bounds = tuple(buckets)
        metric = self._keep(Histogram(name, text, [label.name for label in labels], buckets=bounds, registry=None))
        family = Family(name, metric, labels, self.budget, len(bounds) + 3)
        self.families.append(family)
        return family

    def gauge(self, name: str, text: str, *labels: Label) -> Family[Gauge]:
        """A gauge with labels."""
        metric = self._keep(Gauge(name, text, [label.name for label in labels], registry=None))
        family = Family(name, metric, labels, self.budget, 1)
        self.families.append(family)
        return family

    def plain_gauge(self, name: str, text: str) -> Gauge:
        """A gauge without labels."""
        self.budget.reserve(1)
        return self._keep(Gauge(name, text, registry=None))

    def plain_counter(self, name: str, text: str) -> Counter:
        """A counter without labels."""
        self.budget.reserve(1)
        return self._keep(Counter(name, text, registry=None))

    def plain_histogram(self, name: str, text: str, buckets: Iterable[float]) -> Histogram:
        """A histogram without labels."""
        bounds = tuple(buckets)
        self.budget.reserve(len(bounds) + 3)
        return self._keep(Histogram(name, text, buckets=bounds, registry=None))

    def _keep(self, metric: Metric) -> Metric:
        self.metrics.append(metric)
        return metric
