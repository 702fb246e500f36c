"""What an agent process decides without a browser: schemes, environment, totals, events when nobody reads."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import msgspec
import pytest

from browserwatch.agents.messages import Happened, Ping, Pong, decode_from_agent, encode
from browserwatch.agents.process import channel as channel_module
from browserwatch.agents.process.channel import Channel
from browserwatch.agents.process.environment import of_chromium
from browserwatch.agents.process.guard import may_show
from browserwatch.agents.process.session import Session, origin_of
from browserwatch.agents.process.tally import Outlet, Tally
from browserwatch.devtools.storage import MAX_ORIGINS
from browserwatch.events import BrowserCrashed, Event, ModelCalled, PageLoaded, RunFinished


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "HTTPS://shop.example/?q=file:///etc",
        "about:blank",
        "blob:https://shop.example/1",
        "chrome-error://chromewebdata/",
    ],
)
def test_may_show(url: str) -> None:
    """Web pages, empty tabs and what pages make themselves may be shown."""
    assert may_show(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        " FILE:///etc/hostname",
        "fi\nle:///etc/hostname",
        "\x01file:///etc/hostname",
        "chrome://version/",
        "view-source:https://shop.example/",
        "data:text/html,x",
        "javascript:alert(1)",
        "filesystem:https://shop.example/x",
        "devtools://devtools/bundled/inspector.html",
        "about:config",
        "ftp://shop.example/",
        "http://[",
    ],
)
def test_may_not_show(url: str) -> None:
    """Nothing else may, however it is written."""
    assert not may_show(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://shop.example/path?q#f", "https://shop.example"),
        ("http://user:password@shop.example:8080/", "http://shop.example:8080"),
        ("http://[::1]:1/", "http://[::1]:1"),
        ("about:blank", None),
        ("file:///x", None),
        ("http://[", None),
    ],
)
def test_origins(url: str, origin: str | None) -> None:
    """An origin is that of a web page, without user and password."""
    assert origin_of(url) == origin


def test_origins_are_bounded() -> None:
    """A browser that was at more origins than can be read forgets those it left longest ago."""
    session = Session()
    for number in range(MAX_ORIGINS + 3):
        session.visited(f"https://site-{number}.example/")
    session.visited("https://site-5.example/again")
    assert len(session.origins) == MAX_ORIGINS
    assert session.origins[0] == "https://site-5.example"
    assert "https://site-2.example" not in session.origins


def test_chromium_gets_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Chromium's environment has what it needs, in the directory given, and nothing else."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
    monkeypatch.setenv("HTTP_PROXY", "http://user:password@proxy.example")
    given = of_chromium(tmp_path)
    assert given.keys() <= {
        "PATH",
        "LANG",
        "LC_ALL",
        "TZ",
        "LD_LIBRARY_PATH",
        "HOME",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
    }
    assert given["HOME"] == str(tmp_path)


def finished(outcome: str, reason: str) -> RunFinished:
    """The end of a run."""
    return RunFinished(outcome=outcome, failure_reason=reason, seconds=1.0, steps=1)


@pytest.mark.parametrize(
    ("blocked", "lost", "told", "passed_on"),
    [
        (False, "", ("failure", "navigation"), ("failure", "navigation")),
        (True, "", ("failure", "navigation"), ("failure", "policy_blocked")),
        (True, "", ("failure", "captcha"), ("failure", "captcha")),
        (True, "", ("success", "none"), ("success", "none")),
        (True, "", ("cancelled", "none"), ("cancelled", "none")),
        (False, "browser_unresponsive", ("cancelled", "none"), ("error", "browser_unresponsive")),
    ],
)
def test_ends(*, blocked: bool, lost: str, told: tuple[str, str], passed_on: tuple[str, str]) -> None:
    """The end of a run is passed on with what is known better here: what was blocked, or that its browser was given up."""
    sent: list[Event] = []
    outlet = Outlet(sent.append)
    outlet.tally = tally = Tally(lambda: blocked)
    tally.browser_failure = lost
    outlet(finished(*told))
    assert sent == [tally.finished] == [finished(*passed_on)]


def test_totals() -> None:
    """Calls add up; one without a known price is counted as such, one without usage is none."""
    tally = Tally(lambda: False)
    call = ModelCalled(provider="openai", model="x", seconds=1.0, input_tokens=10, output_tokens=2, cached_tokens=4)
    for has_usage, cost in ((True, 0.5), (True, None), (False, None)):
        tally.take(msgspec.structs.replace(call, has_usage=has_usage, cost_usd=cost))
    assert (tally.input_tokens, tally.output_tokens, tally.cached_tokens) == (30, 6, 12)
    assert (tally.cost_usd, tally.unpriced_calls) == (0.5, 1)


def test_crash_is_told_once() -> None:
    """That the browser died is told by who watches the process, not by its connection; a tab's crash passes."""
    sent: list[Event] = []
    outlet = Outlet(sent.append)
    outlet(BrowserCrashed(kind="browser"))
    outlet(BrowserCrashed(kind="tab"))
    assert sent == [BrowserCrashed(kind="tab")]


async def test_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the service does not read, events are left out and counted, never waited for; replies are not left out."""
    monkeypatch.setattr(channel_module, "EVENT_BUFFER", 100_000)
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    channel = await Channel.open(theirs.detach())
    for _ in range(20_000):
        channel.happened(PageLoaded(outcome="ok", cause="link"))
    assert channel.dropped > 0
    replying = asyncio.create_task(channel.reply(Pong(id=1)))
    messages = [decode_from_agent(await reader.readline()) for _ in range(20_000 - channel.dropped + 1)]
    await replying
    assert messages.pop() == Pong(id=1)
    assert all(isinstance(message, Happened) for message in messages)
    writer.write(b"nonsense\n")
    assert await channel.receive() is None
    await _closed(channel, writer)


async def test_events_from_threads() -> None:
    """Events of other threads, the egress proxy's among them, come through."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    channel = await Channel.open(theirs.detach())
    channel.command = 7
    await asyncio.to_thread(channel.happened, PageLoaded(outcome="ok", cause="link"))
    assert decode_from_agent(await reader.readline()) == Happened(
        event=PageLoaded(outcome="ok", cause="link"), command=7
    )
    writer.write(encode(Ping(id=3)))
    assert await channel.receive() == Ping(id=3)
    await _closed(channel, writer)


async def _closed(channel: Channel, writer: asyncio.StreamWriter) -> None:
    writer.close()
    await channel.close()
