"""The configurations of Prometheus, Alertmanager, Grafana and the collector agree with one another and with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from browserwatch import semantics
from browserwatch.dashboards import places
from browserwatch.dashboards.foreign import SPAN_CALLS, SPAN_DURATION
from browserwatch.dashboards.rules.groups import ALERTS
from browserwatch.dashboards.rules.objectives import OBJECTIVES
from browserwatch.settings import ServiceSettings
from tests.dashboards.tools import DEPLOY, run_tool

COLLECTORS = ("single", "gateway-balancer", "gateway-sampler")
SAMPLERS = ("single", "gateway-sampler")
ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def collector(name: str) -> Any:
    return load(DEPLOY / "otel-collector" / f"{name}.yaml")


def default(text: str) -> str:
    """What a variable of the environment falls back to."""
    found = re.fullmatch(r"\$\{env:\w+:-(.*)\}", text)
    assert found is not None, text
    return found[1]


def test_prometheus_accepts_its_configuration() -> None:
    """`promtool check config` follows it to the rule files."""
    done = run_tool("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout


def test_prometheus_scrapes_what_the_alerts_name() -> None:
    """A job with another name would make its alerts fire for ever, or never."""
    jobs = {job["job_name"]: job for job in load(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]}
    assert set(jobs) == set(places.JOBS)
    targets = [target for job in jobs.values() for group in job["static_configs"] for target in group["targets"]]
    assert all(target.startswith("127.0.0.1:") for target in targets)


def test_alertmanager_accepts_its_configuration() -> None:
    """`amtool check-config` does."""
    done = run_tool("amtool", "check-config", ALERTMANAGER)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=critical", "component=pool"], "operators"),
        (["severity=warning", "component=model"], "operators"),
        (["severity=info"], "nobody"),
        (["alertname=BrowserwatchWatchdog", "severity=none"], "watchdog"),
    ],
)
def test_alerts_reach_their_receiver(labels: list[str], receiver: str) -> None:
    """`amtool config routes test` says who is told."""
    done = run_tool("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert done.stdout.strip() == receiver


def matching(matchers: list[str]) -> set[str]:
    """The alerts that matchers choose."""
    chosen: set[str] = set()
    for alert in ALERTS:
        labels = {"alertname": alert.full_name, "component": alert.component, "severity": alert.severity}
        found = [re.fullmatch(r'(\w+) =(~?) "?([^"]+)"?', matcher) for matcher in matchers]
        assert all(found)
        if all(m is not None and re.fullmatch(m[3], labels[m[1]]) for m in found):
            chosen.add(alert.full_name)
    return chosen


def test_inhibition_names_alerts_that_exist() -> None:
    """Each rule silences something, by something, and none silences critical news about another thing."""
    rules = load(ALERTMANAGER)["inhibit_rules"]
    for rule in rules:
        assert matching(rule["source_matchers"]), rule
        assert matching(rule["target_matchers"]) - matching(rule["source_matchers"]), rule
    mentioned = set(re.findall(r"Browserwatch\w+", ALERTMANAGER.read_text()))
    assert mentioned <= {alert.full_name for alert in ALERTS} | {"Browserwatch"}


def test_a_dead_service_silences_its_symptoms() -> None:
    """Of all about the service only its death is told; the collector and the alerting speak for themselves."""
    rules = load(ALERTMANAGER)["inhibit_rules"]
    dead = [rule for rule in rules if rule["source_matchers"] == ["alertname = BrowserwatchServiceDown"]]
    silenced = set[str]().union(*(matching(rule["target_matchers"]) for rule in dead))
    spared = {alert.full_name for alert in ALERTS if alert.component in ("collector", "alerting")}
    assert silenced == {alert.full_name for alert in ALERTS} - spared - {"BrowserwatchServiceDown"}


def test_grafana_links_exemplars_to_traces() -> None:
    """A dot in a panel opens the trace in the store that is provisioned with it."""
    sources = {s["type"]: s for s in load(DEPLOY / "grafana/provisioning/datasources/browserwatch.yaml")["datasources"]}
    (destination,) = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert destination["name"] == "trace_id"
    assert destination["datasourceUid"] == sources["tempo"]["uid"]


@pytest.mark.parametrize("name", COLLECTORS)
def test_collector_uses_what_it_declares(name: str) -> None:
    """Every component of a pipeline is configured, and every one configured is used."""
    config = collector(name)
    pipelines = config["service"]["pipelines"].values()
    connectors = set(config.get("connectors", {}))
    used = {
        kind: {one for p in pipelines for one in p.get(kind, [])} for kind in ("receivers", "processors", "exporters")
    }
    assert used["processors"] == set(config["processors"])
    assert used["receivers"] - connectors == set(config["receivers"])
    assert used["exporters"] - connectors == set(config["exporters"])
    assert used["receivers"] & connectors == used["exporters"] & connectors == connectors
    assert set(config["service"]["extensions"]) == set(config["extensions"])


@pytest.mark.parametrize("name", COLLECTORS)
def test_memory_is_limited_before_anything_else(name: str) -> None:
    """Spans that come in meet the limiter first, and on the way from outside the redaction next."""
    for pipeline in collector(name)["service"]["pipelines"].values():
        if "otlp" in pipeline["receivers"]:
            assert pipeline["processors"][0] == "memory_limiter"
            assert name == "gateway-sampler" or pipeline["processors"][1] == "redaction"


@pytest.mark.parametrize("name", SAMPLERS)
def test_span_metrics_see_every_span(name: str) -> None:
    """They and the sampler are fed side by side: the metrics count what sampling drops."""
    pipelines = collector(name)["service"]["pipelines"]
    assert pipelines["traces/in"]["exporters"] == ["span_metrics", "forward/sampling"]
    assert "tail_sampling" not in pipelines["traces/in"]["processors"]
    assert pipelines["traces/sampled"]["receivers"] == ["forward/sampling"]
    assert pipelines["traces/sampled"]["processors"] == ["tail_sampling", "batch"]
    assert pipelines["metrics/spans"]["receivers"] == ["span_metrics"]


@pytest.mark.parametrize("name", SAMPLERS)
def test_span_metrics_have_the_names_of_the_dashboards(name: str) -> None:
    """Namespace and unit make the names; exemplars need them switched on and OpenMetrics."""
    config = collector(name)
    spans = config["connectors"]["span_metrics"]
    namespace = spans["namespace"].replace(".", "_")
    assert f"{namespace}_calls_total" == SPAN_CALLS
    assert {"s": f"{namespace}_duration_seconds"}[spans["histogram"]["unit"]] == SPAN_DURATION
    assert spans["exemplars"]["enabled"]
    assert config["exporters"]["prometheus/spans"]["enable_open_metrics"]


def test_prometheus_scrapes_exemplars_before_they_are_gone() -> None:
    """Exemplars of span metrics are shown for one flush only."""
    jobs = {job["job_name"]: job for job in load(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]}
    flush = collector("single")["connectors"]["span_metrics"]["metrics_flush_interval"]
    assert int(jobs[places.SPANS_JOB]["scrape_interval"].removesuffix("s")) < int(flush.removesuffix("s"))


@pytest.mark.parametrize("name", SAMPLERS)
def test_sampling_keeps_what_matters(name: str) -> None:
    """Errors, runs that did not succeed, slow and costly ones are kept, by attributes that exist; of the rest a share."""
    sampler = collector(name)["processors"]["tail_sampling"]
    policies = {policy["name"]: policy for policy in sampler["policies"]}
    assert list(policies) == ["errors", "unsuccessful-runs", "slow", "costly", "a-share-of-the-rest"]
    outcomes = policies["unsuccessful-runs"]["string_attribute"]
    assert outcomes["key"] == semantics.RUN_OUTCOME
    assert set(outcomes["values"]) == set(semantics.RUN_OUTCOMES) - {"success", "cancelled"}
    assert f'attributes["{semantics.RUN_COST_USD}"]' in policies["costly"]["ottl_condition"]["span"][0]


@pytest.mark.parametrize("name", SAMPLERS)
def test_sampling_waits_until_it_can_know(name: str) -> None:
    """A run that goes on at the decision is already longer than the threshold of slow traces, whatever its steps do."""
    sampler = collector(name)["processors"]["tail_sampling"]
    wait = int(default(sampler["decision_wait"]).removesuffix("s"))
    slow = next(policy for policy in sampler["policies"] if policy["name"] == "slow")["latency"]["threshold_ms"] / 1000
    assert wait >= slow + ServiceSettings.model_fields["step_timeout_seconds"].default


@pytest.mark.parametrize("name", COLLECTORS)
def test_queues_survive_a_restart(name: str) -> None:
    """Whatever sends spans on keeps them on disk until they are taken."""
    config = collector(name)
    for exporter, settings in config["exporters"].items():
        if not exporter.startswith("prometheus"):
            assert settings["sending_queue"]["enabled"]
            assert settings["sending_queue"]["storage"] in config["extensions"]
    # Of each sampler the balancer has an exporter within, which would take spans off the disk into memory of its own.
    within = config["exporters"].get("load_balancing", {}).get("protocol", {}).get("otlp", {})
    assert not [name for name in ("sending_queue", "retry_on_failure") if within and within[name]["enabled"]]


def test_the_gateway_keeps_a_trace_together() -> None:
    """Balancers route by trace id: a sampler that saw half of a trace would decide wrongly."""
    assert collector("gateway-balancer")["exporters"]["load_balancing"]["routing_key"] == "traceID"


@pytest.mark.parametrize("name", COLLECTORS)
def test_nothing_listens_off_loopback(name: str) -> None:
    """Unless the environment says so."""
    config = collector(name)
    protocols = config["receivers"]["otlp"]["protocols"].values()
    listening = [protocol["endpoint"] for protocol in protocols] + [config["extensions"]["health_check"]["endpoint"]]
    if name in SAMPLERS:
        listening.append(config["exporters"]["prometheus/spans"]["endpoint"])
    reader = config["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    listening.append(reader["host"])
    assert all(default(endpoint).split(":")[0] == "127.0.0.1" for endpoint in listening)
    assert reader["without_type_suffix"]
    assert reader["without_units"]


@pytest.mark.parametrize("name", ["single", "gateway-balancer"])
def test_redaction_hides_secrets_and_nothing_of_ours(name: str) -> None:
    """Keys of credentials and values that look like them are masked; token counts and other attributes are not."""
    settings = collector(name)["processors"]["redaction"]
    keys = [re.compile(pattern.replace("$$", "$")) for pattern in settings["blocked_key_patterns"]]
    values = [re.compile(pattern.replace("$$", "$")) for pattern in settings["blocked_values"]]
    masked = [
        "http.request.header.authorization",
        "db.password",
        "x-api-key",
        "url.query",
        "set-cookie",
        "oauth.access_token",
    ]
    assert all(any(key.search(one) for key in keys) for one in masked)
    assert not [name for name in semantics.ATTRIBUTES if any(key.search(name) for key in keys)]
    secrets = [
        "Bearer abcdefghijklmnop1234",
        "eyJhbGciOiJIUzI1NiJ9abc.def.ghi",
        "sk-abcdefghijklmnop1234",
        "AKIAABCDEFGHIJKLMNOP",
    ]
    assert all(any(value.search(secret) for value in values) for secret in secrets)
    harmless = ["gpt-4.1-mini", "basic information", "max_steps", "/account/orders", "invoke_agent"]
    assert not [text for text in harmless if any(value.search(text) for value in values)]


@pytest.mark.parametrize("name", ["single", "gateway-balancer"])
def test_redaction_masks_the_same_wherever_it_looks(name: str) -> None:
    """Names and messages of spans are masked by another processor, which has the patterns as one."""
    processors = collector(name)["processors"]
    pattern = "|".join(processors["redaction"]["blocked_values"]).replace("\\", "\\\\")
    assert processors["transform/texts"]["trace_statements"] == [
        f'replace_pattern({text}, "{pattern}", "****")' for text in ("span.name", "span.status.message")
    ]


def test_objectives_are_those_that_were_promised() -> None:
    """99.5 % of runs, 99 % of acquisitions within 5 s, 95 % of steps within 30 s."""
    assert {one.slo: one.target for one in OBJECTIVES} == {"runs": 0.995, "acquire": 0.99, "steps": 0.95}
