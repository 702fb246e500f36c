"""Doing the checks in order and showing what they found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from functools import partial
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from browserwatch.cli.doctor import browser, packages, surroundings
from browserwatch.cli.doctor.checks import Check, Result, Status, perform
from browserwatch.cli.terminal import make_console, printable

LOOKS: Final = {Status.PASS: ("✓", "green"), Status.WARN: ("!", "yellow"), Status.FAIL: ("✗", "red")}


def all_checks(port: int | None) -> tuple[Check, ...]:
    """The checks, in the order in which their failures explain each other."""
    return (
        Check("Python", packages.python),
        Check("browser-use", packages.browser_use),
        Check("hooks", packages.hooks, seconds=60),
        Check("Chromium", browser.found, seconds=60),
        Check("Chromium starts", browser.starts, seconds=60),
        Check("Chromium's sandbox", browser.sandbox, seconds=60),
        Check("settings", surroundings.settings),
        Check("metrics port", partial(surroundings.metrics_port, port)),
        Check("collector", surroundings.collector),
        Check("browser-use's telemetry", packages.telemetry),
        Check("other tracers", packages.other_tracers),
    )


def run_doctor(port: int | None, *, as_json: bool) -> int:
    """Do the checks and print them.

    Returns:
        The exit code: 1 when one failed.
    """
    checks = all_checks(port)
    console = make_console()
    results = _as_json(console, checks) if as_json else _as_lines(console, checks)
    return int(any(result.status is Status.FAIL for result in results))


def _as_json(console: Console, checks: Iterable[Check]) -> list[Result]:
    results = {check.name: perform(check) for check in checks}
    found = [
        {"check": name, "status": result.status, "message": result.message, "fix": result.fix}
        for name, result in results.items()
    ]
    console.out(json.dumps(found, indent=2))
    return list(results.values())


def _as_lines(console: Console, checks: tuple[Check, ...]) -> list[Result]:
    results: list[Result] = []
    width = max(len(check.name) for check in checks)
    console.print()
    for check in checks:
        with console.status(f"{check.name} …", spinner_style="dim") if console.is_terminal else nullcontext():
            result = perform(check)
        results.append(result)
        console.print(Padding(line(check.name, result, width), (0, 1)))
    console.print(_summary(results))
    return results


def line(name: str, result: Result, width: int) -> Table:
    """One check: how it came out, its name, what was found, and below it the fix."""
    mark, style = LOOKS[result.status]
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(width=6)
    table.add_column(width=width)
    table.add_column(overflow="fold")
    found = Text("\n".join(printable(part) for part in result.message.splitlines()))
    if result.fix:
        found.append(f"\n→ {printable(result.fix)}", style="dim")
    table.add_row(Text(f"{mark} {result.status.value}", style=style), name, found)
    return table


def _summary(results: list[Result]) -> Text:
    counts = {status: sum(result.status is status for result in results) for status in Status}
    parts = [f"{counts[status]} {word}" for status, word in zip(Status, ("passed", "warned", "failed"), strict=True)]
    return Text(f"\n {', '.join(parts)}\n", style="bold")
