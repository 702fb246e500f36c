"""Checks of Chromium: is there one, does it start, and does its sandbox work."""

from __future__ import annotations

from browserwatch.cli.doctor.checks import Result, failed, passed, warned
from browserwatch.errors import ConfigurationError, MissingDependencyError
from browserwatch.processes import chromium

WHY_SANDBOX = "a web page that breaks out of its renderer then has all the rights of this user"


def found() -> Result:
    """There is a Chromium that runs."""
    try:
        path, version = chromium.find_chromium()
    except ConfigurationError as error:
        return failed(str(error), "Correct or unset the variable.")
    except MissingDependencyError:
        return failed("none found", chromium.how_to_install())
    return passed(f"{version}, {path}")


def starts() -> Result:
    """It starts headless and answers on its DevTools port."""
    try:
        version = chromium.devtools_version(chromium.find_chromium().path, sandbox=False)
    except (ConfigurationError, MissingDependencyError):
        return failed("there is none to start", "See the line above.")
    except chromium.ChromiumError as error:
        return failed(str(error), f"Install another one: {chromium.how_to_install()}")
    return passed(f"headless, {version}")


def sandbox() -> Result:
    """It starts with its sandbox."""
    reason = chromium.unsandboxed_because()
    if reason == "as root":
        return warned(f"can't be used as root: {WHY_SANDBOX}", "Run your agents as an ordinary user.")
    try:
        chromium.devtools_version(chromium.find_chromium().path, sandbox=True)
    except (ConfigurationError, MissingDependencyError):
        return failed("there is no Chromium to try", "See the line above.")
    except chromium.ChromiumError as error:
        return warned(f"does not work here: {error} Without it, {WHY_SANDBOX}.", _sandbox_fix(reason))
    return passed("works")


def _sandbox_fix(reason: str) -> str:
    if reason:
        return "Give the container a seccomp profile that allows user namespaces."
    return "Allow user namespaces: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
