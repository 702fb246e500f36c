import pytest

from browserwatch.sessions.errors import InvalidNameError
from browserwatch.sessions.names import MAX_LENGTH, SessionId, check_name

BAD = ["", ".", "..", "-a", "a:b", "a/b", "a{b}", "a b", "a\n", "ä", "a\x00", "*", "٣", "a" * (MAX_LENGTH + 1)]


@pytest.mark.parametrize("name", ["a", "7", "shop", "me@shop.example", "A-b_c.9", "a" * MAX_LENGTH])
def test_plain_names_are_allowed(name: str) -> None:
    """What people call accounts is a name."""
    assert SessionId(name, name).name == name


@pytest.mark.parametrize("name", BAD)
def test_what_could_change_a_key_is_no_name(name: str) -> None:
    """Nothing with a meaning in keys or URLs gets through, neither as a tenant nor as a session."""
    for make in (lambda: SessionId(name, "a"), lambda: SessionId("a", name), lambda: check_name("tenant", name)):
        with pytest.raises(InvalidNameError, match=r"(tenant|session) name '.*' ?…? ?can't be used: 1 to 64 letters"):
            make()


def test_a_long_name_is_cut_in_the_message() -> None:
    """The message does not grow with what was sent."""
    with pytest.raises(InvalidNameError) as caught:
        check_name("session", "x" * 100_000)
    assert len(str(caught.value)) < 250
