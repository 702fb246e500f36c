import itertools
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.openmetrics import exposition, parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from browserwatch import metrics
from browserwatch.metrics import (
    Instruments,
    active_agents,
    instruments,
    register_collectors,
    register_library,
    session_reuse,
)
from browserwatch.metrics.families import MAX_LABEL_LENGTH, Budget, Families, Family, Label
from browserwatch.settings import Settings

COLOUR = Label("colour", ("red", "green", "other"))
SHAPE = Label("shape", ("round", "square"), "round")
NAME = Label("name")
# The library types these partly.
write_openmetrics: Callable[[CollectorRegistry], bytes] = cast("Any", exposition).generate_latest
read_openmetrics: Callable[[str], Iterable[Metric]] = cast("Any", parser).text_string_to_metric_families
AnyFamily = Family[Counter] | Family[Gauge] | Family[Histogram]


@pytest.fixture
def overflows() -> list[str]:
    return []


@pytest.fixture
def families(overflows: list[str]) -> Families:
    return Families(Budget(100, overflows.append))


def series(families: Families) -> dict[tuple[str, ...], float]:
    """All samples, by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in families.collect()
        for sample in metric.samples
    }


# --- labels and children -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("label", "value", "bounded"),
    [
        (COLOUR, "red", "red"),
        (COLOUR, "blue", "other"),
        (COLOUR, "RED", "other"),
        (COLOUR, "", "other"),
        (SHAPE, "oval", "round"),
        (NAME, "anything", "anything"),
        (NAME, "x" * 1000, "x" * MAX_LABEL_LENGTH),
        (NAME, "", "other"),
        (Label("name", (), "none"), "", "none"),
    ],
)
def test_bounded(label: Label, value: str, bounded: str) -> None:
    """A value outside a closed set becomes its catch-all; one of an open set is only cut."""
    assert label.bounded(value) == bounded


def test_children_are_cached(families: Families) -> None:
    """The same labels give the same child, also when they were folded."""
    family = families.counter("things", "Things.", COLOUR, NAME)
    assert family.child("red", "a") is family.child("red", "a")
    assert family.child("blue", "a") is family.child("other", "a")
    assert family.child("red", "a") is not family.child("green", "a")
    assert len(family) == 3


def test_closed_children_exist_at_once(families: Families, overflows: list[str]) -> None:
    """A family of closed labels shows zeros for every combination before anything happens."""
    families.counter("things", "Things.", COLOUR, SHAPE)
    families.histogram("sizes", "Sizes.", (1.0, 2.0), SHAPE)
    families.gauge("levels", "Levels.", COLOUR)
    families.counter("names", "Names.", NAME)
    found = series(families)
    assert set(found.values()) == {0.0}
    assert {key for key in found if key[0] == "things_total"} == {
        ("things_total", colour, shape) for colour, shape in itertools.product(COLOUR.values, SHAPE.values)
    }
    assert ("sizes_bucket", "square", "+Inf") in found
    assert not any(key[0].startswith("names") for key in found)
    assert families.budget.used == len(found) == 6 + 2 * 5 + 3
    assert not overflows


def test_an_observed_child_takes_the_place_of_its_zeros(families: Families) -> None:
    """The same series, each once, in the order that the format asks for; the value is what was observed."""
    sizes = families.histogram("sizes", "Sizes.", (1.0, 2.0), SHAPE)
    before = sorted(sample[:3] for sample in shown(families))
    sizes.child("square").observe(1.5)
    sizes.child("oval")  # the catch-all's child, not yet observed
    after = shown(families)
    assert sorted(sample[:3] for sample in after) == before
    assert [(name, le, value) for name, shape, le, value in after if shape == "square"] == [
        ("sizes_bucket", "1.0", 0),
        ("sizes_bucket", "2.0", 1),
        ("sizes_bucket", "+Inf", 1),
        ("sizes_count", "", 1),
        ("sizes_sum", "", 1.5),
    ]
    assert families.budget.used == len(after)


def shown(families: Families) -> list[tuple[str, str, str, float]]:
    return [
        (sample.name, sample.labels["shape"], sample.labels.get("le", ""), sample.value)
        for metric in families.collect()
        for sample in metric.samples
    ]


def test_a_scrape_never_sees_a_child_twice_or_not_at_all() -> None:
    """Also while its first observation is on its way."""
    families = Families(Budget(10_000, lambda _: None))
    numbers = Label("number", tuple(map(str, range(200))), "0")
    sizes = families.histogram("sizes", "Sizes.", (1.0,), numbers)
    wrong: list[int] = []
    done = threading.Event()

    def scrape() -> None:
        while not done.is_set():
            (metric,) = families.collect()
            counts = [sample for sample in metric.samples if sample.name == "sizes_count"]
            if {len(counts), len({sample.labels["number"] for sample in counts})} != {200}:
                wrong.append(len(counts))

    thread = threading.Thread(target=scrape)
    thread.start()
    for number in numbers.values:
        sizes.child(number).observe(1)
    done.set()
    thread.join()
    assert not wrong


def test_budget_counts_what_is_there(families: Families) -> None:
    """The budget is in time series: a histogram's child counts with its buckets, sum and count."""
    families.plain_gauge("level", "Level.")
    families.gauge("colours", "Colours.", NAME).child("a")
    families.plain_histogram("sizes", "Sizes.", (1.0, 2.0))
    families.counter("names", "Names.", NAME).child("a")
    families.histogram("weights", "Weights.", (1.0, 2.0, 3.0), NAME).child("a")
    assert families.budget.used == len(series(families)) == 1 + 1 + 5 + 1 + 6


