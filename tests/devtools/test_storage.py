"""Cookies and local storage in and out of a real Chromium that can reach nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from browserwatch.agents.process.browser import Browser
from browserwatch.agents.process.launching import Launch
from browserwatch.devtools import storage
from browserwatch.devtools.connection import DevTools
from browserwatch.devtools.tabs import new_tab, page_targets
from browserwatch.egress import EgressPolicy, ThreadedEgressProxy, chromium_flags
from browserwatch.processes.chromium import find_chromium

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

SHOP: Final = "https://shop.example"
DIALOG: Final = "data:text/html,<script>alert(1)</script>"
asked: list[str] = []


async def nobody(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    """Looks no name up, and remembers that one was wanted."""
    asked.append(f"{host}:{port}")
    return []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Browser]:
    """A browser whose every request for a name is recorded."""
    directory: Path = tmp_path_factory.mktemp("browser")
    with ThreadedEgressProxy(EgressPolicy(), lambda _: None, resolve=nobody) as proxy:
        flags = chromium_flags(proxy.port)
        made = Browser(Launch(str(find_chromium().path), directory, os.geteuid() != 0, flags), lambda _: None)
        await made.start()
        yield made
        await made.stop()


@pytest.fixture
def devtools(browser: Browser) -> DevTools:
    """A connection to it."""
    asked.clear()
    return browser.devtools


def cookie(name: str, **fields: Any) -> dict[str, Any]:
    """A cookie of the shop."""
    return {"name": name, "value": "x" * 80, "domain": "shop.example", "path": "/", "secure": True, **fields}


async def tabs(devtools: DevTools) -> list[str]:
    """Addresses of the tabs."""
    return [page["url"] for page in await page_targets(devtools)]


async def test_there_and_back(devtools: DevTools) -> None:
    """What is written is read again, with no request to anyone, and no tab is left."""
    items = {f"key {number}": "v\ud800é中</script>" * 20 for number in range(20)}
    written = {SHOP: items, "http://127.0.0.1:81": {"a": ""}, "https://[2001:db8::1]:444": {"\ud800": "1"}}
    assert await storage.write_local_storage(devtools, written) == 0
    assert await storage.read_local_storage(devtools, [*written, "https://empty.example"]) == (
        {**written, "https://empty.example": {}},
        0,
    )
    assert await tabs(devtools) == ["about:blank"]
    assert [name for name in asked if name.partition(":")[0] in ("shop.example", "empty.example", "127.0.0.1")] == []


async def test_cookies(devtools: DevTools) -> None:
    """Cookies are written together; one that is refused costs only itself, and one that has expired is not missed."""
    later = time.time() + 3600
    good = [cookie(f"good-{number}", expires=later) for number in range(100)]
    assert await storage.write_cookies(devtools, good) == 0
    bad = [cookie("__Host-bad", domain=".shop.example"), cookie("expired", expires=1.0), cookie("session")]
    assert await storage.write_cookies(devtools, bad) == 1
    names = {found["name"] for found in await storage.read_cookies(devtools)}
    assert names == {*(each["name"] for each in good), "session"}


async def test_nothing_to_do(devtools: DevTools) -> None:
    """Without origins no tab is opened."""
    assert await storage.write_local_storage(devtools, {}) == 0
    assert await storage.read_local_storage(devtools, []) == ({}, 0)


async def test_too_many_origins(devtools: DevTools, monkeypatch: pytest.MonkeyPatch) -> None:
    """Origins beyond the limit are left out, and counted."""
    monkeypatch.setattr(storage, "MAX_ORIGINS", 2)
    many = {f"https://site-{number}.example": {"a": "1"} for number in range(5)}
    assert await storage.write_local_storage(devtools, many) == 3
    read = await storage.read_local_storage(devtools, many)
    assert (len(read.items), read.failed) == (2, 3)


async def test_unreachable_origin(devtools: DevTools) -> None:
    """An origin that can't be reached costs only itself."""
    written = {"https://": {"a": "1"}, "http://127.0.0.1:9": {"a": "1"}, "https://good.example": {"a": "1"}}
    failed = await storage.write_local_storage(devtools, written)
    read = await storage.read_local_storage(devtools, ["https://good.example"])
    assert failed >= 1
    assert read.items == {"https://good.example": {"a": "1"}}


async def test_cancelled(devtools: DevTools) -> None:
    """Cancelled at any moment, it leaves no tab."""
    many = {f"https://site-{number}.example": {"a": "1"} for number in range(50)}
    for seconds in (0.0, 0.01, 0.05, 0.2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await storage.write_local_storage(devtools, many)
        assert await tabs(devtools) == ["about:blank"]


async def test_open_tabs(devtools: DevTools) -> None:
    """Of open tabs only pages of the web are looked at; without a request, and without a tab of ours."""
    async with new_tab(devtools) as tab:
        await tab.send("Page.navigate", {"url": "data:text/html,x"})
        assert await storage.read_open_tabs(devtools) == ({}, 0)


async def test_open_tab_that_hangs(devtools: DevTools, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tab that shows a dialog, and so answers nothing, is counted as one that could not be read."""
    monkeypatch.setattr(storage, "OPEN_TAB_SECONDS", 0.3)
    monkeypatch.setattr(storage, "_is_web", lambda url: url.startswith("data:"))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType, reportUnknownMemberType]
    opened = asyncio.Event()

    def watch(method: str, params: dict[str, Any], session: str | None) -> None:
        if method == "Page.javascriptDialogOpening":
            opened.set()

    async with new_tab(devtools) as tab:
        tab.listen(watch)
        await tab.send("Page.enable")
        await tab.send("Page.navigate", {"url": DIALOG})
        await asyncio.wait_for(opened.wait(), 10)
        assert await storage.read_open_tabs(devtools) == ({}, 1)


async def test_large_storage(devtools: DevTools) -> None:
    """A megabyte is written whole; more than the browser keeps for an origin is counted as failed."""
    megabyte = {f"key-{number}": "v" * 10_000 for number in range(100)}
    assert await storage.write_local_storage(devtools, {"https://big.example": megabyte}) == 0
    assert (await storage.read_local_storage(devtools, ["https://big.example"])).items[
        "https://big.example"
    ] == megabyte
    assert await storage.write_local_storage(devtools, {"https://huge.example": {"a": "x" * 6_000_000}}) == 1
