"""Reading and writing what makes a login: cookies, and local storage by origin.

Local storage can only be reached from a document of its origin. A tab of ours navigates there, and the navigation is
answered here, with an empty page: no site is asked, and no script of a site runs. It is written once, before the work, so
what a page rotates later is never overwritten.

Protocol: https://chromedevtools.github.io/devtools-protocol/ (domains Storage, Fetch, Runtime).
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeAlias

from browserwatch.devtools.connection import DevTools, Params
from browserwatch.devtools.errors import DevToolsClosedError, DevToolsCommandError, DevToolsError
from browserwatch.devtools.tabs import Tab, attached, new_tab, page_targets

Items: TypeAlias = Mapping[str, str]

MAX_ORIGINS: Final = 500
PART_CHARACTERS: Final = 64 * 1024
ORIGIN_SECONDS: Final = 5.0
OPEN_TAB_SECONDS: Final = 2.0
EMPTY_PAGE: Final = base64.b64encode(b"<!doctype html><title></title>").decode()
# JSON, not an object: it can name lone surrogates, which pages use to keep binary.
_READ: Final = "JSON.stringify([location.origin, Object.entries(localStorage)])"
_WRITE: Final = """
((origin, items) => location.origin === origin && items.every(([key, value]) => {
  localStorage.setItem(key, value);
  return localStorage.getItem(key) === value;
}))(%s, %s)
"""
# What a page writes is only on its way to the browser, and a tab that closes may take it along. Other windows of the origin
# are told of a change when the browser has it: so another window, in a frame, is waited for to hear of the last one.
_MARK: Final = "((mark) => { localStorage.setItem(mark, ''); return true; })(%s)"
_ARRIVED: Final = """
(async (mark) => {
  if (document.readyState === 'loading') await new Promise(ready => addEventListener('DOMContentLoaded', ready));
  const other = document.documentElement.appendChild(document.createElement('iframe')).contentWindow;
  return other.localStorage.length > 0 && await new Promise(arrived => {
    other.addEventListener('storage', event => event.key === mark && event.newValue === null && arrived(true));
    localStorage.removeItem(mark);
  });
})(%s)
"""


class LocalStorage(NamedTuple):
    """Local storage by origin, and how many origins could not be read."""

    items: dict[str, dict[str, str]]
    failed: int


# --- cookies ---------------------------------------------------------------------------------------------------------
async def read_cookies(devtools: DevTools) -> list[Params]:
    """All cookies of the browser, as the protocol says them."""
    return list((await devtools.send("Storage.getCookies"))["cookies"])


async def write_cookies(devtools: DevTools, cookies: Sequence[Params]) -> int:
    """Set cookies; how many of those that have not expired the browser does not have afterwards."""
    try:
        await devtools.send("Storage.setCookies", {"cookies": list(cookies)})
    except DevToolsCommandError:
        # It takes all or none: one at a time, so that one that it refuses costs only itself.
        for cookie in cookies:
            await _attempt_cookie(devtools, cookie)
    there = {_key(cookie) for cookie in await read_cookies(devtools)}
    now = time.time()
    wanted = {_key(cookie) for cookie in cookies if cookie.get("expires", now + 1) > now}
    return len(wanted - there)


async def _attempt_cookie(devtools: DevTools, cookie: Params) -> None:
    try:
        await devtools.send("Storage.setCookies", {"cookies": [cookie]})
    except DevToolsCommandError:
        return  # counted by what is missing afterwards


def _key(cookie: Params) -> tuple[str, str, str, str]:
    partition: Params = cookie.get("partitionKey") or {}
    return cookie["name"], cookie["domain"], cookie["path"], str(partition.get("topLevelSite", ""))


# --- local storage ---------------------------------------------------------------------------------------------------
async def write_local_storage(devtools: DevTools, storage: Mapping[str, Items]) -> int:
    """Put local storage in, and read it back; the number of origins that do not have theirs afterwards."""
    failed = max(0, len(storage) - MAX_ORIGINS)
    if not storage:
        return failed
    async with _empty_pages(devtools) as pages:
        for origin, items in list(storage.items())[:MAX_ORIGINS]:
            answers = await pages.evaluate(origin, *_writing(origin, items))
            failed += any(answer is not True for answer in answers)
    return failed


def _writing(origin: str, items: Items) -> Iterator[str]:
    """Expressions that write items, in parts: Chromium takes many short messages in less time than a long one."""
    mark = json.dumps(f"written-{secrets.token_hex(8)}")
    yield _MARK % mark
    part, size = list[tuple[str, str]](), 0
    for key, value in items.items():
        part.append((key, value))
        size += len(key) + len(value)
        if size > PART_CHARACTERS:
            yield _WRITE % (json.dumps(origin), json.dumps(part))
            part, size = [], 0
    yield _WRITE % (json.dumps(origin), json.dumps(part))
    yield _ARRIVED % mark


async def read_local_storage(devtools: DevTools, origins: Iterable[str]) -> LocalStorage:
    """Local storage of these origins, visited one after the other in a tab of ours."""
    wanted = list(dict.fromkeys(origins))
    found = LocalStorage({}, 0)
    if not wanted:
        return found
    failed = max(0, len(wanted) - MAX_ORIGINS)
    async with _empty_pages(devtools) as pages:
        for origin in wanted[:MAX_ORIGINS]:
            read = _items((await pages.evaluate(origin, _READ))[0])
            if read is None or read[0] != origin:
                failed += 1
            else:
                found.items[origin] = read[1]
    return LocalStorage(found.items, failed)


async def read_open_tabs(devtools: DevTools) -> LocalStorage:
    """Local storage of the origins that tabs show now. Opens no tab, and is seen by no page."""
    tabs = [info["targetId"] for info in await page_targets(devtools) if _is_web(info["url"])][:MAX_ORIGINS]
    answers = await asyncio.gather(*(_read_tab(devtools, target) for target in tabs))
    read = [items for answer in answers if (items := _items(answer)) is not None]
    return LocalStorage(dict(read), len(answers) - len(read))


async def _read_tab(devtools: DevTools, target: str) -> object:
    try:
        async with asyncio.timeout(OPEN_TAB_SECONDS), attached(devtools, target) as tab:
            frame = (await tab.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
            # A world of its own: a page may have replaced the functions of its own one.
            world = await tab.send("Page.createIsolatedWorld", {"frameId": frame})
            return await _evaluate(tab, _READ, contextId=world["executionContextId"])
    except DevToolsClosedError:
        raise
    except (DevToolsError, TimeoutError):
        return None  # the tab went, shows a dialog, or is busy


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _items(answer: object) -> tuple[str, dict[str, str]] | None:
    if not isinstance(answer, str):
        return None
    origin, entries = json.loads(answer)
    return origin, dict(entries)


async def _evaluate(tab: Tab, expression: str, **options: Any) -> object:
    params: Params = {"expression": expression, "returnByValue": True, "awaitPromise": True, **options}
    answer = await tab.send("Runtime.evaluate", params)
    return answer["result"].get("value")


# --- empty pages -----------------------------------------------------------------------------------------------------
class _EmptyPages:
    """A tab that shows an empty page at whatever address it is told to go to."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._tasks: set[asyncio.Task[None]] = set()
        self._committed: asyncio.Event = asyncio.Event()
        self._end = tab.listen(self._take)

    async def start(self) -> None:
        await asyncio.gather(
            self._tab.send("Page.enable"),
            self._tab.send("Network.enable", {"maxTotalBufferSize": 0, "maxResourceBufferSize": 0}),
            # A service worker of the site would answer before us, with the site's own page.
            self._tab.send("Network.setBypassServiceWorker", {"bypass": True}),
            self._tab.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]}),
        )

    async def evaluate(self, origin: str, *expressions: str) -> list[object]:
        """What expressions give at an origin, one after the other; one None when that can't be reached."""
        try:
            async with asyncio.timeout(ORIGIN_SECONDS):
                self._committed.clear()
                if "errorText" in await self._tab.send("Page.navigate", {"url": f"{origin}/"}):
                    return [None]
                await self._committed.wait()
                return await asyncio.gather(*(_evaluate(self._tab, expression) for expression in expressions))
        except DevToolsClosedError:
            raise
        except (DevToolsError, TimeoutError):
            return [None]

    def _take(self, method: str, params: Params, _: str | None) -> None:
        if method == "Page.frameNavigated" and params["frame"]["id"] == self._tab.target_id:
            self._committed.set()
        elif method == "Fetch.requestPaused":
            task = asyncio.create_task(self._fulfil(params["requestId"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fulfil(self, request: str) -> None:
        answer: Params = {
            "requestId": request,
            "responseCode": 200,
            "responseHeaders": [{"name": "Content-Type", "value": "text/html"}],
            "body": EMPTY_PAGE,
        }
        try:
            await self._tab.send("Fetch.fulfillRequest", answer)
        except DevToolsError:
            return  # the navigation was given up, and its caller knows

    async def stop(self) -> None:
        self._end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def _empty_pages(devtools: DevTools) -> AsyncGenerator[_EmptyPages]:
    async with new_tab(devtools, hidden=True) as tab:
        pages = _EmptyPages(tab)
        try:
            await pages.start()
            yield pages
        finally:
            await pages.stop()
