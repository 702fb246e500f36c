"""Version of browserwatch, as its package metadata has it."""

from importlib.metadata import version
from typing import Final

__version__: Final = version("browserwatch")
