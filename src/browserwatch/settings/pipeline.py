"""What `browserwatch up` can be told, on top of what the service can."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field

from browserwatch.settings.base import validated
from browserwatch.settings.service import ServiceSettings


def _grafana_home() -> Path | None:
    """The variable that others use for it, too."""
    home = os.environ.get("GRAFANA_HOME")
    return Path(home) if home else None


class PipelineSettings(ServiceSettings):
    """Programs of the pipeline, and where traces go."""

    prometheus: Path | None = None
    """Prometheus executable. Unset: the one on PATH."""

    alertmanager: Path | None = None
    """Alertmanager executable. Unset: the one on PATH."""

    otelcol: Path | None = None
    """OpenTelemetry Collector executable, contrib 0.155 or newer. Unset: the one on PATH."""

    grafana_home: Path | None = Field(default_factory=_grafana_home)
    """Directory of an unpacked Grafana 11 or newer. Unset: GRAFANA_HOME, else the one on PATH."""

    traces_endpoint: str | None = None
    """OTLP/HTTP address of a store of traces, such as ``http://127.0.0.1:4319``. Unset: a file in the data directory."""

    tempo_url: str = "http://127.0.0.1:3200"
    """Where Grafana finds Tempo, to show traces."""


def load_pipeline_settings(**given: object) -> PipelineSettings:
    """Read and validate the environment.

    Args:
        given: values from a command line, which win over the environment; None is as if it was not given.

    Raises:
        ConfigurationError: a value can't be used, or two do not go together.
    """
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return validated(lambda: PipelineSettings(**chosen), PipelineSettings)
