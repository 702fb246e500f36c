"""Shared by the tests of the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from browserwatch.settings import load_settings

MakeProgram = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable of ours or of OpenTelemetry's is set, and settings are read anew."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "BROWSERWATCH_")):
            monkeypatch.delenv(name)
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


@pytest.fixture
def runner() -> CliRunner:
    """Runs commands in this process."""
    return CliRunner()


@pytest.fixture
def make_program(tmp_path: Path) -> MakeProgram:
    """Makes an executable shell script in the test's own directory."""

    def make(name: str, script: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make
