"""Logs as JSON lines that carry the ids of the trace they belong to, redacted like everything else that leaves.

Field names follow https://opentelemetry.io/docs/specs/otel/logs/data-model/ and its trace context in non-OTLP logs
(https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/).
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TextIO

from opentelemetry import trace

from browserwatch import metrics
from browserwatch.events import Emit, Redacted
from browserwatch.redaction import Redactor, redactor

LOGGERS: Final = ("browserwatch", "browser_use", "bubus", "cdp_use")
LIMIT: Final = 10_000


class JsonFormatter(logging.Formatter):
    """One JSON object a record: timestamp, severity, logger, message, trace_id, span_id, and exception if there is one.

    Args:
        clean: what removes secrets.
        emit: takes the event that something was masked.
    """

    def __init__(self, clean: Redactor = redactor, emit: Emit = metrics.record) -> None:
        super().__init__()
        self._clean = clean
        self._emit = emit

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields: dict[str, str] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "message": self._text(record.getMessage()),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            fields["trace_id"] = trace.format_trace_id(context.trace_id)
            fields["span_id"] = trace.format_span_id(context.span_id)
        if record.exc_info:
            fields["exception"] = self._text(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)

    def _text(self, text: str) -> str:
        cleaned, found = self._clean.counted(text, LIMIT)
        if found:
            self._emit(Redacted(sink="log", count=found))
        return cleaned


def configure_logging(level: int | str = logging.INFO, stream: TextIO | None = None) -> Callable[[], None]:
    """Write the records of browserwatch and browser-use as JSON lines. The root logger is left alone.

    Those loggers get one handler and stop handing records upwards, so that nothing is written twice; browser-use is told
    not to set up logging by itself when it is imported later.

    Args:
        level: least severity to write.
        stream: where to; standard error by default.

    Returns:
        A function that puts the loggers back as they were.
    """
    os.environ.setdefault("BROWSER_USE_SETUP_LOGGING", "false")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    before = {name: _state(logging.getLogger(name)) for name in LOGGERS}
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level)

    def undo() -> None:
        for name, (handlers, propagate, old_level) in before.items():
            logger = logging.getLogger(name)
            logger.handlers[:] = handlers
            logger.propagate = propagate
            logger.setLevel(old_level)

    return undo


def _state(logger: logging.Logger) -> tuple[list[logging.Handler], bool, int]:
    return list(logger.handlers), logger.propagate, logger.level
