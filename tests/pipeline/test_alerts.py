"""What Alertmanager sends is taken, and told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from browserwatch.pipeline import AlertReceiver


def notification(*alerts: tuple[str, str]) -> dict[str, Any]:
    """As Alertmanager sends it, version 4."""
    return {
        "version": "4",
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": name, "severity": "critical"},
                "annotations": {"summary": f"{name} happened"},
                "startsAt": "2026-01-01T00:00:00Z",
                "fingerprint": name.lower(),
            }
            for name, status in alerts
        ],
    }


class Receiver:
    """An alert receiver, and what it told."""

    def __init__(self, file: Path) -> None:
        self.told: list[str] = []
        self.file = file
        self.receiver = AlertReceiver(file, self.told.append)

    async def send(self, body: Any, path: str = "/alerts") -> int:
        """Status of the answer."""
        transport = httpx.ASGITransport(self.receiver.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return (await client.post(path, content=json.dumps(body))).status_code


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    return Receiver(tmp_path / "up" / "alerts.jsonl")


async def test_an_alert_that_fires_and_is_over(receiver: Receiver) -> None:
    """It is told both times, kept in the file, and fires in between."""
    assert await receiver.send(notification(("PoolExhausted", "firing"), ("RedisDown", "firing"))) == 204
    assert receiver.receiver.names() == ["PoolExhausted", "RedisDown"]
    assert await receiver.send(notification(("PoolExhausted", "resolved"))) == 204
    assert receiver.receiver.names() == ["RedisDown"]
    assert receiver.told[0] == "alert firing: PoolExhausted: PoolExhausted happened"
    assert [json.loads(line)["status"] for line in receiver.file.read_text().splitlines()] == [
        "firing",
        "firing",
        "resolved",
    ]


async def test_one_that_is_sent_again_fires_once(receiver: Receiver) -> None:
    """Alertmanager repeats what still fires."""
    await receiver.send(notification(("RedisDown", "firing")))
    await receiver.send(notification(("RedisDown", "firing")))
    await receiver.send(notification(("RedisDown", "resolved")))
    assert receiver.receiver.names() == []


BAD: list[Any] = [None, [], {"alerts": [{}]}, {"alerts": [None]}, {"alerts": 1}, "alerts"]


@pytest.mark.parametrize("body", BAD)
async def test_what_is_no_notification_is_refused(receiver: Receiver, body: Any) -> None:
    """With status 400, and nothing is told."""
    assert await receiver.send(body) == 400
    assert receiver.told == []


async def test_the_watchdog_is_taken_silently(receiver: Receiver) -> None:
    """It always fires: only its absence would be news."""
    assert await receiver.send(notification(("Watchdog", "firing")), "/watchdog") == 204
    assert receiver.told == []
    assert receiver.receiver.names() == []
