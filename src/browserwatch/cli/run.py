"""`browserwatch run`: a task for the service, and what becomes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browserwatch.cli.client import ServiceClient
from browserwatch.cli.terminal import make_console, printable
from browserwatch.errors import ConfigurationError
from browserwatch.settings import load_client_settings


@dataclass(frozen=True, slots=True)
class Task:
    """What the user asked for; None leaves it to the service."""

    task: str
    session: str | None = None
    start_url: str | None = None
    model: str | None = None
    max_steps: int | None = None
    timeout_seconds: float | None = None
    budget_usd: float | None = None
    secrets_file: Path | None = None
    follow: bool = False

    def request(self) -> dict[str, Any]:
        """The body of the request."""
        names = ("task", "session", "start_url", "model", "max_steps", "timeout_seconds", "budget_usd")
        body = {name: getattr(self, name) for name in names}
        if self.secrets_file is not None:
            body["sensitive_data"] = _secrets(self.secrets_file)
        return {name: value for name, value in body.items() if value is not None}


def run_task(task: Task) -> int:
    """Submit the task and say where it can be followed; or follow it, and print its result.

    Returns:
        The exit code: 0 when it was taken, or with `follow` when it succeeded.
    """
    settings = load_client_settings()
    key = settings.api_key.get_secret_value() if settings.api_key else None
    console = make_console()
    with ServiceClient(settings.url, key) as service:
        taken = service.submit(task.request())
        run_id = str(taken["id"])
        console.print(f"run {run_id}  trace {taken.get('trace_id', '')}", style="dim")
        if not task.follow:
            console.print(f"{service.url}/v1/runs/{run_id}")
            return 0
        narrator = Narrator()
        for kind, data in service.follow(run_id):
            if line := narrator.line(kind, data):
                console.print(line, soft_wrap=True)
        run = service.run(run_id)
    if run.get("result"):
        console.out(printable_lines(str(run["result"])))
    return int(run["state"] != "succeeded")


class Narrator:
    """Tells a run's events in lines. A step comes after its actions, and is told with them."""

    def __init__(self) -> None:
        self._actions: list[str] = []

    def line(self, kind: str, data: dict[str, Any]) -> str:
        """An event as a line; empty for those that a person need not see."""
        if kind == "action":
            failed = "" if data.get("outcome") == "ok" else " ✗"
            self._actions.append(f"{data.get('action')}{failed}")
        elif kind == "run.started":
            return f"started on an agent ({data.get('acquired', '')})"
        elif kind == "step":
            actions, self._actions = ", ".join(self._actions) or "no action", []
            failed = "" if data.get("outcome") == "ok" else f" ({data.get('outcome')})"
            return printable(f"step {data.get('number')}: {actions}{failed}, {data.get('seconds', 0):.1f} s")
        elif kind == "run.finished":
            reason = data.get("failure_reason")
            told = f": {reason}" if reason and reason != "none" else ""
            return printable(f"{data.get('outcome') or data.get('state')}{told}")
        return ""


def printable_lines(text: str) -> str:
    """Text from a page or a model that can't steer the terminal; its lines stay."""
    return "\n".join(printable(line) for line in text.splitlines())


def _secrets(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: can't be read: {error.strerror}") from None
    except ValueError:
        # From None: the original quotes the file.
        raise ConfigurationError(f'{file}: is not JSON; write it as {{"name": "value"}}') from None
    if not isinstance(found, dict):
        raise ConfigurationError(f'{file}: has no object; write it as {{"name": "value"}}')
    return found  # pyright: ignore[reportUnknownVariableType]  # the service checks the rest
