"""The whole pipeline on one machine, without containers: its programs found, configured, started, watched and ended."""

from browserwatch.pipeline.alerts import AlertReceiver
from browserwatch.pipeline.part import Missing, Part, PipelineError
from browserwatch.pipeline.plan import Plan, make_plan
from browserwatch.pipeline.supervisor import State, Supervisor

__all__ = ["AlertReceiver", "Missing", "Part", "PipelineError", "Plan", "State", "Supervisor", "make_plan"]
