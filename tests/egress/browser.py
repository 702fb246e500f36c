"""A headless Chromium with one page, told what to do over DevTools."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import connect
from websockets.sync.connection import Connection

from browserwatch.processes.chromium import FLAGS, contained_in, find_chromium, start_empty, unsandboxed_because

SECONDS: Final = 30.0


class Page:
    """One tab."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A DevTools command's result; events that come in between are dropped."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + SECONDS
        while True:
            answer = json.loads(self._connection.recv(deadline - time.monotonic()))
            if answer.get("id") == number:
                assert "result" in answer, answer
                return answer["result"]

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, or of its promise."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def go(self, url: str) -> str:
        """Load a page, wait until it is there, and give its text; the error when there is none."""
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            return str(answer["errorText"])
        return str(
            self.evaluate(
                "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))"
                ".then(() => document.body.innerText)"
            )
        )


@contextmanager
def chromium_page(directory: Path, flags: Sequence[str]) -> Generator[Page]:
    """A Chromium with these flags for as long as the block runs."""
    profile = directory / "profile"
    start_empty(profile)
    command = [str(find_chromium().path), *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", *flags]
    if unsandboxed_because():
        command.append("--no-sandbox")
    with (directory / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [*command, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, **contained_in(directory)},
        )
    try:
        with connect(_page_address(process, profile), max_size=None, proxy=None) as connection:
            yield Page(connection)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(SECONDS)


def _page_address(process: subprocess.Popen[bytes], profile: Path) -> str:
    deadline = time.monotonic() + SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, ValueError, IndexError, StopIteration):
            port = int((profile / "DevToolsActivePort").read_text().split("\n")[0])
            with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=SECONDS) as answer:
                pages = json.load(answer)
            return str(next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"))
        time.sleep(0.05)
    raise AssertionError(f"Chromium did not start: exit code {process.poll()}")