def test_budget_holds(families: Families, overflows: list[str]) -> None:
    """Hostile labels make no more series than the budget, plus one catch-all; every fold is reported."""
    names = families.counter("names", "Names.", NAME)
    sizes = families.histogram("sizes", "Sizes.", (1.0, 2.0), NAME)
    for number in range(10_000):
        names.child(f"name-{number}").inc()
        sizes.child(f"name-{number}").observe(1)
    found = series(families)
    assert families.budget.used <= 100
    assert len(found) <= 100 + 1 + 5
    assert sum(value for key, value in found.items() if key[0] == "names_total") == 10_000
    assert sum(value for key, value in found.items() if key[0] == "sizes_count") == 10_000
    assert overflows.count("names") == found["names_total", "other"]
    assert overflows.count("sizes") == found["sizes_count", "other"]
    assert overflows.count("names") > 9800


def test_known_children_survive_an_exhausted_budget(families: Families, overflows: list[str]) -> None:
    """What was counted before the budget ran out still is; within it nothing is folded."""
    names = families.counter("names", "Names.", NAME)
    for number in range(100):
        names.child(f"name-{number}").inc()
    assert not overflows
    names.child("one more").inc()
    names.child("name-0").inc()
    assert overflows == ["names"]
    assert series(families)["names_total", "name-0"] == 2
    assert series(families)["names_total", "other"] == 1


def test_threads_share_a_child(families: Families) -> None:
    """Threads that meet a new label at the same time lose no count."""
    family = families.counter("names", "Names.", NAME)
    ready = threading.Barrier(8)

    def count() -> None:
        ready.wait(10)
        for number in range(50):
            family.child(f"name-{number}").inc()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    found = series(families)
    assert sum(found.values()) == 400
    assert set(found.values()) == {8}


def test_wrong_number_of_labels(families: Families) -> None:
    """A label forgotten is a mistake in our code, and not a label shifted."""
    with pytest.raises(ValueError, match="zip"):
        families.counter("names", "Names.", NAME, COLOUR).child("a")


# --- the instruments ---------------------------------------------------------------------------------------------------
@pytest.fixture
def ours() -> Instruments:
    return Instruments()


@pytest.fixture
def registry(ours: Instruments) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=True)
    registry.register(ours)
    return registry


def closed_families() -> Iterator[AnyFamily]:
    for family in Instruments().families:
        if all(label.closed for label in family.labels):
            yield family


def samples(registry: CollectorRegistry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }


def parsed(registry: CollectorRegistry) -> tuple[list[Metric], list[Metric]]:
    """What the reference client reads from both formats."""
    return (
        list(parse_text(generate_latest(registry).decode())),
        list(read_openmetrics(write_openmetrics(registry).decode())),
    )


def test_first_scrape_shows_zeros(registry: CollectorRegistry) -> None:
    """Before the first event every sample of every closed family is there, and all is zero."""
    found = samples(registry)
    assert set(found.values()) == {0.0}
    for family in closed_families():
        histogram = isinstance(family.metric, Histogram)
        counter = isinstance(family.metric, Counter)
        name = family.name.removesuffix("_total") + ("_count" if histogram else "_total" if counter else "")
        for values in itertools.product(*(label.values for label in family.labels)):
            labels = frozenset(zip((label.name for label in family.labels), values, strict=True))
            assert (name, labels) in found


