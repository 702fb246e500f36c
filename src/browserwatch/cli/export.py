"""`browserwatch dashboards export` and `browserwatch rules export`: for those who have a pipeline already."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from browserwatch.cli.terminal import make_console
from browserwatch.dashboards import places
from browserwatch.errors import BrowserwatchError, ConfigurationError
from browserwatch.shipped import shipped_files

DASHBOARDS: Final = ("dashboards/*.json", "provisioning/*/*.yaml")
# Examples, so that a user's own configuration in the same directory is left alone.
RULES: Final = {
    "prometheus/rules/browserwatch.yaml": "rules/browserwatch.yaml",
    "prometheus/alerts/browserwatch.yaml": "alerts/browserwatch.yaml",
    "prometheus/prometheus.yml": "prometheus.example.yml",
    "alertmanager/alertmanager.yml": "alertmanager.example.yml",
}
# It becomes part of YAML and of a template: nothing that would end the one or begin the other.
ADDRESS: Final = re.compile(r"https?://[\w.:/~%+,;=&?()-]+", re.ASCII)


class ExportError(BrowserwatchError):
    """The files can't be written to the directory."""


def export_dashboards(directory: Path, *, force: bool) -> int:
    """Copy the dashboards, and what provisions them, to a directory.

    Raises:
        ExportError: a file there differs and `force` is not given, or a file can't be written.
        ShippedFilesMissingError: the package was installed without them.
    """
    source = shipped_files() / "grafana"
    found = sorted(path for pattern in DASHBOARDS for path in source.glob(pattern))
    _export(directory, {path.relative_to(source).as_posix(): path.read_bytes() for path in found}, force=force)
    _say(
        "Next, one of:",
        f"  import {directory / 'dashboards'}/*.json in Grafana: Dashboards, New, Import",
        f"  or copy {directory / 'provisioning'} to Grafana's provisioning directory, and start Grafana with",
        f"  PROMETHEUS_URL, TEMPO_URL and BROWSERWATCH_DASHBOARDS={(directory / 'dashboards').absolute()}",
    )
    return 0


def export_rules(directory: Path, *, force: bool, grafana_url: str, runbooks_url: str) -> int:
    """Copy recording rules and alerts to a directory, with examples of a configuration for Prometheus and Alertmanager.

    Args:
        directory: made if it is not there.
        force: overwrite files that differ.
        grafana_url: where the alerts' links to dashboards lead.
        runbooks_url: where their links to runbooks lead; a runbook has its alert's name with `.md`.

    Raises:
        ConfigurationError: an address can't be used.
        ExportError: a file there differs and `force` is not given, or a file can't be written.
        ShippedFilesMissingError: the package was installed without them.
    """
    addresses = {
        places.GRAFANA: _address("--grafana-url", grafana_url),
        places.RUNBOOKS: _address("--runbooks-url", runbooks_url),
    }
    source = shipped_files()
    contents = {target: _with_addresses((source / name).read_bytes(), addresses) for name, target in RULES.items()}
    _export(directory, contents, force=force)
    _say(
        "Next:",
        f"  promtool check config {directory / 'prometheus.example.yml'}",
        "  name rules/*.yaml and alerts/*.yaml under rule_files of your prometheus.yml, and reload Prometheus",
        f"  the alerts know targets by these jobs: {', '.join(places.JOBS)}",
    )
    return 0


def _address(option: str, value: str) -> str:
    if not ADDRESS.fullmatch(value):
        raise ConfigurationError(f"{option} {value!r} is no address; use one such as https://grafana.example.org.")
    return value.rstrip("/")


def _with_addresses(content: bytes, addresses: Mapping[str, str]) -> bytes:
    for shipped, wanted in addresses.items():
        content = content.replace(f"{shipped}/".encode(), f"{wanted}/".encode())
    return content


def _export(directory: Path, contents: Mapping[str, bytes], *, force: bool) -> None:
    """Write all or nothing, as far as what is there already decides it."""
    there = {name: _trying(directory / name, _read) for name in contents}
    differing = [name for name, content in contents.items() if there[name] not in (None, content)]
    if differing and not force:
        raise ExportError(
            f"{directory / differing[0]} is there and differs; nothing was written."
            " Use --force to overwrite it, or another directory."
        )
    for name, content in contents.items():
        if there[name] != content:
            _trying(directory / name, lambda path, content=content: _write(path, content))
        _say(f"{'unchanged' if there[name] == content else 'wrote'}  {directory / name}")


def _trying(path: Path, act: Callable[[Path], bytes | None]) -> bytes | None:
    try:
        return act(path)
    except OSError as error:
        raise ExportError(f"{path} can't be used: {error.strerror}. Choose another directory.") from None


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _say(*lines: str) -> None:
    make_console().print("\n".join(lines), soft_wrap=True)
