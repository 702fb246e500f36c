"""Where browser-use is hooked: one table."""

from __future__ import annotations

from typing import Final

from browserwatch.instrumentation.actions import ActionHook
from browserwatch.instrumentation.browser import LaunchHook, NavigationHook, StateHook, policy
from browserwatch.instrumentation.bus import EventBusHooks
from browserwatch.instrumentation.models import model
from browserwatch.instrumentation.pages import connection, devtools_event
from browserwatch.instrumentation.patching import PatchPoint, around, before
from browserwatch.instrumentation.runs import RunHook
from browserwatch.instrumentation.steps import StepHook, phase, step_error

AGENT: Final = ("browser_use.agent.service", "Agent")
SESSION: Final = ("browser_use.browser.session", "BrowserSession")
MANAGER: Final = ("browser_use.browser.session_manager", "SessionManager")
LOCAL: Final = ("browser_use.browser.watchdogs.local_browser_watchdog", "LocalBrowserWatchdog")
SECURITY: Final = ("browser_use.browser.watchdogs.security_watchdog", "SecurityWatchdog")


def patch_points() -> tuple[PatchPoint, ...]:
    """All hooks, new for each `instrument()`: some share state."""
    bus = EventBusHooks()
    return (
        PatchPoint("run", *AGENT, "run", around(RunHook)),
        PatchPoint("step", *AGENT, "step", around(StepHook)),
        PatchPoint("step_error", *AGENT, "_handle_step_error", before(step_error)),
        PatchPoint("phase_prepare", *AGENT, "_prepare_context", phase("prepare")),
        PatchPoint("phase_model", *AGENT, "_get_next_action", phase("model")),
        PatchPoint("phase_act", *AGENT, "_execute_actions", phase("act")),
        PatchPoint("phase_finalize", *AGENT, "_finalize", phase("finalize")),
        PatchPoint("model", "browser_use.tokens.service", "TokenCost", "register_llm", model),
        PatchPoint("action", "browser_use.tools.service", "Tools", "act", around(ActionHook)),
        PatchPoint("state", *SESSION, "get_browser_state_summary", around(StateHook)),
        PatchPoint("navigation", *SESSION, "_navigate_and_wait", around(NavigationHook)),
        PatchPoint("launch", *LOCAL, "_launch_browser", around(LaunchHook)),
        PatchPoint("connection", *MANAGER, "start_monitoring", before(connection)),
        PatchPoint("devtools", "cdp_use.cdp.registry", "EventRegistry", "handle_event", devtools_event),
        PatchPoint("policy", *SECURITY, "_is_url_allowed", policy),
        PatchPoint("bus_dispatch", "bubus.service", "EventBus", "dispatch", bus.dispatch),
        PatchPoint("bus_process", "bubus.service", "EventBus", "process_event", bus.process),
    )
