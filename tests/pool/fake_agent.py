"""An agent process that only speaks: no browser, no browser-use. It imports little, so it is up in some ten milliseconds.

What it does wrong is told by files in the directory `faults` of the data directory: one of the name of a fault makes each
agent do it from then on; with `once-` before the name it is done only by the first agent that finds it.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, TypeAlias

Said: TypeAlias = dict[str, Any]
EVENTS: dict[str, Said] = {
    "run_started": {"type": "run_started"},
    "run_finished": {
        "type": "run_finished",
        "outcome": "success",
        "failure_reason": "none",
        "seconds": 1.0,
        "steps": 1,
    },
    "step_finished": {"type": "step_finished", "outcome": "ok", "seconds": 1.0, "phases": {}},
}


FAILURES = {
    "fails:command": ("command", "net_error"),
    "fails:browser": ("browser", "browser_crash"),
    "crashes:": ("browser", "browser_crash"),
    "stalls:": ("browser", "browser_unresponsive"),
}


class FakeAgent:
    """Answers what it is told."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lines: IO[bytes] = end.makefile("rb")
        self._faults = Path()
        self._running: Said | None = None
        self._weight: list[bytes] = []
        self._browser: subprocess.Popen[bytes] | None = None

    def live(self) -> None:
        """Until it is told to end, or the service is gone."""
        configured = json.loads(self._lines.readline())
        directory = Path(configured["directory"])
        self._faults = directory.parent.parent / "faults"
        self._launch(directory)
        if self._has("start-fails"):
            self.say(
                {"type": "failed", "id": 0, "kind": "browser", "reason": "infrastructure", "message": "no browser"}
            )
            return
        if self._has("exits-before-ready"):
            sys.exit("No module named 'browser_use'")
        self._fault("start")
        self._hang_if("hangs-before-ready")
        self.say(
            {
                "type": "ready",
                "pid": os.getpid(),
                "chromium_pid": self._browser.pid if self._browser else 0,
                "browser_use_version": "0.13.14",
                "chromium_version": "156.0.1",
                "seconds": 0.1,
            }
        )
        if self._has("dies-when-ready"):
            return
        for line in self._lines:
            message = json.loads(line)
            if message["type"] == "shutdown" and not self._has("ignores-shutdown"):
                self._end_browser()
                return
            self._do(message)
        # The service died. Its socket closes before the kernel's signal reaches this process, or after: the browser
        # is left either way, so that a test finds the same.

    def say(self, message: Said) -> None:
        """One line."""
        self._end.sendall(json.dumps(message).encode() + b"\n")

    def _launch(self, directory: Path) -> None:
        """Something in the place of Chromium: it is found by its profile alone, as that is, and outlives this process."""
        (directory / "profile").mkdir()
        if self._has("with-browser"):
            script = "import time; time.sleep(600)"
            command = [sys.executable, "-ISc", script, f"--user-data-dir={directory / 'profile'}"]
            self._browser = subprocess.Popen(command, env={}, start_new_session=True)

    def _end_browser(self) -> None:
        if self._browser is not None:
            self._browser.kill()
            self._browser.wait()

    def _do(self, message: Said) -> None:
        number = message.get("id", 0)
        match message["type"]:
            case "ping":
                self._ping(number)
            case "reset":
                self._fault("reset")
                self.say({"type": "reset_done", "id": number, "chromium_pid": 0})
            case "restore":
                self.say({"type": "restored", "id": number, "cookies": 1, "origins": 1})
            case "capture":
                snapshot = base64.b64encode(json.dumps({"trace": message["trace"]}).encode()).decode()
                self.say({"type": "captured", "id": number, "snapshot": snapshot})
            case "fetch":
                self._fetch(message)
            case "run":
                self._run(message)
            case "cancel":
                self._cancel(number)
            case _:
                pass

    def _ping(self, number: int) -> None:
        self._fault("ping")
        if self._has("ping-browser-lost"):
            self.say({"type": "failed", "id": number, "kind": "browser", "reason": "browser_crash", "message": "gone"})
        else:
            self.say({"type": "pong", "id": number})

    def _fetch(self, message: Said) -> None:
        """The address says what happens."""
        number, url = message["id"], message["url"]
        if url in FAILURES:
            kind, reason = FAILURES[url]
            if url == "crashes:":
                self.say(
                    {"type": "happened", "event": {"type": "browser_crashed", "kind": "browser"}, "command": number}
                )
            self.say({"type": "failed", "id": number, "kind": kind, "reason": reason, "message": "told so"})
        elif url == "dies:":
            os.kill(os.getpid(), signal.SIGKILL)
        elif url == "babbles:":
            self._end.sendall(b"what?\n")
        elif url == "wrong:":
            self.say({"type": "pong", "id": number})
        elif url == "environment:":
            self.say(
                {"type": "fetched", "id": number, "url": url, "outcome": "ok", "text": json.dumps(dict(os.environ))}
            )
        elif url == "balloons:":
            self._weight.append(os.urandom(64 * 1024 * 1024))
            self.say({"type": "fetched", "id": number, "url": url, "outcome": "ok"})
        elif url != "hangs:":
            self.say({"type": "fetched", "id": number, "url": url, "outcome": "ok"})

    def _run(self, message: Said) -> None:
        """Goes on until it is cancelled."""
        self._running = message
        for event in EVENTS.values():
            self.say({"type": "happened", "event": event, "command": message["id"]})

    def _cancel(self, number: int) -> None:
        if self._running is not None and self._running["id"] == number and not self._has("ignores-cancel"):
            self._running = None
            self.say({"type": "run_done", "id": number, "outcome": "cancelled", "failure_reason": "none", "steps": 1})

    def _fault(self, where: str) -> None:
        if self._has(f"{where}-dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        self._hang_if(f"{where}-hangs")
        # Until the test lets it go on.
        while self._has(f"{where}-waits"):
            time.sleep(0.005)

    def _hang_if(self, fault: str) -> None:
        if self._has(fault):
            threading.Event().wait()

    def _has(self, fault: str) -> bool:
        try:
            (self._faults / f"once-{fault}").unlink()
        except FileNotFoundError:
            return (self._faults / fault).exists()
        return True


if __name__ == "__main__":
    FakeAgent(socket.socket(fileno=int(sys.argv[1]))).live()
