"""The reader of expressions finds what it should, and refuses what it can't vouch for."""

from __future__ import annotations

import pytest

from browserwatch.dashboards.catalog import Catalog, Series, UnknownSeriesError
from browserwatch.dashboards.promql import check, scoped

CATALOG = Catalog(
    {
        "runs_total": Series({"job": (), "outcome": ("success", "error")}, {"job": "$job"}),
        "size": Series({"job": (), "model": ()}, {"job": "$job"}),
        "up": Series({"job": ()}),
    }
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("size", 'size{job=~"$job"}'),
        ("size{}", 'size{job=~"$job"}'),
        ('size{model="a"}', 'size{job=~"$job",model="a"}'),
        ('size{job="mine"}', 'size{job="mine"}'),
        ("up + size", 'up + size{job=~"$job"}'),
        (
            'sum by (outcome) (rate(runs_total{outcome!="error"}[5m])) or on () vector(0)',
            'sum by (outcome) (rate(runs_total{job=~"$job",outcome!="error"}[5m])) or on () vector(0)',
        ),
        ("size offset 1h > 0 and on (job) up == 1", 'size{job=~"$job"} offset 1h > 0 and on (job) up == 1'),
        ("topk(3, sum(size) by (model))", 'topk(3, sum(size{job=~"$job"}) by (model))'),
    ],
)
def test_series_are_narrowed(expression: str, expected: str) -> None:
    """Each series gets the variables it has labels for, unless the expression chooses itself."""
    assert scoped(expression, CATALOG) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("runs", "No metric is called 'runs'"),
        ('runs_total{result="error"}', "no label 'result'"),
        ('runs_total{outcome="failed"}', "never 'failed'"),
        ('runs_total{outcome=~"error|failed"}', "never 'failed'"),
        ("sum by (outcome) (size)", "label 'outcome'"),
        ('{job="x"}', "without a name"),
        ("predict_linear(size[5m], 60)", "'predict_linear'"),
        ("size ? 1", "can't be read"),
    ],
)
def test_what_does_not_exist_is_refused(expression: str, message: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(UnknownSeriesError, match=message):
        check(expression, CATALOG)


def test_patterns_may_match_anything() -> None:
    """Only plain alternatives are held against the closed set; a pattern or a variable is not."""
    assert check('runs_total{outcome=~"succ.+"} + size{model=~"$model"}', CATALOG)
