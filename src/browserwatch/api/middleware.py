"""What every request passes before a route sees it. Plain ASGI: nothing here buffers an answer or hides a disconnect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from browserwatch.api.auth import KeyTable
from browserwatch.api.error_handlers import unexpected
from browserwatch.api.problems import Kind, ProblemResponse, current_trace_id
from browserwatch.errors import BrowserwatchError
from browserwatch.settings import is_loopback

MAX_BODY: Final = 1024 * 1024
JSON: Final = "application/json"
_UNAUTHORIZED: Final = Kind("unauthorized", 401, "A valid API key is needed")
_MISDIRECTED: Final = Kind("misdirected", 421, "This is not the host that was asked for")
_NOT_JSON: Final = Kind("unsupported-media-type", 415, "The body must be JSON")
_TOO_LARGE: Final = f"the body has more than {MAX_BODY:,} bytes"


class BrokenAnswerError(BrowserwatchError):
    """An error came after the answer had begun; all that is left is to break the connection."""


class TraceHeaders:
    """Tells the caller the id of the trace, and browsers not to guess what an answer is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, with those headers on its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                if trace_id := current_trace_id():
                    headers["x-trace-id"] = trace_id
            await send(message)

        await self._app(scope, receive, send_with_headers)


class LastResort:
    """Answers errors that nobody foresaw.

    Here and not in a handler for `Exception`: those come after the tracing, which would write the error's words into a span.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and answer if nothing below could."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets an answer
            answer = unexpected(error)
            if begun:
                raise BrokenAnswerError(f"{type(error).__name__} after the answer had begun") from None
            await answer(scope, receive, send)


class LoopbackHost:
    """Refuses requests for a host name that is not this machine's.

    A page in a browser here can reach the service under a name of its own (DNS rebinding), as the same origin. Only where
    no key is asked for does that help it: it has none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request for this machine."""
        if scope["type"] == "http" and not _is_ours(Headers(scope=scope).get("host", "")):
            answer = ProblemResponse(_MISDIRECTED, "use localhost, 127.0.0.1 or [::1], or set API keys")
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Keys:
    """Asks for an API key under ``/v1``, and says whose it is in ``request.state.tenant``.

    Before the body is read: who has no key can't make the service parse anything.
    """

    def __init__(self, app: ASGIApp, table: KeyTable) -> None:
        self._app = app
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that has a key, or needs none."""
        if scope["type"] == "http" and f"{scope['path']}/".startswith("/v1/"):
            authorization = Headers(scope=scope).get("authorization")
            tenant = self._table.tenant(authorization)
            if tenant is None:
                answer = ProblemResponse(_UNAUTHORIZED, _what_is_missing(authorization), headers=_CHALLENGE)
                await answer(scope, receive, send)
                return
            scope.setdefault("state", {})["tenant"] = tenant
        await self._app(scope, receive, send)


class Bodies:
    """Takes JSON alone, and not much of it.

    No other type: a browser sends JSON across origins only after asking, and the service never says yes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body may be read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _has_body(headers) and headers.get("content-type", "").split(";")[0].strip().lower() != JSON:
            await ProblemResponse(_NOT_JSON, f"send it with Content-Type: {JSON}")(scope, receive, send)
            return
        await self._app(scope, _limited(receive), send)


_CHALLENGE: Final[Mapping[str, str]] = {"www-authenticate": 'Bearer realm="browserwatch"'}


def _what_is_missing(authorization: str | None) -> str:
    if authorization is None:
        return "send one as `Authorization: Bearer KEY`"
    return "the key in the Authorization header is not known"


def _is_ours(host: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _limited(receive: Receive) -> Receive:
    """The request, up to the limit. Counted as it comes: what a length in the headers says may be wrong or missing."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return counted