def test_most_families_are_closed() -> None:
    """Only what depends on models, hooks and versions is open."""
    closed = {family.name for family in closed_families()}
    assert {family.name for family in Instruments().families} - closed == {
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_client_token_usage",
        "browser_llm_cached_tokens",
        "browser_llm_cost_usd",
        "browser_llm_unpriced_calls",
        "browser_instrumentation_hooks",
        "browser_instrumentation_errors",
        "browser_build_info",
    }


def test_budget_of_the_instruments(ours: Instruments, registry: CollectorRegistry) -> None:
    """What is always there is counted, and leaves most of the default budget free."""
    assert ours.budget.used == len(samples(registry))
    assert ours.budget.used < ours.budget.limit / 2


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        pytest.param(
            family.name,
            label,
            id=f"{family.name}-{label.name}",
        )
        for family in Instruments().families
        for label in family.labels
        if label.closed
    ],
)
def test_catch_all_is_a_value(metric: str, label: Label) -> None:
    """What a value outside a closed set becomes is itself in the set: no series appears later."""
    assert label.fallback in label.values
    assert len(set(label.values)) == len(label.values)


def test_overflow_is_counted(ours: Instruments, registry: CollectorRegistry) -> None:
    """Ten thousand hostile labels keep the series bounded, and each fold is counted."""
    for number in range(10_000):
        ours.hook_errors.child(f"hook-{number}").inc()
    found = samples(registry)
    assert len(found) <= ours.budget.limit + 2
    folded = found["browser_instrumentation_errors_total", frozenset({("hook", "other")})]
    assert folded > 5000
    assert sum(value for (name, _), value in found.items() if name == "browser_series_overflow_total") == folded


def test_overflow_names_the_metric(ours: Instruments, registry: CollectorRegistry) -> None:
    """The overflow counter says which metric had too many labels: that is what it is for."""
    for number in range(10_000):
        ours.hook_errors.child(f"hook-{number}").inc()
    labels = frozenset({("metric", "browser_instrumentation_errors")})
    assert samples(registry)["browser_series_overflow_total", labels] > 5000


def test_hostile_labels_parse(ours: Instruments, registry: CollectorRegistry) -> None:
    """Whatever a label holds, the scrape can be read."""
    hostile = ['"', "\\", "\n", "a\\nb", "{}", "é🙂", "x" * 500, "\0", ",", "="]
    for value in hostile:
        ours.hook_errors.child(value).inc()
    expected = {value[:MAX_LABEL_LENGTH] for value in hostile}
    for families in parsed(registry):
        found = {
            s.labels["hook"] for f in families for s in f.samples if s.name == "browser_instrumentation_errors_total"
        }
        assert found == expected


# --- exposition and names ----------------------------------------------------------------------------------------------
def test_output_parses(registry: CollectorRegistry) -> None:
    """Both formats are read by the parsers of the reference client, to the same samples."""
    expected = set(samples(registry))
    for families in parsed(registry):
        assert {(s.name, frozenset(s.labels.items())) for family in families for s in family.samples} == expected


def test_names_follow_the_rules(ours: Instruments) -> None:
    """https://prometheus.io/docs/practices/naming/: prefix, base units, `_total` on counters alone, a help text."""
    units = ("seconds", "usd", "tokens", "ratio", "bytes")
    seen: set[str] = set()
    for metric in ours.collect():
        assert metric.name.startswith(("browser_", "gen_ai_"))
        assert metric.name == metric.name.lower()
        assert metric.name not in seen
        seen.add(metric.name)
        assert metric.documentation.strip()
        for wrong in ("_ms", "_milliseconds", "_minutes", "_duration", "_percent", "_kb", "_mb"):
            assert not metric.name.endswith(wrong)
        if any(word in metric.name for word in ("duration", "wait_", "oldest", "ping", "timestamp")):
            assert metric.name.endswith("_seconds")
        for sample in metric.samples:
            assert sample.name.endswith("_total") == (metric.type == "counter")
            assert not sample.name.endswith("_created")
    assert any(name.endswith(units) for name in seen)


