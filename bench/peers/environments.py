"""An environment for each peer, in `.cache/peers`, made by uv from a requirement file with hashes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.peers.peer import ROOT, Peer
from browserwatch.errors import BrowserwatchError

ENVIRONMENTS: Final = ROOT / ".cache" / "peers"
BUILD_LOCK: Final = ROOT / "requirements" / "build.txt"
LAST_LINES: Final = 2


class UnavailableError(BrowserwatchError):
    """A peer can't be measured here."""


def interpreter(peer: Peer, environments: Path = ENVIRONMENTS) -> str:
    """The Python that has a peer and browser-use; its environment is made if it is missing or outdated.

    Raises:
        UnavailableError: it can't be installed, or its module can't be imported.
    """
    home = environments / peer.name
    python, mark = home / "bin" / "python", home / "installed"
    wanted = digest(peer)
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(home, ignore_errors=True)
        for command in _installing(peer, home, python):
            _run(command, f"{peer.name} can't be installed")
        mark.write_text(wanted)
    _run([str(python), "-c", f"import {peer.module}, browser_use.agent.service"], f"{peer.name} can't be imported")
    return str(python)


def _installing(peer: Peer, home: Path, python: Path) -> Iterator[list[str]]:
    uv = _uv()
    yield [uv, "venv", "--quiet", "--python", sys.executable, str(home)]
    sync = [uv, "pip", "sync", "--quiet", "--python", str(python)]
    # Compiled now, and not by the first arm that runs: that would count as its memory.
    yield [*sync, "--compile-bytecode", "--require-hashes", str(peer.requirements)]
    ours = ["--no-deps", "--build-constraints", str(BUILD_LOCK), "--editable", str(ROOT)]
    yield [uv, "pip", "install", "--quiet", "--python", str(python), *ours]


def _uv() -> str:
    places = (None, str(Path(sys.executable).parent), str(ROOT / ".cache" / "uv" / "bin"))
    found = next((found for place in places if (found := shutil.which("uv", path=place))), None)
    if found is None:
        raise UnavailableError("There is no uv to make environments with; ./dev setup brings one.")
    return found


def digest(peer: Peer) -> str:
    """What its environment is made from.

    Raises:
        UnavailableError: it has no requirement file.
    """
    if not peer.requirements.exists():
        raise UnavailableError(f"{peer.name} has no requirement file {peer.requirements}.")
    return hashlib.sha256(peer.requirements.read_bytes()).hexdigest()


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        told = " ".join(done.stderr.strip().splitlines()[-LAST_LINES:])
        raise UnavailableError(f"{failure}: {told}")
