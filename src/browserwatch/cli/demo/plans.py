"""What the demo has the service do, and how each part ends when all is well."""

from __future__ import annotations

from typing import Final, NamedTuple

MODEL: Final = "gpt-4.1-mini"
SESSION: Final = "shop"
AGENTS: Final = 2
# Of the demo site; browserwatch masks such values wherever they might leave.
SIGN_IN: Final = {"user": "ada@example.org", "password": "analytical-engine"}


class Plan(NamedTuple):
    """A run. One with a session leaves its login there."""

    scenario: str
    outcome: str
    session: str | None = None


class PagePlan(NamedTuple):
    """A page fetch with the login of a session, and what must be on the page."""

    path: str
    session: str
    shows: str


# The longest first, so that the others run beside it.
PLANS: Final = (
    Plan("click-tour", "success"),
    Plan("read-table", "success"),
    Plan("failing", "failure"),
    Plan("shop-login", "success", SESSION),
)
# Signed in by the last run, without a sign-in of its own.
PAGE: Final = PagePlan("/account", SESSION, "Cart: 3 items")
