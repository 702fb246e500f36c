"""Takes what Alertmanager sends, and says which alerts fire."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MAX_FIRING: Final = 1000
_BAD_REQUEST: Final = 400
_TAKEN: Final = 204


class AlertReceiver:
    """A webhook of Alertmanager.

    Args:
        file: takes each notification of an alert as a line of JSON.
        tell: takes a sentence for it.

    See https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
    """

    def __init__(self, file: Path, tell: Callable[[str], None]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("", "utf-8")
        self._file = file
        self._tell = tell
        self.firing: dict[str, str] = {}
        """Names of alerts that fire, by their fingerprint."""

    def names(self) -> list[str]:
        """Alerts that fire."""
        return sorted(set(self.firing.values()))

    def app(self) -> Starlette:
        """The server, for the addresses that the shipped configuration names."""
        return Starlette(
            routes=[
                Route("/alerts", self._alerts, methods=["POST"]),
                Route("/watchdog", self._watchdog, methods=["POST"]),
            ]
        )

    async def _alerts(self, request: Request) -> Response:
        try:
            alerts: list[dict[str, Any]] = (await request.json())["alerts"]
            for alert in alerts:
                self._take(alert)
        except (ValueError, KeyError, TypeError, AttributeError):
            return Response(status_code=_BAD_REQUEST)
        return Response(status_code=_TAKEN)

    async def _watchdog(self, _: Request) -> Response:
        return Response(status_code=_TAKEN)

    def _take(self, alert: dict[str, Any]) -> None:
        labels, annotations = alert["labels"], alert["annotations"]
        name, status, fingerprint = str(labels["alertname"]), str(alert["status"]), str(alert["fingerprint"])
        if status != "firing":
            self.firing.pop(fingerprint, None)
        elif len(self.firing) < MAX_FIRING:
            self.firing[fingerprint] = name
        told = {"status": status, "labels": labels, "annotations": annotations, "starts_at": alert["startsAt"]}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        self._tell(f"alert {status}: {name}: {annotations.get('summary', '')}")
