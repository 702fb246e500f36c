"""The only reader of environment variables.

Two prefixes: ``BROWSERWATCH_`` for what is ours, and the standard ``OTEL_`` names for what OpenTelemetry already
defines. A value that can't be used raises `ConfigurationError` naming the variable, the problem and a good value.
`library` has what any watched program can choose, `service` what `browserwatch serve` adds, `pipeline` what
`browserwatch up` adds to that, `client` what the service's callers need.
"""

from browserwatch.settings.base import PREFIX
from browserwatch.settings.client import ClientSettings, load_client_settings
from browserwatch.settings.library import (
    CAPTURE_VARIABLE,
    MAX_MODELS,
    Capture,
    Settings,
    capture_mode,
    load_settings,
)
from browserwatch.settings.pipeline import PipelineSettings, load_pipeline_settings
from browserwatch.settings.service import ServiceSettings, is_loopback, load_service_settings

__all__ = [
    "CAPTURE_VARIABLE",
    "MAX_MODELS",
    "PREFIX",
    "Capture",
    "ClientSettings",
    "PipelineSettings",
    "ServiceSettings",
    "Settings",
    "capture_mode",
    "is_loopback",
    "load_client_settings",
    "load_pipeline_settings",
    "load_service_settings",
    "load_settings",
]
