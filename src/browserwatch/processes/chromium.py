"""Finding a Chromium, starting it and asking for its version, and whether its sandbox can be used."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from browserwatch.errors import BrowserwatchError, ConfigurationError, MissingDependencyError
from browserwatch.settings import load_settings

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PLAYWRIGHT_CACHES: Final = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
PLAYWRIGHT_BUILDS: Final = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
CONTAINER_MARKS: Final = ("/.dockerenv", "/run/.containerenv")

_VERSION: Final = re.compile(r"[^\d\n]*\d[\d.]+")  # without whatever else a distribution adds
VERSION_SECONDS: Final = 10.0
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0
MAX_SOCKET: Final = 104
FLAGS: Final = ("--headless=new", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage")


class ChromiumError(BrowserwatchError):
    """A Chromium is there and does not start."""


class Chromium(NamedTuple):
    """An executable that answered `--version`, and what it answered."""

    path: Path
    version: str


def find_chromium() -> Chromium:
    """The Chromium of the setting, or the first that runs of those in the usual places.

    Raises:
        ConfigurationError: ``BROWSERWATCH_CHROMIUM`` names something that does not run.
        MissingDependencyError: there is none; the message says how to get one.
    """
    chosen = load_settings().chromium
    if chosen is not None:
        if version := _version_of(chosen):
            return Chromium(chosen, version)
        raise ConfigurationError(
            f"BROWSERWATCH_CHROMIUM={str(chosen)!r} does not run; give the path of a Chromium or Chrome executable."
        )
    for path in _candidates():
        # Being there is not enough: Ubuntu's chromium-browser may be a stub, and a download may lack libraries.
        if version := _version_of(path):
            return Chromium(path, version)
    raise MissingDependencyError(f"No Chromium or Chrome was found. Install one: {how_to_install()}")


def how_to_install() -> str:
    """The command that brings a Chromium to this system."""
    playwright = "uvx playwright install chromium"
    if sys.platform == "darwin":
        return f"brew install --cask google-chrome, or {playwright}"
    try:
        system = platform.freedesktop_os_release()["ID"]
    except (OSError, KeyError):
        system = ""
    if system == "debian":
        return f"sudo apt-get install -y chromium, or {playwright}"
    # Ubuntu's own package is a snap, which can't use a profile in /tmp.
    return f"{playwright} --with-deps" if system == "ubuntu" else playwright


def unsandboxed_because() -> str:
    """Why Chromium's sandbox can't be used here, as in ``as root``; empty when it should work."""
    if os.geteuid() == 0:
        return "as root"
    if any(Path(mark).exists() for mark in CONTAINER_MARKS):
        return "in a container"
    return ""


def start_empty(profile: Path, more: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Have the first tab of a new profile empty; by default some builds load a start page from the internet in it.

    Args:
        profile: its directory, which is made.
        more: further preferences of it.
    """
    preferences = profile / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    startup = {"restore_on_startup": 4, "startup_urls": ["about:blank"]}
    preferences.write_text(json.dumps({"session": startup, **more}))


def devtools_version(executable: Path, *, sandbox: bool) -> str:
    """Start a headless Chromium with a profile of its own, ask it for its version, and stop it.

    Raises:
        ChromiumError: it did not start; the message has the last words of its standard error.
    """
    with TemporaryDirectory(prefix="browserwatch-chromium-", ignore_cleanup_errors=True) as directory:
        profile = Path(directory, "profile")
        output = Path(directory, "stderr")
        with output.open("wb") as stderr, _running(executable, profile, stderr.fileno(), sandbox=sandbox) as process:
            port = _wait_for_port(process, profile, output)
            try:
                return _ask_version(port)
            except OSError as error:
                raise ChromiumError(f"It started, and does not answer on its DevTools port: {error}.") from None


def contained_in(directory: Path) -> dict[str, str]:
    """Variables that have Chromium put everything beside its profile into a directory, too: crash reports, sockets."""
    variables = {"XDG_CONFIG_HOME": str(directory / "config"), "XDG_CACHE_HOME": str(directory / "cache")}
    # A socket's address is 104 characters at most on macOS, 108 on Linux; with a longer one Chromium would not start.
    longest = directory / "org.chromium.Chromium.XXXXXX" / "SingletonSocket"
    if len(os.fsencode(longest)) < MAX_SOCKET:
        variables["TMPDIR"] = str(directory)
    return variables


def _candidates() -> Iterator[Path]:
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found)
    yield from (Path(path) for path in APPLICATIONS)
    own = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    for cache in (own,) if own else PLAYWRIGHT_CACHES:
        for build in PLAYWRIGHT_BUILDS:
            yield from sorted(Path(cache).expanduser().glob(build), reverse=True)


def _version_of(path: Path) -> str:
    if not os.access(path, os.X_OK) or path.is_dir():
        return ""
    try:
        answer = subprocess.run(  # noqa: S603  # an executable that the user named or installed
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    named = _VERSION.match(answer.stdout)
    return named.group().strip() if named and answer.returncode == 0 else ""


@contextmanager
def _running(executable: Path, profile: Path, stderr: int, *, sandbox: bool) -> Generator[subprocess.Popen[bytes]]:
    command = [str(executable), *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    if not sandbox:
        command.append("--no-sandbox")
    try:
        process = subprocess.Popen(  # noqa: S603  # likewise
            [*command, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, **contained_in(profile.parent)},
        )
    except OSError as error:
        raise ChromiumError(f"It can't be started: {error.strerror}.") from None
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process group: the launcher script, the browser, and the renderers it has left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_for_port(process: subprocess.Popen[bytes], profile: Path, output: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, ValueError, IndexError):  # not written yet, or half
            return int((profile / "DevToolsActivePort").read_text().split("\n")[0])
        if process.poll() is not None:
            raise ChromiumError(f"It ended with exit code {process.returncode}{_last_words(output)}")
        time.sleep(0.05)
    raise ChromiumError(f"It opened no DevTools port in {START_SECONDS:g} s{_last_words(output)}")


def _last_words(output: Path) -> str:
    lines = [line.strip() for line in output.read_text(errors="replace").splitlines() if line.strip()]
    # The reason is the first line of level FATAL or ERROR; stack frames come after it.
    told = next((line for line in lines if "FATAL" in line or "sandbox" in line), lines[-1] if lines else "")
    return f": {told[:300]}" if told else "."


def _ask_version(port: int) -> str:
    # Without a proxy: it is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/json/version", timeout=STOP_SECONDS) as answer:
        return str(json.load(answer)["Browser"])
