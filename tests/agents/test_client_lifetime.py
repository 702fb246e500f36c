"""Watching must not change when browser-use's model clients die.

browser-use makes an HTTP client per model call and never closes it; only the garbage collector frees it. When that happens
between the start of a new connection and its `socket()`, the dying transport unregisters a descriptor number that the new
connection already has (python/cpython#130141), and the call hangs until its connect time-out of 5 s. browser-use does this
by itself (measured: 45 of 490 `extract` actions without any hook), so a hook must add no object that lives on, and no work
in that window. These tests place the collections by hand: no luck is involved.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import subprocess
import sys
import weakref
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import pytest

from browserwatch.settings import CAPTURE_VARIABLE
from tests.agents.conftest import Watched

pytestmark = [
    # The leak under test is browser-use's own: its clients are never closed.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SERVER = r"""
import asyncio, json

ANSWER = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()

async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(size)
            if b"SLOW" in body:
                await asyncio.sleep(30)
            status, answer = (b"400 No", b'{"error":{"message":"no"}}') if b"FAIL" in body else (b"200 OK", ANSWER)
            writer.write(b"HTTP/1.1 %s\r\ncontent-type: application/json\r\n" % status)
            writer.write(b"content-length: %d\r\n\r\n" % len(answer) + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
Invoke = Callable[..., Awaitable[Any]]


@dataclass
class Rig:
    """Follows the model clients, and can force a collection in the dangerous window."""

    port: int
    clients: list[weakref.ref[Any]] = field(default_factory=list[weakref.ref[Any]])
    widths: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    callbacks: int = 0
    opened: tuple[int, int] = (0, 0)
    collect_in_window: bool = False

    def model(self) -> Any:
        """A model as browser-use has it by default, registered as an agent registers it."""
        from browser_use import ChatOpenAI
        from browser_use.tokens.service import TokenCost

        model = ChatOpenAI(
            model="m",
            api_key="k",
            base_url=f"http://127.0.0.1:{self.port}/v1",
            max_retries=0,
            timeout=httpx.Timeout(20, connect=0.7),  # stands for the 5 s of the SDK's default
        )
        return TokenCost().register_llm(cast("Any", model))

    @property
    def alive(self) -> int:
        """Clients that still exist."""
        return sum(client() is not None for client in self.clients)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A keep-alive model endpoint in a process of its own, so that this one's collector sees nothing of it."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()


@pytest.fixture
def rig(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """The rig, with the collector off: collections happen where the test puts them."""
    import anyio._backends._asyncio as anyio_asyncio
    import openai._base_client as openai_base

    importlib.import_module("browser_use.llm.openai.chat")  # before the heap is frozen
    made = Rig(port)
    client_class: Any = openai_base.AsyncHttpxClientWrapper
    init, start_soon = client_class.__init__, anyio_asyncio.TaskGroup.start_soon
    connect: Any = vars(asyncio.BaseEventLoop)["_connect_sock"]
    run: Any = vars(asyncio.Handle)["_run"]

    def tracked_init(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        made.clients.append(weakref.ref(self))

    def window_opens(self: Any, *args: Any, **kwargs: Any) -> Any:
        made.opened = (gc.get_count()[0], made.callbacks)
        return start_soon(self, *args, **kwargs)

    async def window_closes(*args: Any, **kwargs: Any) -> Any:
        made.widths.append((gc.get_count()[0] - made.opened[0], made.callbacks - made.opened[1]))
        if made.collect_in_window:
            made.collect_in_window = False
            gc.collect()
        return await connect(*args, **kwargs)

    def counted(self: Any) -> Any:
        made.callbacks += 1
        return run(self)

    monkeypatch.setattr(client_class, "__init__", tracked_init)
    monkeypatch.setattr(anyio_asyncio.TaskGroup, "start_soon", window_opens)
    monkeypatch.setattr(asyncio.BaseEventLoop, "_connect_sock", window_closes)
    monkeypatch.setattr(asyncio.Handle, "_run", counted)
    gc.collect()
    gc.freeze()
    gc.disable()
    yield made
    gc.enable()
    gc.unfreeze()


@pytest.fixture(params=["default", "with content"])
def ours(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, rig: Rig) -> Iterator[Rig]:
    """The rig in an instrumented process."""
    from browserwatch.instrumentation import uninstrument

    if request.param == "with content":
        monkeypatch.setenv(CAPTURE_VARIABLE, "true")
    watched = Watched()
    watched.start()
    yield rig
    assert watched.named("chat m"), "the hook under test was not on"
    uninstrument()
    watched.provider.shutdown()


def hoarding(invoke: Invoke) -> Invoke:
    """A hook as it must not be: it keeps the last error, whose traceback keeps the client."""
    kept: list[BaseException] = []

    async def call(*args: Any) -> Any:
        kept.clear()
        try:
            return await invoke(*args)
        except BaseException as error:
            kept.append(error)
            raise

    return call


async def call(invoke: Invoke, text: str = "hi") -> list[weakref.ref[Any]] | str:
    """One call as an agent makes it: weak references to what went in and came out, or ``hang``."""
    from browser_use.llm.exceptions import ModelProviderError
    from browser_use.llm.messages import UserMessage

    message, answer = UserMessage(content=text), None
    try:
        if text == "SLOW":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(invoke([message]), 0.3)
        else:
            answer = await invoke([message])
    except ModelProviderError as error:
        if text != "FAIL":
            return "hang" if "timed out" in str(error).lower() or "connect" in str(error).lower() else repr(error)
    return [weakref.ref(item) for item in (message, answer) if item is not None]


async def collect_safely() -> None:
    """Collect where it is harmless: first what is garbage, then what the clients' own closing had resurrected."""
    for _ in range(2):
        for _ in range(10):
            await asyncio.sleep(0)
        gc.collect()


@pytest.mark.parametrize("text", ["hi", "FAIL", "SLOW"])
def test_nothing_outlives_the_call(ours: Rig, text: str) -> None:
    """Client, prompt and answer are garbage when the call is over, also after an error or a cancellation."""

    async def main() -> None:
        model = ours.model()
        references = await call(model.ainvoke, text)
        await collect_safely()
        assert ours.clients
        assert ours.alive == 0
        assert [reference() for reference in references if not isinstance(reference, str)] == [None] * len(references)

    asyncio.run(main())


def test_the_check_can_fail(rig: Rig) -> None:
    """A hook that keeps an exception keeps the client: the test above would see it."""

    async def main() -> int:
        invoke = hoarding(rig.model().ainvoke)
        await call(invoke, "FAIL")
        await collect_safely()
        return rig.alive

    assert asyncio.run(main()) == 1


def two_calls(rig: Rig, wrap: Callable[[Invoke], Invoke], *, collect_between: bool) -> list[weakref.ref[Any]] | str:
    """Two calls, the second with a collection in the dangerous window."""

    async def main() -> list[weakref.ref[Any]] | str:
        invoke = wrap(rig.model().ainvoke)
        await call(invoke, "FAIL")
        if collect_between:
            await collect_safely()
        rig.collect_in_window = True
        return await call(invoke)

    return asyncio.run(main())


def test_no_hang(ours: Rig) -> None:
    """With our hooks a client dies at the first collection after its call, so a later one finds nothing to break."""
    assert two_calls(ours, lambda invoke: invoke, collect_between=True) != "hang"


def test_a_hoarding_hook_hangs(rig: Rig) -> None:
    """The same with a hook that keeps exceptions: it hangs, which is what this file guards against."""
    assert two_calls(rig, hoarding, collect_between=True) == "hang"


def test_browser_use_hangs_by_itself(rig: Rig) -> None:
    """Without any hook a collection in the window hangs too. When this fails, upstream is fixed: drop this file."""
    assert two_calls(rig, lambda invoke: invoke, collect_between=False) == "hang"


def test_the_window_is_not_widened(rig: Rig) -> None:
    """Our hooks add no allocation and no callback between the start of a connection and its socket."""
    from browserwatch.instrumentation import uninstrument

    async def three_calls() -> tuple[int, int]:
        before = len(rig.widths)
        model = rig.model()
        for _ in range(3):
            await call(model.ainvoke)
            await collect_safely()
        return min(rig.widths[before:])

    plain = asyncio.run(three_calls())
    watched = Watched()
    watched.start()
    try:
        hooked = asyncio.run(three_calls())
    finally:
        uninstrument()
        watched.provider.shutdown()
    assert hooked[0] <= plain[0] + 3  # a few objects of noise
    assert hooked[1] <= plain[1]
