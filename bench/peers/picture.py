"""A screenshot as a browser takes it: some peers encode it anew, and what that costs depends on what is in it."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image, ImageDraw  # browser-use brings it

from browserwatch.bench.canned import browser
from browserwatch.bench.canned.script import page_text

SIZE = (1280, 1100)
LINE = 24


def use_real_screenshot() -> None:
    """Have the canned browser show a page of text, in this process."""
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(page_text().splitlines()):
        draw.text((8, 8 + number * LINE), line.strip(), fill="black")
    written = io.BytesIO()
    image.save(written, "PNG")
    canned: Any = browser
    canned.SCREENSHOT = base64.b64encode(written.getvalue()).decode()
