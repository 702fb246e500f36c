"""Finding the programs of others on this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from browserwatch.errors import ConfigurationError
from browserwatch.pipeline.part import Missing
from browserwatch.settings import PREFIX, PipelineSettings


class Program(NamedTuple):
    """A program that may be there."""

    name: str
    setting: str
    """Field of the settings that names it."""

    executables: tuple[str, ...]
    without: str
    how: str


PROMETHEUS: Final = Program(
    "prometheus",
    "prometheus",
    ("prometheus",),
    "no metrics over time, rules or alerts",
    "Debian, Ubuntu: apt install prometheus; macOS: brew install prometheus; or prometheus.io/download",
)
ALERTMANAGER: Final = Program(
    "alertmanager",
    "alertmanager",
    ("alertmanager", "prometheus-alertmanager"),
    "alerts are told to nobody",
    "Debian, Ubuntu: apt install prometheus-alertmanager; or prometheus.io/download",
)
COLLECTOR: Final = Program(
    "collector",
    "otelcol",
    ("otelcol-contrib", "otelcol"),
    "no traces and no span metrics",
    "otelcol-contrib 0.155 or newer, see opentelemetry.io/docs/collector/install; in a checkout ./dev up builds it",
)
GRAFANA: Final = Program(
    "grafana",
    "grafana_home",
    ("grafana",),
    "no dashboards",
    "Grafana 11 or newer from grafana.com/grafana/download (unpack it and set GRAFANA_HOME); macOS: brew install grafana",
)


def find(program: Program, settings: PipelineSettings) -> Path | Missing:
    """The executable that the setting names, or the first on PATH.

    Raises:
        ConfigurationError: the setting names something that can't be run.
    """
    chosen: Path | None = getattr(settings, program.setting)
    if chosen is not None:
        path = chosen / "bin" / "grafana" if program is GRAFANA else chosen
        if path.is_file() and os.access(path, os.X_OK):
            return path.absolute()
        raise ConfigurationError(
            f"{PREFIX}{program.setting.upper()}={str(chosen)!r}: {path} is not a program; correct it or unset it."
        )
    for name in program.executables:
        if found := shutil.which(name):
            return Path(found)
    variable = f"{PREFIX}{program.setting.upper()}"
    return Missing(program.name, program.without, f"{program.how}. Or set {variable}.")


def grafana_home(executable: Path, settings: PipelineSettings) -> Path | None:
    """The directory of Grafana's own files; none when it is not where packages put it."""
    if settings.grafana_home is not None:
        return settings.grafana_home.absolute()
    inside = executable.resolve().parents[1]
    places = (inside, inside / "share" / "grafana", Path("/usr/share/grafana"))
    return next((place for place in places if (place / "conf" / "defaults.ini").is_file()), None)
