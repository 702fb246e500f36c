"""What compose.yaml has for its parts besides what a single machine has: Prometheus' targets and Redis' users."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from browserwatch.dashboards import places
from browserwatch.sessions.errors import StoreUnavailableError
from browserwatch.sessions.redis_binary import find_redis_server
from browserwatch.sessions.redis_client import RedisClient
from tests.dashboards.tools import run_tool
from tests.deploy.tools import DEPLOY

PASSWORD: Final = "correct-horse"  # noqa: S105  # of a server that lives for a test
START: Final = DEPLOY / "redis" / "start.sh"


def prometheus(name: str) -> Any:
    """A configuration of Prometheus."""
    return yaml.safe_load((DEPLOY / "prometheus" / name).read_text())


def without_targets(node: Any) -> Any:
    """The same with every list of targets left out."""
    if isinstance(node, dict):
        return {key: without_targets(value) for key, value in node.items() if key != "targets"}  # pyright: ignore[reportUnknownVariableType]
    return [without_targets(one) for one in node] if isinstance(node, list) else node  # pyright: ignore[reportUnknownVariableType]


def test_prometheus_accepts_its_configuration() -> None:
    """`promtool check config` follows it to the rule files."""
    done = run_tool("promtool", "check", "config", DEPLOY / "prometheus" / "compose.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout


def test_only_targets_differ_from_a_single_machine() -> None:
    """Two files of one content: a change of one has to be made in the other, too."""
    assert without_targets(prometheus("compose.yml")) == without_targets(prometheus("prometheus.yml"))


def test_prometheus_scrapes_what_the_alerts_name() -> None:
    """A job with another name would make its alerts fire for ever, or never."""
    assert {job["job_name"] for job in prometheus("compose.yml")["scrape_configs"]} == set(places.JOBS)


def test_alertmanager_accepts_what_is_mounted(services: dict[str, Any]) -> None:
    """`amtool check-config` does."""
    (config,) = [mount["source"] for mount in services["alertmanager"]["volumes"] if mount["type"] == "bind"]
    done = run_tool("amtool", "check-config", config)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def started_redis(directory: Path) -> Generator[str]:
    """A Redis as in the container, but in a directory and on a port of loopback; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (directory / "redis-server").symlink_to(find_redis_server())
    process = subprocess.Popen(
        ["sh", START, "--port", address.split(":")[1], "--bind", "127.0.0.1"],
        cwd=directory,
        env={"PATH": f"{directory}:{os.environ['PATH']}", "REDISCLI_AUTH": PASSWORD},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert any("Ready to accept connections" in line for line in process.stdout)
            yield address
        finally:
            process.terminate()


@asynccontextmanager
async def client(place: str) -> AsyncGenerator[RedisClient]:
    """The service's own client, closed in the end."""
    opened = RedisClient(f"redis://{place}/0")
    try:
        yield opened
    finally:
        await opened.close()


@pytest.mark.real
async def test_redis_lets_the_service_in_and_nobody_else(tmp_path: Path) -> None:
    """With the password, to its own keys, and to nothing that rules the server."""
    with started_redis(tmp_path) as address:
        async with client(f"browserwatch:{PASSWORD}@{address}") as ours:
            await ours.write()
            for command in (["SET", "other", "1"], ["CONFIG", "GET", "*"], ["FLUSHALL"]):
                with pytest.raises(StoreUnavailableError, match="does not let this user"):
                    await ours.command(*command)
        async with client(address) as stranger:
            with pytest.raises(StoreUnavailableError, match="user name or password"):
                await stranger.ping()


@pytest.mark.parametrize("password", [{}, {"REDISCLI_AUTH": ""}], ids=["unset", "empty"])
def test_redis_does_not_start_without_a_password(password: dict[str, str]) -> None:
    """It would be open."""
    environment = {"PATH": os.defpath, **password}
    done = subprocess.run(["sh", START], env=environment, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode != 0
    assert "REDISCLI_AUTH: is to be the password" in done.stderr
