"""Are logins kept, found and readable, and is their Redis well?"""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.board import Board, Row
from browserwatch.dashboards.panels import Lines, Number
from browserwatch.dashboards.signals import sessions

NOW: Final = Row(
    "Now",
    (
        Number(
            "Redis",
            "Does Redis answer?",
            (sessions.REDIS_UP,),
            width=6,
            low="red",
            steps=((1, "green"),),
            texts={"0": ("no", "red"), "1": ("yes", "green")},
        ),
        Number("Sessions reused", "Are logins reused, or made again?", (sessions.REUSE,), width=6, low="text"),
        Number(
            "Conflicts", "Do writers get in each other's way?", (sessions.CONFLICTS,), width=6, steps=((1, "orange"),)
        ),
        Number("Undecryptable", "Is a key missing?", (sessions.UNDECRYPTABLE,), width=6, steps=((1, "red"),)),
    ),
)
USE: Final = Row(
    "Sessions",
    (
        Lines("Reuse", "Where do sessions come from?", (sessions.REUSE_BY_SOURCE,), stacked=True),
        Lines("Operations", "What is done with sessions?", (sessions.OPERATIONS,), stacked=True),
        Lines("Not ok", "What goes wrong with sessions?", (sessions.NOT_OK,), stacked=True),
        Lines("Time of an operation", "Is the store fast enough?", sessions.LATENCY),
        Lines("Size", "How large are sessions?", sessions.SIZES),
        Lines("Ping", "How far away is Redis?", (sessions.PING,), steps=((limits.REDIS_PING.value, "orange"),)),
    ),
)
SESSIONS: Final = Board(
    "sessions",
    "browserwatch / Sessions and Redis",
    "Are logins kept, found and readable, and is their Redis well?",
    (NOW, USE),
)
