"""Metric families whose labels can't grow without bound.

prometheus_client makes a child for any label value. These wrappers keep the children (`labels()` costs more than the
observation), fold values outside a closed set into its catch-all, and stop making new children at a shared budget.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeAlias, TypeVar

from prometheus_client import Counter, Gauge, Histogram, Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from browserwatch.semantics import OTHER

M = TypeVar("M", bound=MetricWrapperBase)
F = TypeVar("F", "Family[Counter]", "Family[Gauge]", "Family[Histogram]")
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


class Unchanging(Sample):
    """A sample that is the same object at each scrape, so that its line can be kept with it."""

    line: str = ""


class Family(Generic[M]):
    """One metric with labels, its children kept by label values.

    Those of closed sets are shown from the start, yet most of them never see an event. So their samples are made once, by a
    metric that nobody moves, and shown until the real child is asked for: making all of them anew was most of a scrape.

    Args:
        name: of the metric.
        make: makes it.
        labels: which it has.
        budget: takes its series.
        series: of each child.
    """

    def __init__(
        self, name: str, make: Callable[[], M], labels: tuple[Label, ...], budget: Budget, series: int
    ) -> None:
        self.name = name
        self.metric = make()
        """Of prometheus_client; it knows only the children that were asked for."""
        self.labels = labels
        self._budget = budget
        self._series = series
        self._children: dict[tuple[str, ...], M] = {}
        self._untouched: dict[tuple[str, ...], list[Sample]] = {}
        self._lock = threading.Lock()
        if all(label.closed for label in labels):
            self._foresee(make(), list(itertools.product(*(label.values for label in labels))))

    def child(self, *values: str) -> M:
        """The child for these label values, or for the catch-all where they are not allowed."""
        found = self._children.get(values)
        return found if found is not None else self._bounded_child(values)

    def collect(self) -> Iterable[Metric]:
        """Samples of all children, those that nothing has happened to last."""
        with self._lock:  # else a child that becomes real now would be shown twice or not at all
            collected = [without_created(metric) for metric in self.metric.collect()]
            untouched = list(self._untouched.values())
        for metric in collected:
            metric.samples.extend(itertools.chain.from_iterable(untouched))
        return collected

    def __len__(self) -> int:
        return len(self._children)

    def _bounded_child(self, values: tuple[str, ...]) -> M:
        bounded = tuple(label.bounded(value) for label, value in zip(self.labels, values, strict=True))
        # In this order: a child that another thread makes now is in one of the two at any time.
        known = bounded in self._untouched or bounded in self._children
        if not known and not self._budget.take(self._series, self.name):
            bounded = tuple(label.fallback for label in self.labels)
        found = self._children.get(bounded)
        if found is None:
            # Two threads may both get here: labels() returns the same child to both.
            with self._lock:
                found = self._children[bounded] = self.metric.labels(*bounded)
                self._untouched.pop(bounded, None)
        return found

    def _foresee(self, untouched: M, known: list[tuple[str, ...]]) -> None:
        self._budget.reserve(self._series * len(known))
        for values in known:
            untouched.labels(*values)
        for metric in untouched.collect():
            for sample in without_created(metric).samples:
                values = tuple(sample.labels[label.name] for label in self.labels)
                self._untouched.setdefault(values, []).append(Unchanging(*sample))


AnyFamily: TypeAlias = Family[Counter] | Family[Gauge] | Family[Histogram]


def without_created(metric: Metric) -> Metric:
    """A metric without its ``_created`` samples.

    They would nearly double the series; the library's own switch is global, and a user's metrics in the same process are
    not ours to change.
    """
    metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
    return metric


def series_of(bounds: tuple[float, ...]) -> int:
    """Time series of one histogram: its buckets, the one for all, sum and count."""
    return len(bounds) + 3


class Families(Collector):
    """Makes families, and shows them together. Several may share a budget."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.metrics: list[MetricWrapperBase] = []
        self.families: list[AnyFamily] = []
        self._sources: list[Callable[[], Iterable[Metric]]] = []
        self._refreshers: tuple[Callable[[], None], ...] = ()

    def counter(self, name: str, text: str, *labels: Label) -> Family[Counter]:
        """A counter with labels."""
        make = partial(Counter, name, text, [label.name for label in labels], registry=None)
        return self._family(Family(name, make, labels, self.budget, 1))

    def histogram(self, name: str, text: str, buckets: Iterable[float], *labels: Label) -> Family[Histogram]:
        """A histogram with labels."""
        bounds = tuple(buckets)
        make = partial(Histogram, name, text, [label.name for label in labels], buckets=bounds, registry=None)
        return self._family(Family(name, make, labels, self.budget, series_of(bounds)))

    def gauge(self, name: str, text: str, *labels: Label) -> Family[Gauge]:
        """A gauge with labels."""
        make = partial(Gauge, name, text, [label.name for label in labels], registry=None)
        return self._family(Family(name, make, labels, self.budget, 1))

    def plain_gauge(self, name: str, text: str) -> Gauge:
        """A gauge without labels."""
        return self._plain(Gauge(name, text, registry=None), 1)

    def plain_counter(self, name: str, text: str) -> Counter:
        """A counter without labels."""
        return self._plain(Counter(name, text, registry=None), 1)

    def plain_histogram(self, name: str, text: str, buckets: Iterable[float]) -> Histogram:
        """A histogram without labels."""
        bounds = tuple(buckets)
        return self._plain(Histogram(name, text, buckets=bounds, registry=None), series_of(bounds))

    def on_collect(self, refresh: Callable[[], None]) -> Callable[[], None]:
        """Call this before each scrape, in the scrape's thread: for gauges that show what is rather than what happened.

        Returns:
            A function that ends it.
        """
        # A new tuple each time: a scrape may be walking over the old one.
        self._refreshers = (*self._refreshers, refresh)

        def remove() -> None:
            self._refreshers = tuple(one for one in self._refreshers if one is not refresh)

        return remove

    def collect(self) -> Iterable[Metric]:
        """Samples of all of them, in the order of their making (prometheus_client calls this at each scrape)."""
        for refresh in self._refreshers:
            refresh()
        for collect in self._sources:
            yield from collect()

    def describe(self) -> Iterable[Metric]:
        """Names without samples, so that a registry can refuse a duplicate."""
        for metric in self.metrics:
            yield from metric.describe()

    def _family(self, family: F) -> F:
        self.families.append(family)
        self.metrics.append(family.metric)
        self._sources.append(family.collect)
        return family

    def _plain(self, metric: M, series: int) -> M:
        self.budget.reserve(series)
        self.metrics.append(metric)
        self._sources.append(lambda: map(without_created, metric.collect()))
        return metric
