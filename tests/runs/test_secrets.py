"""What is asked for stays in memory."""

import logging
from pathlib import Path

import pytest

from browserwatch.agents.messages import Run
from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.models import RunRequest
from browserwatch.sessions.embedded import EmbeddedRedis
from browserwatch.sessions.redis_client import RedisClient
from tests.runs.conftest import Serve, events, outcome
from tests.runs.fakes import FakeLender, Held
from tests.sessions.logins import LOGIN

SECRETS = ("Geheimtask", "Geheimpin", "Geheimschluessel", "Geheimquery", "Geheimschema", "Geheimidempotency", "geheim")
REQUEST = RunRequest(
    task="say Geheimtask",
    session="shop",
    start_url="https://shop.example/?q=Geheimquery",
    sensitive_data={"pin": "Geheimpin"},
    output_schema={"title": "Geheimschema"},
    budget_usd=3,
)


async def everything(client: RedisClient) -> str:
    """All keys and values of a Redis."""
    found: list[object] = []
    for key in await client.command("KEYS", "*"):
        kind: bytes = await client.command("TYPE", key)
        read = {
            b"string": ("GET", key),
            b"hash": ("HGETALL", key),
            b"zset": ("ZRANGE", key, 0, -1),
            b"set": ("SMEMBERS", key),
            b"stream": ("XRANGE", key, "-", "+"),
        }[kind]
        found += [key, await client.command(*read)]
    return repr(found)


async def test_no_secret_is_in_redis_or_in_a_log(
    serve: Serve, own_redis: EmbeddedRedis, lender: FakeLender, caplog: pytest.LogCaptureFixture
) -> None:
    """While a run works, after it, and in Redis's files: no task, no value, no key of a model, nothing of the request."""
    held = lender.work = Held()
    lender.browser = LOGIN
    client = RedisClient(own_redis.url)
    caplog.set_level(logging.DEBUG)
    async with serve(client, llm_api_key="Geheimschluessel") as runs:
        record = await runs.submit("acme", REQUEST, "Geheimidempotency")
        await held.begun.wait()
        await runs.submit("acme", REQUEST, "Geheimidempotency2")
        during = await everything(client)
        held.let_go.set()
        record = await outcome(runs, record)
        told = await events(runs, record)
    command = lender.leases[0].commands[0]
    assert isinstance(command, Run)
    assert command.sensitive_data == {"pin": "Geheimpin"}
    after = await everything(client)
    await client.close()
    files = "".join(path.read_text(errors="replace") for path in _files(own_redis))
    assert record.id in during
    assert record.id in after
    assert record.id in files
    shown = repr((record, told, lender.leases[0].commands, runs))
    for secret in SECRETS:
        assert not any(secret in text for text in (during, after, files, shown, caplog.text)), secret


def _files(redis: EmbeddedRedis) -> list[Path]:
    return [path for path in redis._directory.rglob("*") if path.is_file()]


async def test_two_tenants_with_the_same_session_name(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """Have two sessions: the second is not let into the first one's browser."""
    await outcome(runs, await runs.submit(tenant, RunRequest(task="x", session="shop")))
    other = await outcome(runs, await runs.submit(f"{tenant}-other", RunRequest(task="x", session="shop")))
    assert other.acquired == "fresh"
