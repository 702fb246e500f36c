"""What a check is, and how one is done: with a deadline, and without an exception ever leaving it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from browserwatch.errors import BrowserwatchError


class Status(StrEnum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105  # not a password
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found, and what to do about it."""

    status: Status
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question about this machine; `seconds` is how long the answer may take."""

    name: str
    answer: Callable[[], Result]
    seconds: float = 10.0


def passed(message: str) -> Result:
    """All is well."""
    return Result(Status.PASS, message)


def warned(message: str, fix: str) -> Result:
    """It works, and something is worth knowing."""
    return Result(Status.WARN, message, fix)


def failed(message: str, fix: str) -> Result:
    """It does not work."""
    return Result(Status.FAIL, message, fix)


def perform(check: Check) -> Result:
    """The check's result; an exception or too long a wait is a failure of this check alone."""
    answers: list[Result] = []
    # A daemon, so that a check that hangs can't keep the program from ending.
    thread = threading.Thread(target=lambda: answers.append(_attempt(check)), name=f"check {check.name}", daemon=True)
    thread.start()
    thread.join(check.seconds)
    if answers:
        return answers[0]
    return failed(f"no answer in {check.seconds:g} s", "See what keeps this machine busy, then run the doctor again.")


def _attempt(check: Check) -> Result:
    try:
        return check.answer()
    except BrowserwatchError as error:
        return failed(str(error), "Do what the message says.")
    except Exception as error:  # noqa: BLE001  # one broken check must not hide the others
        return failed(
            f"the check itself failed ({type(error).__name__}: {error})",
            "Please report this: it is a bug of the doctor.",
        )