def test_labels_follow_the_rules(ours: Instruments) -> None:
    """No label is one of Prometheus's own, or holds what the metric's name says."""
    for family in ours.families:
        names = [label.name for label in family.labels]
        assert len(set(names)) == len(names)
        for name in names:
            assert name not in {"le", "quantile", "job", "instance", "type", "value"}
            assert not name.startswith("_")


def test_buckets_ascend(ours: Instruments) -> None:
    """Every histogram has ascending, finite buckets and fewer than twenty of them."""
    histograms = [metric for metric in ours.metrics if isinstance(metric, Histogram)]
    assert len(histograms) >= 8
    for found in ours.collect():
        if found.type == "histogram":
            bounds = [float(s.labels["le"]) for s in found.samples if s.name.endswith("_bucket")]
            first = bounds[: bounds.index(math.inf) + 1] if bounds else [math.inf]
            assert first == sorted(set(first))
            assert len(first) < 20


# --- registries --------------------------------------------------------------------------------------------------------
def test_register_twice() -> None:
    """A second call with the same registry changes nothing; another registry shows the same instruments."""
    first, second = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    register_collectors(first)
    register_collectors(first)
    register_collectors(second)
    assert generate_latest(first).count(b"# TYPE browser_active_agents ") == 1
    before = second.get_sample_value("browser_active_agents")
    assert before is not None
    active_agents.inc()
    assert second.get_sample_value("browser_active_agents") == before + 1
    active_agents.dec()
    assert first.get_sample_value("browser_active_agents") == before


def names(registry: CollectorRegistry) -> set[str]:
    return {metric.name for metric in registry.collect()}


def test_a_program_shows_what_it_can_move() -> None:
    """A program that only watches has no series of queue, pool, sessions and Redis, whose zeros would mislead."""
    whole, program = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    register_collectors(whole)
    register_library(program)
    assert {"browser_active_agents", "browser_session_reuse", "browser_runs", "browser_steps"} <= names(program)
    assert names(whole) - names(program) == {metric.name for metric in instruments.service.describe()}
    assert "browser_redis_up" in names(whole) - names(program)


def test_a_program_that_also_serves() -> None:
    """Whoever registers everything later gets the rest, once."""
    registry, whole = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    register_collectors(whole)
    register_library(registry)
    for _ in range(2):
        register_collectors(registry)
        register_library(registry)
    assert sorted(metric.name for metric in registry.collect()) == sorted(metric.name for metric in whole.collect())


@pytest.mark.parametrize(
    "name", ["browser_active_agents", "browser_runs", "gen_ai_client_token_usage", "browser_redis_up"]
)
def test_register_conflict(name: str) -> None:
    """A registry that has one of our names already is an error, told again at the next try, and left as it was."""
    registry = CollectorRegistry(auto_describe=True)
    Counter(name, "The user's own.", registry=registry)
    before = generate_latest(registry)
    for _ in range(2):
        with pytest.raises(ValueError, match=name):
            register_collectors(registry)
    assert generate_latest(registry) == before


def test_created_samples_of_others_stay() -> None:
    """Ours have no `_created` samples; the user's metrics beside them keep theirs."""
    registry = CollectorRegistry(auto_describe=True)
    Counter("shop_orders", "The user's own.", registry=registry).inc()
    Histogram("shop_seconds", "The user's own.", registry=registry).observe(1)
    register_collectors(registry)
    created = {sample.name for metric in registry.collect() for sample in metric.samples if "_created" in sample.name}
    assert created == {"shop_orders_created", "shop_seconds_created"}


def test_a_registry_can_go() -> None:
    """A registry that was registered with is not kept alive by it."""
    import gc
    import weakref

    registry = CollectorRegistry(auto_describe=True)
    register_collectors(registry)
    gone = weakref.ref(registry)
    del registry
    gc.collect()
    assert gone() is None


def test_first_names() -> None:
    """The two instruments most people look for are the process's own."""
    assert active_agents is instruments.active_agents
    assert session_reuse is instruments.session_reuse
    assert metrics.instruments.metrics[0] is active_agents


def test_configure() -> None:
    """A user's limit on series is the budget's."""
    limit = instruments.budget.limit
    try:
        metrics.configure(Settings(max_series=777))
        assert instruments.budget.limit == 777
    finally:
        metrics.configure(Settings(max_series=limit))
