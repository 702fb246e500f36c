"""Every error of a request as a problem document."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from browserwatch.api.error_kinds import INVALID, http_kind, kind_of
from browserwatch.api.problems import INTERNAL, FieldProblem, ProblemResponse, current_trace_id, retry_header
from browserwatch.errors import BrowserwatchError, ConfigurationError
from browserwatch.runs.errors import InvalidRequestError, PageFailedError

MAX_ERRORS: Final = 20
MAX_FIELD: Final = 64
_log = logging.getLogger(__name__)


def add_error_handlers(app: FastAPI) -> None:
    """Have an app answer with problems."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(BrowserwatchError, _known)


def unexpected(error: Exception) -> ProblemResponse:
    """The answer to an error that nobody foresaw, which is logged: where it was, without its words.

    Those may quote what the request had.
    """
    place = "".join(traceback.format_tb(error.__traceback__))
    _log.error("unexpected %s, trace %s, at\n%s", type(error).__name__, current_trace_id() or "none", place)
    return ProblemResponse(INTERNAL)


def field_problem(name: str, detail: str) -> FieldProblem:
    """A problem with a field of the body, or with a header, whose names begin with a capital letter."""
    shown = name[:MAX_FIELD]
    if shown[:1].isupper():
        return FieldProblem(detail=detail, parameter=shown)
    return FieldProblem(detail=detail, pointer=f"#/{shown.replace('~', '~0').replace('/', '~1')}")


async def _http_error(_: Request, error: Exception) -> Response:
    """What Starlette and FastAPI raise: no such path, no such method, a body that is no JSON."""
    if not isinstance(error, HTTPException):
        return unexpected(error)
    return ProblemResponse(http_kind(error.status_code), error.detail, headers=error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    found: Sequence[Mapping[str, Any]] = error.errors() if isinstance(error, RequestValidationError) else ()
    problems = [_explain(one["loc"], str(one["msg"]), str(one["type"])) for one in found[:MAX_ERRORS]]
    return ProblemResponse(INVALID, "see errors for what can't be used", errors=problems)


def _explain(place: tuple[int | str, ...], message: str, kind: str) -> FieldProblem:
    """The message, which tells what is allowed; its input and everything below the field's name stay here."""
    where, *path = place
    detail = message.removeprefix("Value error, ")
    if where != "body":
        return FieldProblem(detail=detail, parameter=str(path[0])[:MAX_FIELD] if path else str(where))
    if kind == "json_invalid" or not path:
        return FieldProblem(detail=detail, pointer="#")
    return field_problem(str(path[0]), detail)


async def _known(_: Request, error: Exception) -> Response:
    kind = kind_of(error)
    if kind is INTERNAL:
        return unexpected(error)
    if isinstance(error, ConfigurationError):
        _log.error("%s", error)  # for the operator; the caller can do nothing about it
    return ProblemResponse(
        kind,
        str(error),
        headers=retry_header(getattr(error, "retry_after", kind.retry_after)),
        errors=[field_problem(error.field, str(error))] if isinstance(error, InvalidRequestError) else (),
        outcome=error.outcome if isinstance(error, PageFailedError) else None,
    )
