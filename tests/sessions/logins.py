"""Two snapshots of a login, and an ear for events."""

from browserwatch import events
from browserwatch.events import SessionOperation
from browserwatch.semantics import SESSION_OPERATIONS, SESSION_RESULTS
from browserwatch.sessions.snapshot import Cookie, Snapshot

LOGIN = Snapshot((Cookie(name="id", value="geheim", domain="shop.example", path="/"),), {"https://a": {"k": "1"}})
LATER = Snapshot((Cookie(name="id", value="rotated", domain="shop.example", path="/"),), {"https://b": {"k": "2"}})


class Heard:
    """Keeps what was emitted."""

    def __init__(self) -> None:
        self.operations: list[SessionOperation] = []

    def __call__(self, event: events.Event) -> None:
        """Take one event."""
        assert isinstance(event, SessionOperation)
        assert event.operation in SESSION_OPERATIONS
        assert event.result in SESSION_RESULTS
        assert event.seconds >= 0
        self.operations.append(event)

    def take(self) -> list[tuple[str, str]]:
        """Operation and result of each, once."""
        taken = [(one.operation, one.result) for one in self.operations]
        self.operations.clear()
        return taken
