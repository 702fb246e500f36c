"""browser-use -> spans and events. Everything here that knows browser-use 0.x; nothing here may raise into it.

The table of hooks is in `points`; `patching` puts them on and takes them off; `observer` is what they share.
"""

from browserwatch.instrumentation.instrumentor import BrowserUseInstrumentor, instrument, uninstrument

__all__ = ["BrowserUseInstrumentor", "instrument", "uninstrument"]
