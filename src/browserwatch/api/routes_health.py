"""Health, for Kubernetes and for people. Needs no key, and tells nothing of a tenant's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from browserwatch.agents.lending import PoolStats
from browserwatch.api.health import Check, Finding, Report, report
from browserwatch.api.health_checks import (
    REDIS_DOWN,
    look_at_agents,
    look_at_queue,
    look_at_redis,
    look_at_resources,
    look_at_sessions,
    look_at_telemetry,
)
from browserwatch.api.redis_watch import RedisWatch
from browserwatch.api.services import Services
from browserwatch.metrics import Instruments
from browserwatch.settings import ServiceSettings
from browserwatch.version import __version__

MEDIA_TYPE: Final = "application/health+json"
router: Final = APIRouter(prefix="/health", tags=["health"])


class Health:
    """Makes the reports of one service."""

    def __init__(
        self, services: Services, settings: ServiceSettings, watch: RedisWatch, instruments: Instruments
    ) -> None:
        self._started = time.monotonic()
        self._pool = services.lender.stats

        self.vital = (
            _check("agents", lambda: look_at_agents(self._pool(), settings)),
            Check("redis", lambda: look_at_redis(watch), unseen=REDIS_DOWN),
        )
        self.all = (
            *self.vital,
            _check("queue", lambda: look_at_queue(services.queue_stats(), settings)),
            _check("sessions", lambda: look_at_sessions(instruments)),
            _check("resources", lambda: look_at_resources(self._pool(), settings)),
            _check("telemetry", lambda: look_at_telemetry(instruments, time.time())),
        )

    def document(self, found: Report) -> dict[str, Any]:
        """The whole report."""
        return {
            "status": found.status,
            "reasons": found.reasons,
            **found.sections(),
            "versions": _versions(self._pool()),
            "uptime_seconds": round(time.monotonic() - self._started, 1),
        }


class HealthResponse(JSONResponse):
    """A report."""

    media_type = MEDIA_TYPE


@router.get("/live", response_class=HealthResponse)
async def live() -> HealthResponse:
    """Whether the process answers at all."""
    return _answer({"status": "pass"}, good=True)


@router.get("/ready", response_class=HealthResponse, responses={503: {"description": "Not now."}})
async def ready(request: Request) -> HealthResponse:
    """Whether work can be taken: Redis answers, agents start, and the service is not shutting down."""
    health: Health = request.app.state.health
    found = await report(health.vital)
    return _answer({"status": "pass" if found.ready else "fail", "reasons": found.reasons}, good=found.ready)


@router.get("/browser", response_class=HealthResponse, responses={503: {"description": "It can't do its job."}})
async def browser(request: Request) -> HealthResponse:
    """All about agents, Redis, queue, sessions, resources and telemetry; status 503 when the service can't do its job."""
    health: Health = request.app.state.health
    found = await report(health.all)
    return _answer(health.document(found), good=found.status != "fail")


def _answer(content: dict[str, Any], *, good: bool) -> HealthResponse:
    return HealthResponse(content, 200 if good else 503, {"cache-control": "no-store"})


def _check(name: str, look: Callable[[], Finding]) -> Check:
    async def checked() -> Finding:
        return look()

    return Check(name, checked)


def _versions(pool: PoolStats) -> dict[str, str]:
    return {
        "browserwatch": __version__,
        "browser_use": pool.browser_use_version,
        "chromium": pool.chromium_version,
    }
