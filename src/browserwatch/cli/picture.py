"""Writing what a console showed as an SVG picture, for the README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from rich.console import Console

_FONT_FACE: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def save_picture(console: Console, file: Path, title: str) -> None:
    """Save it without rich's web fonts: a picture must not load anything from elsewhere."""
    file.write_text(_FONT_FACE.sub("", console.export_svg(title=title, clear=False)), encoding="utf-8")
