"""Who is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Peer:
    """One of them.

    Args:
        name: of its module here, its requirement file and its environment.
        package: whose version and licence are told.
        arms: functions of its module.
        hidden: a package of its that browser-use itself imports, once it is there; hidden for the memory without it.
    """

    name: str
    package: str
    arms: tuple[str, ...]
    hidden: str = ""

    @property
    def module(self) -> str:
        """Where its arms are."""
        return f"bench.peers.{self.name}"

    @property
    def requirements(self) -> Path:
        """What is installed: every version pinned, every file by its hash."""
        return FOLDER / f"{self.name}.txt"


PEERS: Final = (
    Peer("respan", "respan-instrumentation-browser-use", ("without_content", "defaults")),
    Peer("openlit", "openlit", ("without_content", "defaults")),
    Peer("model_sdk", "opentelemetry-instrumentation-openai", ("without_content", "defaults")),
    Peer("laminar", "lmnr", ("without_content", "defaults"), hidden="lmnr"),
)


@dataclass(frozen=True, slots=True)
class Arm:
    """What is measured: a function, the interpreter that has what it needs, and whose it is."""

    name: str
    function: str
    python: str
    package: str
    hidden: str = ""


def arms_of(peer: Peer, python: str) -> list[Arm]:
    """A peer's, in its environment."""
    return [Arm(f"{peer.name}:{arm}", f"{peer.module}:{arm}", python, peer.package, peer.hidden) for arm in peer.arms]


def ours(python: str) -> list[Arm]:
    """Ours, in this environment."""
    return [
        Arm(f"browserwatch:{arm}", f"browserwatch.bench.arms:{arm}", python, "browserwatch")
        for arm in ("everything", "with_content")
    ]
