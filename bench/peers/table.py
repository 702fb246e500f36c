"""What was found, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HEAD: Final = (
    "arm",
    "event loop, ms a step",
    "process with export, ms a step",
    "spans a step",
    "kB a step",
    "MiB at start",
    "step without it, ms",
    "secrets exported",
)
NOTE: Final = (
    "Processor time that the arm adds to a step of browser-use without browser and model: median of paired differences, and"
    " its 95 % interval. kB: as sent, compressed where the arm does that. MiB: of the process's own memory, once it is"
    " imported and installed."
)


def table(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """All figures, and below them where the secrets were and which other hosts were asked for."""
    rows = [_row(HEAD), _row(["---"] * len(HEAD)), *(_row(_cells(name, report)) for name, report in reports.items())]
    versions = [f"- {name}: {report['version']}, {report['licence']}" for name, report in reports.items()]
    return "\n".join([*rows, "", NOTE, "", *versions, "", *_details(reports)])


def leaked(report: Mapping[str, Any]) -> list[str]:
    """The secrets that were found in what was exported."""
    return [name for name, places in report["leaks"].items() if places]


def _cells(name: str, report: Mapping[str, Any]) -> list[str]:
    return [
        name,
        _shown(report["loop"]),
        _shown(report["process"]),
        f"{report['spans']:.1f}",
        f"{report['bytes'] / 1000:.1f}",
        f"{report['memory_bytes'] / 2**20:+.0f}",
        f"{report['without'] * 1000:.1f}",
        ", ".join(leaked(report)) or "none",
    ]


def _shown(estimate: Mapping[str, float]) -> str:
    value, low, high = (estimate[name] * 1000 for name in ("value", "low", "high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _details(reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for name, report in reports.items():
        lines += [
            f"- {name} exported the {secret} in {'; '.join(report['leaks'][secret])}" for secret in leaked(report)
        ]
        lines += [f"- {name} asked for {host}, and was refused ({count}x)" for host, count in report["refused"].items()]
    return lines


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
