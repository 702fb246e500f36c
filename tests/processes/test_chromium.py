from __future__ import annotations

from pathlib import Path

import pytest

from browserwatch.errors import ConfigurationError, MissingDependencyError
from browserwatch.processes import chromium
from browserwatch.settings import load_settings
from tests.cli.conftest import MakeProgram

ANSWERS = "echo 'Chromium 99.0.1 built on Somewhere'"


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any browser."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr(chromium, "APPLICATIONS", ())


def test_none_found_says_how_to_get_one() -> None:
    """The error has the command that installs one."""
    with pytest.raises(MissingDependencyError, match=r"No Chromium .* uvx playwright install chromium"):
        chromium.find_chromium()


def test_names_on_the_path_are_tried_in_order(make_program: MakeProgram) -> None:
    """`chromium` is preferred to Chrome, and only the version is taken from what it says of itself."""
    make_program("bin/google-chrome", ANSWERS)
    expected = make_program("bin/chromium", ANSWERS)
    assert chromium.find_chromium() == (expected, "Chromium 99.0.1")


def test_one_that_does_not_run_is_skipped(make_program: MakeProgram) -> None:
    """Ubuntu's stub of a package, or a download without its libraries, is not a Chromium."""
    make_program("bin/chromium-browser", "echo 'please install the snap'; exit 1")
    expected = make_program("bin/google-chrome-stable", ANSWERS)
    assert chromium.find_chromium().path == expected


def test_playwrights_download_is_found(make_program: MakeProgram) -> None:
    """The newest build in Playwright's cache, when nothing is installed."""
    make_program("playwright/chromium-1000/chrome-linux/chrome", ANSWERS)
    expected = make_program("playwright/chromium-1200/chrome-linux64/chrome", ANSWERS)
    assert chromium.find_chromium().path == expected


def test_the_setting_wins(make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """BROWSERWATCH_CHROMIUM is taken before anything else."""
    make_program("bin/chromium", ANSWERS)
    expected = make_program("my browser", ANSWERS)
    monkeypatch.setenv("BROWSERWATCH_CHROMIUM", str(expected))
    assert chromium.find_chromium().path == expected


@pytest.mark.parametrize("name", ["missing", "bin"])
def test_a_wrong_setting_is_an_error(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never replaced by another browser in silence."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("BROWSERWATCH_CHROMIUM", str(tmp_path / name))
    load_settings.cache_clear()
    with pytest.raises(ConfigurationError, match=r"BROWSERWATCH_CHROMIUM=.* does not run"):
        chromium.find_chromium()


@pytest.mark.parametrize(
    ("system", "command"),
    [("debian", "apt-get install -y chromium"), ("ubuntu", "--with-deps"), ("fedora", "uvx playwright")],
)
def test_each_system_has_its_command(system: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fix fits the system."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": system})
    assert command in chromium.how_to_install()


def test_macos_has_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS it is Homebrew's."""
    monkeypatch.setattr("sys.platform", "darwin")
    assert chromium.how_to_install().startswith("brew install")


def test_one_that_ends_at_once_is_an_error(make_program: MakeProgram) -> None:
    """The message has the reason that the browser gave, not its stack."""
    broken = make_program("bin/broken", "echo '[1:FATAL:x.cc] No usable sandbox!' >&2; echo '#1 0x55' >&2; exit 7")
    with pytest.raises(chromium.ChromiumError, match=r"exit code 7: .*No usable sandbox!$"):
        chromium.devtools_version(broken, sandbox=True)


def test_one_that_hangs_is_an_error_and_is_ended(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No port in time: the whole process group is gone afterwards."""
    monkeypatch.setattr(chromium, "START_SECONDS", 0.3)
    hanging = make_program("bin/hanging", f"echo $$ >{tmp_path}/pid; exec /bin/sleep 60")
    with pytest.raises(chromium.ChromiumError, match=r"no DevTools port in 0\.3 s"):
        chromium.devtools_version(hanging, sandbox=True)
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_root_and_containers_have_no_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reason is told; anybody else uses the sandbox."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert chromium.unsandboxed_because() == "as root"
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(chromium, "CONTAINER_MARKS", (str(tmp_path / "mark"),))
    assert chromium.unsandboxed_because() == ""
    (tmp_path / "mark").touch()
    assert chromium.unsandboxed_because() == "in a container"


def test_sockets_go_where_there_is_room() -> None:
    """A directory with a long name would make a socket's address too long."""
    assert chromium.contained_in(Path("/x"))["TMPDIR"] == "/x"
    assert "TMPDIR" not in chromium.contained_in(Path("/", "x" * 80))
