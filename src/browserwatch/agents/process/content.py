"""What a page holds, in the formats that can be asked for. Nothing larger than the limit is taken out of the browser."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from browserwatch.agents.messages import PageFormat
from browserwatch.agents.process.errors import CommandError
from browserwatch.devtools.connection import Params
from browserwatch.devtools.tabs import Tab

SCREENSHOT_HEIGHT: Final = 16_384
"""Pixels; what is below is left out. Chromium's own limit of a texture."""
READ_BYTES: Final = 1024 * 1024
TITLE_LIMIT: Final = 500

_HTML: Final = (
    "(document.doctype ? new XMLSerializer().serializeToString(document.doctype) : '')"
    " + (document.documentElement?.outerHTML ?? '')"
)
_TEXT: Final = "(document.body ?? document.documentElement)?.innerText ?? ''"
# The size is looked at in the page. JSON, as the page may hold half characters that no other encoding can carry.
_BOUNDED: Final = """
(() => {
  const text = %s, bytes = new TextEncoder().encode(text).length;
  return JSON.stringify({title: document.title.slice(0, %d), bytes, text: bytes > %d ? null : text});
})()
"""


class Content(NamedTuple):
    """A page's content: text, or bytes in base64."""

    title: str
    size: int
    text: str | None = None
    data: str | None = None


class Reader:
    """Reads the page that a tab shows.

    Args:
        tab: the tab, with domain Page enabled.
        max_bytes: largest content.
        seconds: time for one command.
    """

    def __init__(self, tab: Tab, max_bytes: int, seconds: float) -> None:
        self._tab = tab
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def read(self, page_format: PageFormat) -> Content:
        """The content in a format.

        Raises:
            CommandError: it is too large, or can't be put into the format.
            DevToolsError: the tab does not answer.
        """
        readers: dict[PageFormat, Callable[[], Awaitable[Content]]] = {
            "html": lambda: self._text(_HTML),
            "text": lambda: self._text(_TEXT),
            "markdown": self._markdown,
            "screenshot": self._screenshot,
            "pdf": self._pdf,
        }
        return await readers[page_format]()

    async def _send(self, method: str, params: Params | None = None) -> Params:
        return await self._tab.send(method, params, self._seconds)

    async def _bounded(self, expression: str, max_bytes: int) -> dict[str, Any]:
        frame = (await self._send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        # A world of its own: a page may have replaced the functions of its own one.
        world = (await self._send("Page.createIsolatedWorld", {"frameId": frame}))["executionContextId"]
        script = _BOUNDED % (expression, TITLE_LIMIT, max_bytes)
        answer = await self._send("Runtime.evaluate", {"expression": script, "contextId": world, "returnByValue": True})
        if "value" not in answer["result"]:
            raise CommandError("error", "The page's content can't be read.")
        return json.loads(answer["result"]["value"])

    async def _text(self, expression: str) -> Content:
        found = await self._bounded(expression, self._max_bytes)
        self._check(found["bytes"])
        return Content(_whole(found["title"]), found["bytes"], text=_whole(found["text"]))

    async def _title(self) -> str:
        return _whole((await self._bounded("''", 0))["title"])

    async def _markdown(self) -> Content:
        page = await self._text(_HTML)
        try:
            # In a thread: a long page takes seconds, and signs of life must be answered.
            text = await asyncio.to_thread(_to_markdown, page.text or "")
        except RecursionError:
            raise CommandError("error", "The page is nested too deeply for markdown; html has it as it is.") from None
        size = len(text.encode())
        self._check(size)
        return Content(page.title, size, text=text)

    async def _screenshot(self) -> Content:
        size = (await self._send("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {
            "x": 0,
            "y": 0,
            "width": max(1, size["width"]),
            "height": min(max(1, size["height"]), SCREENSHOT_HEIGHT),
            "scale": 1,
        }
        options: Params = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        data = (await self._send("Page.captureScreenshot", options))["data"]
        return await self._binary(data, len(data) * 3 // 4 - data[-2:].count("="))

    async def _pdf(self) -> Content:
        options: Params = {"printBackground": True, "transferMode": "ReturnAsStream"}
        handle = (await self._send("Page.printToPDF", options))["stream"]
        read = bytearray()
        try:
            while not (part := await self._send("IO.read", {"handle": handle, "size": READ_BYTES}))["eof"]:
                read += base64.b64decode(part["data"]) if part.get("base64Encoded") else part["data"].encode("latin-1")
                self._check(len(read))
        finally:
            await self._send("IO.close", {"handle": handle})
        return await self._binary(base64.b64encode(read).decode(), len(read))

    async def _binary(self, data: str, size: int) -> Content:
        self._check(size)
        return Content(await self._title(), size, data=data)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise CommandError("too_large", f"The page has {size:,} bytes; the limit is {self._max_bytes:,}.")


def _whole(text: str) -> str:
    """Half characters (lone surrogates) replaced: UTF-8 has none."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _to_markdown(html: str) -> str:
    from markdownify import markdownify  # noqa: PLC0415  # comes with browser-use; slow to import

    text: str = markdownify(html, heading_style="ATX", bullets="-", strip=["script", "style", "noscript", "template"])
    # Layout leaves many empty lines.
    lines = (line.rstrip() for line in text.splitlines())
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip() + "\n"
