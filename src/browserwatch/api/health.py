"""The health report: checks that run beside each other, each within its own time, and what they come to.

The form follows https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check: pass, warn or fail.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

Status: TypeAlias = Literal["pass", "warn", "fail"]
CHECK_SECONDS: Final = 0.7
"""Time for one check. All run at once, so the report takes hardly longer."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found.

    Attributes:
        reasons: a sentence for each thing that is not as it should be.
        details: numbers and names for the report; nothing of a tenant's.
        ready: whether work can be taken, as far as this check knows.
    """

    status: Status = "pass"
    reasons: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at: its name in the report, how to look, and how long that may take.

    Attributes:
        unseen: the details when there was nothing to see, so that a reader always finds what it looks for.
    """

    name: str
    look: Callable[[], Awaitable[Finding]]
    seconds: float = CHECK_SECONDS
    unseen: Mapping[str, Any] = field(default_factory=dict[str, Any])

    async def run(self) -> Finding:
        """What there is to see. A check that hangs or breaks is one that failed."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self.look()
        except TimeoutError:
            return self._failed(f"no answer within {self.seconds:g} s")
        except Exception as error:  # noqa: BLE001  # a report with a hole is better than none
            _log.error("the health check of %s broke", self.name, exc_info=error)
            return self._failed(f"the check broke: {type(error).__name__}")

    def _failed(self, why: str) -> Finding:
        return Finding("fail", (f"{self.name}: {why}",), self.unseen, ready=False)


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, by the names of their checks."""

    findings: Mapping[str, Finding]

    @property
    def status(self) -> Status:
        """The worst of them."""
        found = {one.status for one in self.findings.values()}
        if "fail" in found:
            return "fail"
        return "warn" if "warn" in found else "pass"

    @property
    def ready(self) -> bool:
        """Whether work can be taken."""
        return all(one.ready and one.status != "fail" for one in self.findings.values())

    @property
    def reasons(self) -> list[str]:
        """All that is not as it should be."""
        return [reason for one in self.findings.values() for reason in one.reasons]

    def sections(self) -> dict[str, dict[str, Any]]:
        """Details by check."""
        return {name: {"status": one.status, **one.details} for name, one in self.findings.items()}


async def report(checks: Sequence[Check]) -> Report:
    """Run all checks at once."""
    findings = await asyncio.gather(*(check.run() for check in checks))
    return Report({check.name: finding for check, finding in zip(checks, findings, strict=True)})
