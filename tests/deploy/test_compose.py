"""deploy/compose.yaml: complete, closed, and in agreement with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from browserwatch.dashboards import places
from browserwatch.settings import PREFIX, ServiceSettings, load_service_settings
from browserwatch.version import __version__
from tests.deploy.tools import CHOSEN, COMPOSE, DEPLOY, ROOT, resolve

PARTS: Final = {"browserwatch", "redis", "collector", "tempo", "prometheus", "alertmanager", "grafana", "volumes"}
# No health check, and what is there instead.
UNCHECKED: Final = {
    "collector": "its image has nothing that could ask; Prometheus scrapes it",
    "volumes": "it ends, and others wait for that",
}
PROVISIONING: Final = "BROWSERWATCH_DASHBOARDS"
"""A variable of Grafana's provisioning, not a setting."""

OUR_VARIABLES: Final = {f"{PREFIX}{name.upper()}" for name in ServiceSettings.model_fields}


def test_it_has_every_part(services: dict[str, Any]) -> None:
    """The service, its Redis, and the whole pipeline."""
    assert set(services) == PARTS


@pytest.mark.parametrize("variable", CHOSEN)
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_what_must_be_chosen_has_no_default(variable: str, value: str | None) -> None:
    """Without a password or key nothing starts; the error names it and how to make one."""
    others = {name: given for name, given in CHOSEN.items() if name != variable}
    done = resolve(others if value is None else {**others, variable: value})
    assert done.returncode != 0
    assert f"required variable {variable} is missing a value: make one with" in done.stderr


def test_the_example_lists_every_variable() -> None:
    """Those to choose first, the optional ones as comments, and no value of a secret."""
    example = (DEPLOY / "compose.env.example").read_text()
    listed = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)
    used = re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text())
    assert sorted(listed) == sorted(set(used))
    assert set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE)) == {*CHOSEN, "BROWSERWATCH_LLM_API_KEY"}


def test_images_are_pinned(services: dict[str, Any]) -> None:
    """To a whole version; ours to the one of this package."""
    for name, service in services.items():
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+(-[a-z]+)?", service["image"]), name
    assert {services[name]["image"] for name in ("browserwatch", "volumes")} == {f"browserwatch:{__version__}"}


def test_ports_are_published_on_loopback(services: dict[str, Any]) -> None:
    """Nobody else reaches them, and those that have no login of their own least of all."""
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(ports) == {"browserwatch", "prometheus", "alertmanager", "grafana"}
    assert {port["host_ip"] for published in ports.values() for port in published} == {"127.0.0.1"}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_every_part_is_confined(services: dict[str, Any], name: str) -> None:
    """Bounded, on a file system that it can't change, without privileges, and its log does not fill the disk."""
    service = services[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["CHOWN"] if name == "volumes" else [])
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == ("no" if name == "volumes" else "unless-stopped")
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert not service.get("privileged")
    assert not [key for key in ("network_mode", "pid", "ipc", "userns_mode") if service.get(key, "none") != "none"]


@pytest.mark.parametrize("name", sorted(PARTS))
def test_every_part_tells_its_health(services: dict[str, Any], name: str) -> None:
    """By a check in the file or in our image, or there is a reason why not."""
    check: dict[str, Any] = services[name].get("healthcheck", {})
    if name in UNCHECKED:
        assert check == {"disable": True}, UNCHECKED[name]
    elif name == "browserwatch":
        assert not check
        assert "\nHEALTHCHECK " in (ROOT / "Dockerfile").read_text()
    else:
        assert check["test"]
        assert set(check) >= {"interval", "timeout", "retries"}


