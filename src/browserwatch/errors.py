"""What browserwatch raises: one root, few subclasses, messages that name the object, the problem and the fix."""


class BrowserwatchError(Exception):
    """Root of every error that browserwatch raises on purpose."""


class ConfigurationError(BrowserwatchError):
    """A setting or an argument can't be used; the message names it, what is wrong and what would be right."""


class PortInUseError(BrowserwatchError):
    """The address a server should listen on is taken."""


class MissingDependencyError(BrowserwatchError):
    """A feature needs an optional package; the message names the extra that brings it."""
