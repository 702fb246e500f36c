"""Checks of what is installed: Python, browser-use, the places where it is hooked, and other tracers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from tempfile import TemporaryDirectory
from typing import Final

from browserwatch.cli.doctor.checks import Result, failed, passed, warned
from browserwatch.instrumentation.versions import NEWEST, OLDEST, installed_version, is_tested

OLDEST_PYTHON: Final = (3, 11)
PROBE_SECONDS: Final = 50.0
# They bring spans of browser-use of their own; instrumentations of model SDKs are no problem, ours quiets them.
OTHER_TRACERS: Final = {
    "lmnr": "browser-use reports to Laminar by itself when it is initialised",
    "openlit": "openlit.init() hooks browser-use too",
}


def python() -> Result:
    """A version of Python that we run on."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < OLDEST_PYTHON:
        return failed(f"{found} is too old", "Use Python 3.11 or newer.")
    return passed(found)


def browser_use() -> Result:
    """A browser-use that our tests cover."""
    found = installed_version()
    if found == "unknown":
        return failed("not installed", "pip install browser-use")
    if not is_tested(found):
        return warned(
            f"{found} is outside the tested range {OLDEST} to {NEWEST}",
            f"pip install 'browser-use>={OLDEST},<={NEWEST}', or see below which hooks fit.",
        )
    return passed(found)


def hooks() -> Result:
    """Every place that is hooked exists; looked up in a process of its own, since importing browser-use has effects."""
    if installed_version() == "unknown":
        return failed("browser-use is not installed", "pip install browser-use")
    probe = _look_up_hooks()
    if probe.returncode != 0:
        last = probe.stderr.strip().rsplit("\n", 1)[-1]
        return failed(
            f"browser-use can't be imported: {last}", "Reinstall it: pip install --force-reinstall browser-use"
        )
    known, missing = json.loads(probe.stdout.strip().rsplit("\n", 1)[-1])
    if missing:
        return failed(
            f"{len(missing)} of {known} do not exist in this browser-use: {', '.join(missing)}",
            f"Use a tested version: pip install 'browser-use>={OLDEST},<={NEWEST}'",
        )
    return passed(f"all {known} fit")


def _look_up_hooks() -> subprocess.CompletedProcess[str]:
    # browser-use makes directories when it is imported.
    with TemporaryDirectory(prefix="browserwatch-doctor-") as directory:
        quiet = {"ANONYMIZED_TELEMETRY": "false", "BROWSER_USE_VERSION_CHECK": "false"}
        return subprocess.run(  # our own module
            [sys.executable, "-m", "browserwatch.cli.doctor.hooks"],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
            env={**os.environ, **quiet, "TMPDIR": directory, "BROWSER_USE_CONFIG_DIR": directory},
        )


def telemetry() -> Result:
    """Whether browser-use reports to its makers."""
    # browser-use's own rule (browser_use/config.py): on unless the value begins otherwise.
    if os.environ.get("ANONYMIZED_TELEMETRY", "true").lower()[:1] in "ty1":
        return warned("on: tasks, URLs and results go to PostHog", "export ANONYMIZED_TELEMETRY=false")
    return passed("off")


def other_tracers() -> Result:
    """Whether something else makes spans of the same runs."""
    found = {name: why for name, why in OTHER_TRACERS.items() if _installed(name)}
    if found:
        return warned(
            "; ".join(f"{name} is installed: {why}" for name, why in found.items()) + ". Spans may come twice.",
            f"Use one of the two, or: pip uninstall {' '.join(found)}",
        )
    return passed("none that would double spans")


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
