"""What goes wrong in the demo kit itself (never what a scenario plays on purpose)."""

from browserwatch.errors import BrowserwatchError


class DemoError(BrowserwatchError):
    """A demo server or a scenario can't do what was asked; the message says what to change."""
