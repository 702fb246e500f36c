"""Takes off, and puts on again, what an instrumentation put on that can't be taken off by itself.

OpenLIT has no way back, and OpenLLMetry's `uninstrument` leaves its wrappers where they are. So they are installed once in a
process, and what they replaced in other packages' modules and classes is then put back and forth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple


class _Place(NamedTuple):
    owner: Any
    name: str
    value: Any


class Swap:
    """What one installation replaced.

    Args:
        install: installs.
        own: packages that are the instrumentation's; what changes in them is its state.
    """

    def __init__(self, install: Callable[[], object], own: tuple[str, ...]) -> None:
        before = {(id(place.owner), place.name): place for place in _places(own)}
        install()
        self._replaced = [
            (before[id(place.owner), place.name], place)
            for place in _places(own)
            if (id(place.owner), place.name) in before
            and callable(place.value)
            and before[id(place.owner), place.name].value is not place.value
        ]

    def put_on(self) -> None:
        """As it was after the installation."""
        for _, after in self._replaced:
            setattr(*after)

    def take_off(self) -> None:
        """As it was before."""
        for before, _ in self._replaced:
            setattr(*before)


def _places(own: tuple[str, ...]) -> Iterator[_Place]:
    seen: set[int] = set()
    for module_name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and not _within(module_name, own):
            yield from _of(module, seen)


def _of(module: ModuleType, seen: set[int]) -> Iterator[_Place]:
    for name, value in list(vars(module).items()):
        yield _Place(module, name, value)
        if isinstance(value, type) and value.__module__ == module.__name__ and id(value) not in seen:
            seen.add(id(value))
            yield from (_Place(value, attribute, found) for attribute, found in list(vars(value).items()))


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
