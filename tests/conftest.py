"""Shared by all tests."""

import os
import subprocess
import sys
from collections.abc import Callable
from textwrap import dedent

import pytest
from hypothesis import settings

# The same examples each time, and no deadline: a machine that is busy is no failure.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

RunPython = Callable[..., str]

# browser-use reads these once, when a test first imports it: no telemetry, no look-ups, no logging set-up of its own.
os.environ.update(
    ANONYMIZED_TELEMETRY="false",
    BROWSER_USE_CLOUD_HINTS="false",
    BROWSER_USE_DISABLE_EXTENSIONS="1",
    BROWSER_USE_SETUP_LOGGING="false",
    BROWSER_USE_VERSION_CHECK="false",
)


@pytest.fixture
def run_python() -> RunPython:
    """Runs a program in an interpreter of its own, for what a process has only one of; gives its standard output."""

    def run(program: str, *options: str, timeout: float = 60, **variables: str) -> str:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "BROWSERWATCH_"))
        }
        done = subprocess.run(
            [sys.executable, *options, "-c", dedent(program)],
            env={**inherited, **variables},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
