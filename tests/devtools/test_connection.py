"""The DevTools client against a browser that is played, and may misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from browserwatch.devtools.connection import DevTools
from browserwatch.devtools.errors import (
    DevToolsClosedError,
    DevToolsCommandError,
    DevToolsError,
    DevToolsTimeoutError,
)
from browserwatch.devtools.tabs import new_tab

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def connected(handler: Handler) -> AsyncGenerator[DevTools]:
    """A client of a browser that does what a function does."""
    async with serve(handler, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        devtools = await DevTools.connect(f"ws://127.0.0.1:{port}/devtools/browser/x")
        try:
            yield devtools
        finally:
            await devtools.close()


def answering(answer: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> Handler:
    """A browser that answers each command with messages."""

    async def handle(connection: ServerConnection) -> None:
        async for raw in connection:
            for message in answer(json.loads(raw)):
                await connection.send(json.dumps(message))

    return handle


def echo(command: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer with the command itself."""
    return [{"id": command["id"], "result": command}]


async def test_answers() -> None:
    """Each command gets its answer, whatever the order they come in; text comes through whole, half characters too."""
    waiting: list[dict[str, Any]] = []

    def backwards(command: dict[str, Any]) -> list[dict[str, Any]]:
        waiting.append(command)
        return [echo(each)[0] for each in reversed(waiting)] if len(waiting) == 2 else []

    async with connected(answering(backwards)) as devtools:
        first, second = await asyncio.gather(
            devtools.send("A.one", {"text": "é\ud800中"}), devtools.send("A.two", session_id="S")
        )
    assert first == {"id": 1, "method": "A.one", "params": {"text": "é\ud800中"}}
    assert second == {"id": 2, "method": "A.two", "params": {}, "sessionId": "S"}


async def test_refused() -> None:
    """A command that the browser refuses is an error with its name; what the browser said is not in the message."""

    def refuse(command: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"id": command["id"], "error": {"code": -32000, "message": "no such secret"}}]

    async with connected(answering(refuse)) as devtools:
        with pytest.raises(DevToolsCommandError, match=r"refused A\.one") as caught:
            await devtools.send("A.one")
    assert caught.value.detail == "no such secret"
    assert "secret" not in str(caught.value)


async def test_no_answer() -> None:
    """A browser that does not answer is an error after the time-out; its late answer disturbs nobody."""
    commands: list[dict[str, Any]] = []

    def late(command: dict[str, Any]) -> list[dict[str, Any]]:
        commands.append(command)
        return [] if len(commands) == 1 else [echo(each)[0] for each in commands]

    async with connected(answering(late)) as devtools:
        with pytest.raises(DevToolsTimeoutError, match=r"did not answer A\.one within 0\.05 s"):
            await devtools.send("A.one", timeout=0.05)
        assert (await devtools.send("A.two"))["method"] == "A.two"


@pytest.mark.parametrize("last_word", ["", "no JSON", "{}x"])
async def test_connection_ends(last_word: str) -> None:
    """When the connection ends, by itself or by nonsense, whoever waits hears of it, and whoever comes later."""

    async def end(connection: ServerConnection) -> None:
        await connection.recv()
        if last_word:
            await connection.send(last_word)
        else:
            await connection.close()

    async with connected(end) as devtools:
        with pytest.raises(DevToolsClosedError, match=r"ended during A\.one"):
            await devtools.send("A.one")
        await devtools.closed
        with pytest.raises(DevToolsClosedError, match=r"A\.two"):
            await devtools.send("A.two")


async def test_events() -> None:
    """Events go to the listeners of their session, until they have enough; one that fails costs only itself."""

    def tell(command: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"method": "E.one", "params": {"n": 1}},
            {"method": "E.two", "params": {}, "sessionId": "S"},
            *echo(command),
        ]

    seen: list[tuple[str, str | None]] = []

    def fail(method: str, params: dict[str, Any], session: str | None) -> None:
        raise LookupError(method)

    async with connected(answering(tell)) as devtools:
        devtools.listen(None, fail)
        devtools.listen(None, lambda method, _, session: seen.append((method, session)))
        end = devtools.listen("S", lambda method, _, session: seen.append((method, session)))
        await devtools.send("A.one")
        end()
        await devtools.send("A.two")
    assert seen == [("E.one", None), ("E.two", "S"), ("E.one", None)]


async def test_nobody_there() -> None:
    """An address where nobody is, or somebody else, is an error that names it."""
    with pytest.raises(DevToolsError, match=r"127\.0\.0\.1:9"):
        await DevTools.connect("ws://127.0.0.1:9/")

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DevToolsError, match="Nobody speaks DevTools"):
            await DevTools.connect(f"ws://127.0.0.1:{port}/")


async def test_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment is not used: the browser is on this machine."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with connected(answering(echo)) as devtools:
        await devtools.send("A.one")


async def test_cancelled_while_a_tab_is_made() -> None:
    """A tab that was made for somebody who was cancelled meanwhile is closed."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    commands: list[str] = []

    async def browser(connection: ServerConnection) -> None:
        async for raw in connection:
            command = json.loads(raw)
            commands.append(command["method"])
            asked.set()
            await go_on.wait()
            answer: dict[str, Any] = {"targetId": "T", "targetInfos": []}
            await connection.send(json.dumps({"id": command["id"], "result": answer}))

    async def make(devtools: DevTools) -> None:
        async with new_tab(devtools):
            pass

    async with connected(browser) as devtools:
        making = asyncio.create_task(make(devtools))
        await asked.wait()
        making.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await making
    assert commands == ["Target.createTarget", "Target.closeTarget", "Target.getTargets"]
