"""The shipped configurations, with the ports of this machine."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Final

from browserwatch.dashboards import places
from browserwatch.pipeline.ports import HOST, Ports
from browserwatch.shipped import shipped_files

INTERVAL: Final = "5s"
"""Of scrapes and rules: who tries something out wants to see it soon."""

_ADDRESS: Final = re.compile(rf"{re.escape(HOST)}:(\d+)")
_INTERVAL: Final = re.compile(r"\b((?:scrape|evaluation)_interval): \w+")


def write_prometheus(directory: Path, ports: Ports) -> Path:
    """Put the configuration with its rules into a directory; the path of the configuration."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(shipped_files() / "prometheus", directory)
    configuration = directory / "prometheus.yml"
    text = _INTERVAL.sub(rf"\1: {INTERVAL}", configuration.read_text("utf-8"))
    configuration.write_text(at(text, ports), "utf-8")
    for rules in directory.glob("alerts/*.yaml"):
        linked = rules.read_text("utf-8").replace(places.GRAFANA, f"http://{HOST}:{ports.grafana}")
        rules.write_text(linked, "utf-8")
    return configuration


def write_alertmanager(directory: Path, ports: Ports) -> Path:
    """Put the configuration into a directory; its path."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "alertmanager.yml"
    text = (shipped_files() / "alertmanager" / configuration.name).read_text("utf-8")
    configuration.write_text(at(text, ports), "utf-8")
    return configuration


def at(text: str, ports: Ports) -> str:
    """A configuration with each address that the shipped ones name replaced by that of this machine."""
    shipped = {getattr(Ports(), field.name): getattr(ports, field.name) for field in fields(Ports)}
    return _ADDRESS.sub(lambda found: f"{HOST}:{shipped[int(found[1])]}", text)
