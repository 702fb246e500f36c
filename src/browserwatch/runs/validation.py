"""Requests, checked before anything is done for them. Errors name the field and its limit, never its value."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from browserwatch.runs.errors import InvalidRequestError
from browserwatch.runs.models import PageRequest, RunRequest
from browserwatch.sessions.errors import InvalidNameError
from browserwatch.sessions.names import check_name
from browserwatch.settings import ServiceSettings

MAX_TASK: Final = 100_000
MAX_URL: Final = 8192
MAX_SCHEMA_BYTES: Final = 64 * 1024
MAX_REQUEST_BYTES: Final = 1024 * 1024
MAX_IDEMPOTENCY_KEY: Final = 255


def check_run(request: RunRequest, settings: ServiceSettings) -> None:
    """Check all that needs no look at the world.

    Raises:
        InvalidRequestError: a field can't be used.
    """
    if not request.task.strip() or len(request.task) > MAX_TASK:
        raise InvalidRequestError("task", f"has {len(request.task):,} characters, must have 1 to {MAX_TASK:,}")
    _check_session(request.session)
    if request.start_url is not None:
        check_url("start_url", request.start_url)
    if request.max_steps is not None and not 1 <= request.max_steps <= settings.run_max_steps:
        raise InvalidRequestError("max_steps", f"is {request.max_steps}, must be 1 to {settings.run_max_steps}")
    _check_seconds(request.timeout_seconds, settings.run_timeout_seconds)
    if request.budget_usd is not None and not 0 < request.budget_usd < float("inf"):
        raise InvalidRequestError("budget_usd", "must be more than 0")
    _check_sensitive_data(request.sensitive_data)
    if request.output_schema is not None:
        _check_size("output_schema", request.output_schema, MAX_SCHEMA_BYTES)
    _check_size("request", request, MAX_REQUEST_BYTES)


def check_page(request: PageRequest, settings: ServiceSettings) -> None:
    """The same for a page.

    Raises:
        InvalidRequestError: a field can't be used.
    """
    check_url("url", request.url)
    _check_session(request.session)
    _check_seconds(request.timeout_seconds, settings.fetch_timeout_seconds)


def check_idempotency_key(key: str | None) -> None:
    """Any printable text of ASCII that fits into a header.

    Raises:
        InvalidRequestError: it is another.
    """
    if key is None or (0 < len(key) <= MAX_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        return
    raise InvalidRequestError("Idempotency-Key", f"must have 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters")


def check_url(field: str, url: str) -> None:
    """An address on the web.

    Raises:
        InvalidRequestError: it is none.
    """
    if len(url) > MAX_URL:
        raise InvalidRequestError(field, f"has {len(url):,} characters, at most {MAX_URL:,} may be")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    # Browsers drop control characters and spaces, so another address than the one that was checked might be opened.
    if not good or not url.isprintable() or " " in url:
        raise InvalidRequestError(field, "must be an http or https address with a host")


def _check_session(name: str | None) -> None:
    if name is None:
        return
    try:
        check_name("session", name)
    except InvalidNameError as error:
        raise InvalidRequestError("session", str(error)) from None


def _check_seconds(seconds: float | None, longest: float) -> None:
    # Written so that NaN fails, too.
    if seconds is not None and not 0 < seconds <= longest:
        raise InvalidRequestError("timeout_seconds", f"must be more than 0 and at most {longest:g}")


def _check_sensitive_data(data: dict[str, Any] | None) -> None:
    """As browser-use takes it: ``{name: value}``, or ``{domain: {name: value}}``, or both mixed."""
    if data is None:
        return
    try:
        msgspec.convert(data, dict[str, str | dict[str, str]])
    except msgspec.ValidationError:
        # From None: the original names the place by the caller's names.
        raise InvalidRequestError("sensitive_data", "must be {name: text} or {domain: {name: text}}") from None


def _check_size(field: str, value: object, most: int) -> None:
    try:
        size = len(msgspec.json.encode(value))
    except (UnicodeEncodeError, TypeError, RecursionError):
        raise InvalidRequestError(field, "is not JSON") from None
    if size > most:
        raise InvalidRequestError(field, f"has {size:,} bytes, at most {most:,} may be")
