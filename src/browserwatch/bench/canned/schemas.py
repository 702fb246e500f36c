"""Has browser-use build its schemas once.

It builds the same pydantic schemas anew in every step: of the actions, of the answer, of what event handlers return. Without
a browser that is three quarters of a step's processor time, differs from step to step, and has nothing to do with watching.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import bubus.models as bubus_models  # pyright: ignore[reportMissingTypeStubs]  # bubus says nothing of types
from browser_use.agent.service import Agent
from browser_use.llm.schema import SchemaOptimizer
from pydantic import TypeAdapter


def build_schemas_once() -> None:
    """Remember them, in this process and for good."""
    adapter: Any = lru_cache(maxsize=64)(TypeAdapter)
    schema: Any = staticmethod(lru_cache(maxsize=8)(SchemaOptimizer.create_optimized_json_schema))
    agent: Any = Agent
    bubus_models.TypeAdapter = adapter
    SchemaOptimizer.create_optimized_json_schema = schema
    agent._update_action_models_for_page = _keep_actions  # noqa: SLF001  # no page here has actions of its own


async def _keep_actions(agent: object, page_url: str) -> None:
    """The actions that the agent was made with stay."""
