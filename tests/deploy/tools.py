"""deploy/compose.yaml as Docker Compose itself reads it. No Docker engine is needed for that."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.dashboards.tools import DEPLOY, ROOT

COMPOSE: Final = DEPLOY / "compose.yaml"
CHOSEN: Final = {
    "GRAFANA_ADMIN_PASSWORD": "a-password",
    "REDIS_PASSWORD": "another",
    "BROWSERWATCH_API_KEYS": f"me=sha256:{'0' * 64}",
}
"""What whoever starts it has to choose."""

__all__ = ["CHOSEN", "COMPOSE", "DEPLOY", "ROOT", "missing", "resolve", "resolved"]


def resolve(variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`docker compose config` with these variables and no others, as JSON."""
    command = [*_program(), "--file", str(COMPOSE), "--env-file", os.devnull, "config", "--format", "json"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, env={**kept, **variables}, capture_output=True, text=True, timeout=60, check=False)


def resolved() -> Any:
    """The project with all that has to be chosen."""
    done = resolve(CHOSEN)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def missing(what: str) -> None:
    """Skip a test for want of a program; never in CI."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def _program() -> list[str]:
    """What scripts/compose.sh has built, else what is installed."""
    if built := os.environ.get("BROWSERWATCH_COMPOSE"):
        return [built]
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and _is_current(command):
            return command
    missing(
        "Docker Compose is not there, and could not be built (scripts/compose.sh): deploy/compose.yaml is not checked."
    )
    raise AssertionError("unreachable: the test was skipped or has failed")


def _is_current(command: list[str]) -> bool:
    """Whether it is there and knows the present format of the file."""
    done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0 and not done.stdout.startswith("1.")
