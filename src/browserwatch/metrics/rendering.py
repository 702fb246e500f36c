"""Metrics as text, for less: what prometheus_client writes, byte by byte, without asking of each letter if it may stay.

Its OpenMetrics writer takes 11 µs a sample, most of it for names and labels that are the same at each scrape. Here these
are kept, and whole lines of samples that never change. Whatever is out of the ordinary (names beyond ASCII, timestamps,
native histograms, another format) is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString  # pyright: ignore[reportUnknownVariableType]  # untyped

from browserwatch.metrics.families import Unchanging
from browserwatch.metrics.readings import Collects

KEPT: Final = 16_384
"""Label sets that are kept; more than a registry of ours may have unless told otherwise."""

_FORMAT: Final = re.compile(
    r"application/openmetrics-text; version=1\.0\.0; charset=utf-8(?:; escaping=(?:underscores|allow-utf-8))?"
)
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class _Unusual(Exception):  # noqa: N818  # no error: it goes another way
    """Something that is left to the library."""


class _Collected:
    """Metrics that were collected already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """The same each time."""
        return self._metrics


def negotiate(accept: str) -> tuple[Callable[[Collects], bytes], str]:
    """What writes metrics in the format that an `Accept` header asks for, and its content type."""
    try:
        encoder, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        encoder, content_type = choose_encoder("")
    if not _FORMAT.fullmatch(content_type):
        return encoder, content_type

    def encode(registry: Collects) -> bytes:
        metrics = list(registry.collect())
        try:
            return "".join(_written(metrics)).encode()
        except _Unusual:
            return encoder(_Collected(metrics))

    return encode, content_type


def _written(metrics: Iterable[Metric]) -> Iterable[str]:
    for metric in metrics:
        name = _name(metric.name)
        yield f"# HELP {name} {_escaped(metric.documentation)}\n# TYPE {name} {metric.type}\n"
        if metric.unit:
            yield f"# UNIT {name} {metric.unit}\n"
        for sample in metric.samples:
            if isinstance(sample, Unchanging):
                sample.line = sample.line or _line(sample, metric.type)
                yield sample.line
            else:
                yield _line(sample, metric.type)
    yield "# EOF\n"


def _line(sample: Sample, kind: str) -> str:
    if sample.timestamp is not None or sample.native_histogram is not None:
        raise _Unusual
    head = _head(sample.name, tuple(sample.labels.items()))
    if not sample.exemplar:
        return f"{head} {floatToGoString(sample.value)}\n"
    exemplar = sample.exemplar
    if not sample.name.endswith({"counter": "_total", "histogram": "_bucket"}.get(kind, "\n")):
        raise _Unusual
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(exemplar.labels.items()))
    at = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f"{head} {floatToGoString(sample.value)} # {{{labels}}} {floatToGoString(exemplar.value)}{at}\n"


@lru_cache(maxsize=KEPT)
def _head(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    """Name and labels of a sample."""
    if not all(_LABEL.fullmatch(label) for label, _ in labels):
        raise _Unusual
    shown = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels))
    return f"{_name(name)}{{{shown}}}" if shown else _name(name)


@lru_cache(maxsize=KEPT)
def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _Unusual
    return name


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
