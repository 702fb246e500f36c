"""Prometheus' own checkers, run as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool or amtool; where it is missing the test is skipped, but never in CI."""
    program = shutil.which(name)
    if program is None:
        missing = (
            f"{name} is not installed (Debian package {PACKAGES[name]}): rules and configurations are not checked."
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False)
