"""A canned run with secrets in the task, the page's address, what is typed, and the model's key. Imports browser-use."""

from __future__ import annotations

from typing import Any

import httpx
from browser_use import ChatOpenAI
from browser_use.agent.service import Agent

from bench.peers.plants import PLANTS
from browserwatch.bench.canned import script
from browserwatch.bench.canned.run import CannedRuns

_TYPED = tuple(
    {"input": {"index": script.LINK, "text": text}} for text in ("<secret>password</secret>", PLANTS["typed text"])
)
_STEPS = (
    ({"navigate": {"url": f"{script.SITE}/?token={PLANTS['page URL']}", "new_tab": False}},),
    (*_TYPED, {"click": {"index": script.LINK}}),
    ({"done": {"text": "Done.", "success": True}},),
)


class PlantedRuns(CannedRuns):
    """Makes runs that have the secrets in them."""

    def __init__(self, directory: Any) -> None:
        super().__init__(directory)
        canned: Any = script
        canned.STEPS = (*_STEPS[:1], *(_STEPS[1:2] * (len(script.STEPS) - 2)), *_STEPS[2:])

    def _agent(self, session: Any, client: httpx.AsyncClient) -> Any:
        make: Any = Agent
        key = PLANTS["model key"]
        return make(
            task=f"Look at the shop. Authorization: Bearer {PLANTS['task']}",
            llm=ChatOpenAI(model=script.MODEL, api_key=key, base_url="http://127.0.0.1:1/v1", http_client=client),
            browser_session=session,
            sensitive_data={"password": PLANTS["sensitive_data"]},
            use_judge=False,
            use_vision=False,
            directly_open_url=False,
            enable_signal_handler=False,
            file_system_path=str(self._directory),
        )
