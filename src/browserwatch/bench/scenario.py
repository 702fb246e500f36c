"""What agents mostly do, as a scenario for the demo site: open, click, go on, type, submit. Ten steps."""

from __future__ import annotations

from typing import Final

from browserwatch.demo import Scenario, Step

_ROUND: Final = (
    Step(actions=({"navigate": {"url": "{site}/"}},)),
    Step(actions=({"click": {"element": "#link-table"}},)),
    Step(actions=({"click": {"element": "#home"}},)),
    Step(actions=({"click": {"element": "#link-form"}},)),
    Step(actions=({"input": {"element": "#get-text", "text": "hello"}}, {"click": {"element": "#get-submit"}})),
)
_LAST: Final = Step(actions=({"done": {"text": "Done.", "success": True}},))
MIXED: Final = Scenario(name="mixed", steps=(*_ROUND, *_ROUND[:-1], _LAST))
MODEL_SECONDS: Final = 0.05
"""Until the model answers."""
