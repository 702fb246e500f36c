"""What instruments show now, for those in this process who want to know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client import Metric


class Collects(Protocol):
    """An instrument of prometheus_client, a family of them, a collector or a registry."""

    def collect(self) -> Iterable[Metric]:
        """Samples as they are now."""
        ...


def reading(instrument: Collects) -> float:
    """The value of a gauge or counter without labels."""
    return next(iter(readings(instrument).values()), 0.0)


def readings(instrument: Collects, *labels: str) -> dict[tuple[str, ...], float]:
    """Values of a gauge or counter, by the values of these labels."""
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for metric in instrument.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }
