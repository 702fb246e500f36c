import gc
from typing import Any

import pytest
from pydantic import BaseModel

from browserwatch.instrumentation.identity import IdentityMap


class Session(BaseModel):
    """Like browser-use's sessions and models: no hash, and equal to any other with the same fields."""

    id: str = "same"


class Plain:
    """Anything that can be referenced weakly."""


@pytest.fixture
def names() -> IdentityMap[str]:
    return IdentityMap()


def test_identity_not_equality(names: IdentityMap[str]) -> None:
    """Objects that are equal and can't be hashed are told apart."""
    first, second = Session(), Session()
    assert first == second
    with pytest.raises(TypeError):
        hash(first)
    names.set(first, "first")
    assert (names.get(first), names.get(second)) == ("first", None)
    names.set(second, "second")
    assert (names.get(first), names.get(second), len(names)) == ("first", "second", 2)


def test_set_again(names: IdentityMap[str]) -> None:
    """A new value replaces the old one, and goes with the object."""
    key = Plain()
    names.set(key, "old")
    names.set(key, "new")
    gc.collect()
    assert (names.get(key), len(names)) == ("new", 1)
    del key
    gc.collect()
    assert len(names) == 0


def test_forgotten_with_the_object(names: IdentityMap[str]) -> None:
    """An entry keeps its object alive in no way, and goes when the object does."""
    keys = [Session() for _ in range(100)]
    key = None
    for number, key in enumerate(keys):
        names.set(key, str(number))
    assert len(names) == 100
    key = None
    del keys[50:]
    gc.collect()
    assert len(names) == 50
    assert [names.get(key) for key in keys] == [str(number) for number in range(50)]


def test_forgotten_in_a_cycle(names: IdentityMap[str]) -> None:
    """An object that only refers to itself is forgotten by the garbage collector's next round."""
    key: Any = Plain()
    key.myself = key
    names.set(key, "name")
    del key
    gc.collect()
    assert len(names) == 0


def reuse(names: IdentityMap[str], value: str) -> Plain:
    """A new object that has the id of one that was in the map, as CPython gives ids out again."""
    inner: Any = names
    old, new = Plain(), Plain()
    names.set(old, value)
    inner._entries[id(new)] = inner._entries.pop(id(old))
    return new


def test_id_of_a_dead_object(names: IdentityMap[str]) -> None:
    """An object with the id of a dead one does not get its value."""
    assert names.get(reuse(names, "of the dead")) is None


def test_id_of_a_living_object(names: IdentityMap[str]) -> None:
    """The end of an object does not take away what a later one with its id has."""
    inner: Any = names
    old, new = Plain(), Plain()
    names.set(old, "old")
    names.set(new, "new")
    kept = inner._entries[id(old)]  # a weak reference that is gone calls nobody
    inner._entries[id(old)] = inner._entries[id(new)]
    del old
    gc.collect()
    assert kept[0]() is None
    assert names.get(new) == "new"
    assert len(names) == 2


@pytest.mark.parametrize("key", [1, "text", (), None])
def test_no_weak_reference(names: IdentityMap[str], key: object) -> None:
    """What can't be referenced weakly is refused, rather than kept for ever; asking for it is fine."""
    assert names.get(key) is None
    with pytest.raises(TypeError):
        names.set(key, "name")
    assert len(names) == 0
