"""A signal: what is asked of Prometheus, in which unit the answer is, and what it says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """One query of a panel.

    Attributes:
        expression: PromQL without the dashboard's variables, which are added when it is written.
        unit: as Grafana names it.
        text: what the number says, a sentence.
        legend: name of the line; with labels in double braces.
        exemplars: whether samples carry trace ids to show.
        empty: shown where there is no answer, for what has no truthful zero.
    """

    expression: str
    unit: str
    text: str
    legend: str = ""
    exemplars: bool = False
    empty: str = ""


def rate(series: str, by: str = "") -> str:
    """Per-second rate of a counter, summed by labels."""
    return f"sum{f' by ({by})' if by else ''} (rate({series}[$__rate_interval]))"


def total(series: str, by: str = "") -> str:
    """How much a counter grew in the time shown, summed by labels."""
    return f"sum{f' by ({by})' if by else ''} (increase({series}[$__range]))"


def or_zero(expression: str, label: str = "") -> str:
    """With a zero where there are no series yet, because nothing of it has happened.

    Args:
        expression: what may have none.
        label: of the series, to be ``none`` for the zero: a legend made of labels would have no name for it.
    """
    zero = f'label_replace(vector(0), "{label}", "none", "", "")' if label else "vector(0)"
    return f"{expression} or on () {zero}"


def zeros_for(expression: str, others: str) -> str:
    """With zeros for the sets of labels that others have and it has not: a table has no holes then."""
    return f"{expression} or {others} * 0"


def ratio(part: str, whole: str) -> str:
    """Part of a whole; nothing while the whole is 0, for what would be a lie with 0 % and with 100 %."""
    return f"({part}) / ({whole} > 0)"


def share(part: str, whole: str) -> str:
    """Part of a whole; 0 while the whole is."""
    return f"{ratio(part, whole)} or ({whole}) == 0"


def quantiles(histogram: str, unit: str, text: str, by: str = "") -> tuple[Signal, ...]:
    """The 50th, 95th and 99th percentile of a histogram, the last with exemplars.

    Args:
        histogram: name of the metric with matchers, such as ``name{label="value"}``.
        unit: of the observed values.
        text: what was observed.
        by: a label, to have the 95th percentile by its values instead.
    """
    buckets = _buckets(histogram)
    if by:
        expression = f"histogram_quantile(0.95, {rate(buckets, f'le, {by}')})"
        return (Signal(expression, unit, f"95th percentile of {text}.", f"{{{{{by}}}}}", exemplars=True),)
    return tuple(
        Signal(
            f"histogram_quantile({q / 100:g}, {rate(buckets, 'le')})",
            unit,
            f"{q}th percentile of {text}.",
            f"p{q}",
            exemplars=q == 99,  # noqa: PLR2004  # once: each query would bring the same
        )
        for q in (50, 95, 99)
    )


def buckets_of(histogram: str, unit: str, text: str) -> Signal:
    """The buckets of a histogram over time, for a heat map; the histogram may have matchers."""
    expression = f"sum by (le) (increase({_buckets(histogram)}[$__rate_interval]))"
    return Signal(expression, unit, text, "{{le}}", exemplars=True)


def _buckets(histogram: str) -> str:
    name, brace, matchers = histogram.partition("{")
    return f"{name}_bucket{brace}{matchers}"
