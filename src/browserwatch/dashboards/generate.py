"""Everything that is generated, by the path it has below `deploy/`."""

from __future__ import annotations

import json
from typing import Final

from browserwatch.dashboards.board import Board, as_json
from browserwatch.dashboards.boards.agents import AGENTS
from browserwatch.dashboards.boards.model import MODEL
from browserwatch.dashboards.boards.overview import OVERVIEW
from browserwatch.dashboards.boards.pages import PAGES
from browserwatch.dashboards.boards.pool import POOL
from browserwatch.dashboards.boards.sessions import SESSIONS
from browserwatch.dashboards.boards.telemetry import TELEMETRY
from browserwatch.dashboards.boards.traces import TRACES
from browserwatch.dashboards.catalog import Catalog, known_series
from browserwatch.dashboards.rules.files import rule_files
from browserwatch.dashboards.rules.recording import with_recordings

BOARDS: Final = (OVERVIEW, AGENTS, POOL, SESSIONS, MODEL, PAGES, TRACES, TELEMETRY)


def board_file(board: Board, catalog: Catalog) -> str:
    """A dashboard as the JSON that Grafana imports."""
    return json.dumps(as_json(board.build(catalog)), indent=2, ensure_ascii=False) + "\n"


def generated(catalog: Catalog | None = None) -> dict[str, str]:
    """Texts of the files by path.

    Args:
        catalog: series that may be asked for, those of recording rules left out; by default all that are declared.

    Raises:
        UnknownSeriesError: a panel or a rule asks for another one.
    """
    known = with_recordings(catalog or known_series())
    rules = {f"prometheus/{name}": text for name, text in rule_files(known).items()}
    return rules | {f"grafana/dashboards/{board.name}.json": board_file(board, known) for board in BOARDS}
