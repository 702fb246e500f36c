"""What any program that is watched can choose."""

from __future__ import annotations

import os
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from browserwatch.errors import ConfigurationError
from browserwatch.settings.base import PREFIX, split_list, validated

MAX_MODELS: Final = 10
CAPTURE_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


class Capture(StrEnum):
    """Where message content goes; the values of the standard variable, plus the older true and false."""

    NO_CONTENT = "no_content"
    SPAN_ONLY = "span_only"
    EVENT_ONLY = "event_only"
    SPAN_AND_EVENT = "span_and_event"

    @property
    def wanted(self) -> bool:
        """Whether content goes anywhere at all."""
        return self is not Capture.NO_CONTENT

    @property
    def on_spans(self) -> bool:
        """Whether spans carry content attributes."""
        return self in (Capture.SPAN_ONLY, Capture.SPAN_AND_EVENT)

    @property
    def on_events(self) -> bool:
        """Whether content is emitted as log events."""
        return self in (Capture.EVENT_ONLY, Capture.SPAN_AND_EVENT)


class Settings(BaseSettings):
    """What a user can choose, each field from the variable of the same name with the prefix ``BROWSERWATCH_``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    metrics_port: Annotated[int | None, Field(ge=0, le=65535)] = None
    """Port of its own for ``/metrics``; 0: any free one. Unset: no server, or in the service its main port."""

    metrics_host: str = "127.0.0.1"
    """Address of that server. Loopback unless told otherwise."""

    chromium: Path | None = None
    """Chromium or Chrome executable for `browserwatch demo` and `browserwatch doctor`; unset: the first one found."""

    models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list), Field(max_length=MAX_MODELS)] = ()
    """Model names that may be metric labels, comma-separated. Unset: the first ten seen; the rest is ``other``."""

    prices_file: Path | None = None
    """JSON file with prices that override the table that ships with the package."""

    max_series: Annotated[int, Field(ge=500, le=100_000)] = 3000
    """Time series after which new label combinations are folded into ``other`` and counted."""

    content_limit: Annotated[int, Field(ge=100, le=1_000_000)] = 16_384
    """Longest captured message content in characters; the rest is cut."""

    page_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """After this long a page load that has not finished is reported as timed out."""


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read and validate the environment once.

    Raises:
        ConfigurationError: a variable has a value that can't be used.
    """
    return validated(Settings, Settings)


def capture_mode() -> Capture:
    """What the standard content-capture variable asks for; nothing unless it says so.

    Source: https://github.com/open-telemetry/opentelemetry-python-contrib/tree/main/util/opentelemetry-util-genai

    Raises:
        ConfigurationError: the value is none of the known ones.
    """
    raw = os.environ.get(CAPTURE_VARIABLE, "").strip().lower()
    if raw in ("", "false"):
        return Capture.NO_CONTENT
    if raw == "true":
        return Capture.SPAN_ONLY
    try:
        return Capture(raw)
    except ValueError:
        known = ", ".join(mode.value.upper() for mode in Capture)
        raise ConfigurationError(f"{CAPTURE_VARIABLE}={raw!r} is not known; use true, false, {known}") from None