def mounts(services: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """All of a kind: ``bind`` or ``volume``."""
    return [mount for one in services.values() for mount in one.get("volumes", []) if mount["type"] == kind]


def test_mounted_files_exist(services: dict[str, Any]) -> None:
    """Docker would make an empty directory of one that does not. None can be changed from inside."""
    bound = mounts(services, "bind")
    assert len(bound) == 7
    for mount in bound:
        assert Path(mount["source"]).exists(), mount
        assert Path(mount["source"]).is_relative_to(DEPLOY)
        assert mount["read_only"]


def test_data_is_kept_in_volumes(services: dict[str, Any]) -> None:
    """Each that is declared is somebody's data, and nothing else is written to."""
    declared = yaml.safe_load(COMPOSE.read_text())["volumes"]  # resolved, those without a use are gone
    assert {mount["source"] for mount in mounts(services, "volume")} == set(declared)


def test_the_service_takes_its_settings(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one that exists, and together they are valid, also where the user chose nothing."""
    given = {name: value for name, value in services["browserwatch"]["environment"].items() if name.startswith(PREFIX)}
    assert set(given) <= OUR_VARIABLES
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_service_settings()
    assert settings.host == "0.0.0.0"  # noqa: S104  # of the container
    assert settings.chromium_sandbox == "on"
    assert settings.llm_provider == ServiceSettings.model_fields["llm_provider"].default
    assert seconds(services["browserwatch"]["stop_grace_period"]) >= settings.shutdown_grace_seconds + 20


def seconds(duration: str) -> int:
    """Of a duration as Compose writes it."""
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(\d+)s", duration, re.ASCII).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return int(minutes or 0) * 60 + int(rest)


def test_no_other_part_sees_a_key_of_the_service(services: dict[str, Any]) -> None:
    """Variables of ours go to the service alone; Grafana's is its own."""
    for name, service in services.items():
        ours = {variable for variable in service.get("environment", {}) if variable.startswith(PREFIX)}
        assert name == "browserwatch" or ours <= {PROVISIONING}, name


def test_the_collector_knows_its_variables(services: dict[str, Any]) -> None:
    """They stand in its configuration; what others ask it for listens off loopback."""
    given = {name for name in services["collector"]["environment"] if name.startswith("OTELCOL_")}
    known = set(re.findall(r"\$\{env:(OTELCOL_\w+)", (DEPLOY / "otel-collector" / "single.yaml").read_text()))
    assert given <= known
    assert {"OTELCOL_HTTP", "OTELCOL_SPAN_METRICS", "OTELCOL_METRICS_HOST", "OTELCOL_TRACES_ENDPOINT"} <= given


def test_chromium_gets_its_namespaces(services: dict[str, Any]) -> None:
    """Its sandbox is on, and the profile that lets it start is there; no other part has it."""
    assert "seccomp:seccomp/chromium.json" in services["browserwatch"]["security_opt"]
    assert json.loads((DEPLOY / "seccomp" / "chromium.json").read_text())["defaultAction"] == "SCMP_ACT_ERRNO"
    assert [name for name, one in services.items() if len(one["security_opt"]) > 1] == ["browserwatch"]


def members(services: dict[str, Any]) -> dict[str, set[str]]:
    """Who is in which network."""
    joined = {(network, name) for name, one in services.items() for network in one.get("networks", {})}
    return {network: {name for other, name in joined if other == network} for network, _ in joined}


def test_agents_meet_nobody_on_their_way_out(project: Any, services: dict[str, Any]) -> None:
    """They leave by a network of their own; Redis is only with the service; traces and metrics have no way out."""
    networks = members(services)
    assert networks["agents"] == {"browserwatch"}
    assert networks["store"] == {"browserwatch", "redis"}
    assert not networks["telemetry"] & {"redis", "tempo", "alertmanager", "grafana"}
    internal = {name for name, network in project["networks"].items() if network.get("internal")}
    assert internal == set(networks) - {"agents", "console"}


def addresses(services: dict[str, Any]) -> list[tuple[str, str]]:
    """Who calls whom, by the addresses in variables and in what Prometheus scrapes."""
    called = [
        (name, host)
        for name, service in services.items()
        for value in service.get("environment", {}).values()
        for host in re.findall(r"^(?:http|redis)://(?:.*@)?([a-z]+):\d+", value)
    ]
    config = (DEPLOY / "prometheus" / "compose.yml").read_text()
    return called + [("prometheus", host) for host in re.findall(r"targets: \[([a-z]+):\d+\]", config)]


def test_addresses_lead_to_a_part_within_reach(services: dict[str, Any]) -> None:
    """Each name is that of a part in a common network."""
    found = [pair for pair in addresses(services) if pair[1] != "localhost"]
    assert {host for _, host in found} == {"redis", "collector", "tempo", "prometheus", "browserwatch", "alertmanager"}
    for caller, host in found:
        assert set(services[caller]["networks"]) & set(services[host]["networks"]), (caller, host)


def test_traces_reach_tempo(services: dict[str, Any]) -> None:
    """Tempo listens where the collector sends, and where Grafana asks."""
    tempo = yaml.safe_load((DEPLOY / "tempo" / "tempo.yaml").read_text())
    receiver = tempo["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert services["collector"]["environment"]["OTELCOL_TRACES_ENDPOINT"] == f"http://tempo:{receiver.split(':')[1]}"
    assert services["grafana"]["environment"]["TEMPO_URL"] == f"http://tempo:{tempo['server']['http_listen_port']}"


def test_grafana_is_provisioned(services: dict[str, Any]) -> None:
    """Every variable of its provisioning has a value, dashboards are where it looks, and links to it lead to it."""
    grafana = services["grafana"]
    files = (DEPLOY / "grafana" / "provisioning").rglob("*.yaml")
    used = {name for file in files for name in re.findall(r": \$([A-Z_]+)$", file.read_text(), re.MULTILINE)}
    assert used == {"PROMETHEUS_URL", "TEMPO_URL", PROVISIONING}
    assert used <= set(grafana["environment"])
    targets = {mount["target"]: mount["source"] for mount in grafana["volumes"]}
    assert targets[grafana["environment"][PROVISIONING]] == str(DEPLOY / "grafana" / "dashboards")
    assert grafana["environment"]["GF_SERVER_ROOT_URL"] == places.GRAFANA
    assert places.GRAFANA.endswith(f":{grafana['ports'][0]['published']}")
