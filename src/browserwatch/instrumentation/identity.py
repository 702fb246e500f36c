"""A weak map by identity: browser-use's sessions and models are not hashable, and equality is not identity for them."""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

V = TypeVar("V")


class IdentityMap(Generic[V]):
    """Values for objects, dropped when their object is."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[object], V]] = {}

    def get(self, key: object) -> V | None:
        """The object's value, if it has one."""
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else None

    def set(self, key: object, value: V) -> None:
        """Keep a value for as long as the object lives.

        Raises:
            TypeError: the object can't be referenced weakly.
        """
        number = id(key)
        entries = self._entries

        def forget(gone: weakref.ref[object]) -> None:
            # The id may belong to a new object by now.
            entry = entries.get(number)
            if entry is not None and entry[0] is gone:
                del entries[number]

        entries[number] = (weakref.ref(key, forget), value)

    def __len__(self) -> int:
        return len(self._entries)
