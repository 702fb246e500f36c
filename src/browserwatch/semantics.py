"""Names that leave the process: span names, attribute keys and the closed label sets.

The GenAI conventions of OpenTelemetry are still in development and are being renamed, so each of their names stands
here once and nowhere else, as our own constant: the incubating semantic-convention package moves between releases.
Sources: https://opentelemetry.io/docs/specs/semconv/gen-ai/ (spans, metrics),
https://opentelemetry.io/docs/specs/semconv/registry/attributes/ (url, server, http, error).
"""

from __future__ import annotations

from typing import Final

# --- span names ------------------------------------------------------------------------------------------------------
INVOKE_AGENT: Final = "invoke_agent"
AGENT_STEP: Final = "agent_step"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"
PAGE_FETCH: Final = "page_fetch"
BROWSER_LAUNCH: Final = "browser_launch"
BROWSER_STATE: Final = "browser_state"
AGENT_ACQUIRE: Final = "agent_acquire"
SESSION_RESTORE: Final = "session_restore"
SESSION_SAVE: Final = "session_save"

SPANS: Final = {
    INVOKE_AGENT: "One run of an agent: `invoke_agent {agent class}`. Usage totals, outcome and reason.",
    AGENT_STEP: "One round of a run: the browser's state is read, the model decides, actions are done.",
    CHAT: "One model call: `chat {model}`, kind CLIENT. Usage, finish reason and purpose.",
    EXECUTE_TOOL: "One action of the model: `execute_tool {action}`.",
    PAGE_FETCH: "One page load in the main frame of a tab, whatever caused it; or a page that the service fetched.",
    BROWSER_LAUNCH: "Chromium being started.",
    BROWSER_STATE: "The browser's state (DOM, screenshot, tabs) being read for the model.",
    AGENT_ACQUIRE: "Service: waiting for an agent of the pool, and being given one.",
    SESSION_RESTORE: "Service: a stored session being put into an agent's browser.",
    SESSION_SAVE: "Service: a browser's session being read, encrypted and stored.",
}

# --- attribute keys --------------------------------------------------------------------------------------------------
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
URL_SCHEME: Final = "url.scheme"
URL_PATH: Final = "url.path"
HTTP_STATUS: Final = "http.response.status_code"

GEN_AI_OPERATION: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER: Final = "gen_ai.provider.name"
GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
GEN_AI_AGENT_ID: Final = "gen_ai.agent.id"
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_OUTPUT_TYPE: Final = "gen_ai.output.type"
GEN_AI_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_CACHE_CREATION_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
GEN_AI_TOOL_TYPE: Final = "gen_ai.tool.type"
# Content: only with OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, and redacted even then.
GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"
GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
GEN_AI_SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
GEN_AI_TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
GEN_AI_TOOL_RESULT: Final = "gen_ai.tool.call.result"
GEN_AI_DETAILS_EVENT: Final = "gen_ai.client.inference.operation.details"

# Our own, where OpenTelemetry has none.
RUN_OUTCOME: Final = "browser.run.outcome"
RUN_FAILURE_REASON: Final = "browser.run.failure_reason"
RUN_STEPS: Final = "browser.run.steps"
RUN_MAX_STEPS: Final = "browser.run.max_steps"
RUN_COST_USD: Final = "browser.run.cost_usd"
RUN_JUDGE_VERDICT: Final = "browser.run.judge_verdict"
SESSION_ID: Final = "browser.session.id"
STEP_NUMBER: Final = "browser.step.number"
STEP_ACTIONS: Final = "browser.step.actions"
MODEL_PURPOSE: Final = "browser.model.purpose"
MODEL_COST_USD: Final = "browser.model.cost_usd"
PAGE_CAUSE: Final = "browser.page.cause"
PAGE_REDIRECTS: Final = "browser.page.redirects"
PAGE_NEW_TAB: Final = "browser.page.new_tab"
PAGE_TTFB: Final = "browser.page.ttfb_seconds"
PAGE_DOM_CONTENT_LOADED: Final = "browser.page.dom_content_loaded_seconds"
PAGE_LOAD: Final = "browser.page.load_seconds"
PAGE_OUTCOME: Final = "browser.page.outcome"
PAGE_FORMAT: Final = "browser.page.format"
PAGE_BYTES: Final = "browser.page.bytes"
AGENT_ID: Final = "browser.agent.id"
ACQUIRE_RESULT: Final = "browser.acquire.result"
ACQUIRE_WAITED: Final = "browser.acquire.waited_seconds"
POOL_SIZE: Final = "browser.pool.size"
POOL_AGENTS: Final = "browser.pool.agents"
POOL_IDLE: Final = "browser.pool.idle"
POOL_WAITERS: Final = "browser.pool.waiters"
SESSION_SOURCE: Final = "browser.session.source"
SESSION_COOKIES: Final = "browser.session.cookies"
SESSION_ORIGINS: Final = "browser.session.origins"
SESSION_BYTES: Final = "browser.session.bytes"

ATTRIBUTES: Final = {
    ERROR_TYPE: "Why it failed, from a closed set; absent on success.",
    SERVER_ADDRESS: "Host that served the page, or of the model's endpoint.",
    SERVER_PORT: "Port, when it is not the scheme's default.",
    URL_SCHEME: "Scheme of the page's URL.",
    URL_PATH: "Path of the page's URL; never its query, fragment or user information.",
    HTTP_STATUS: "Status of the page's document.",
    GEN_AI_OPERATION: "`invoke_agent`, `chat` or `execute_tool`.",
    GEN_AI_PROVIDER: "OpenTelemetry's well-known name of the model's provider, else browser-use's own.",
    GEN_AI_AGENT_NAME: "Class of the agent.",
    GEN_AI_AGENT_ID: "browser-use's id of the agent.",
    GEN_AI_CONVERSATION_ID: "browser-use's session id of the agent.",
    GEN_AI_REQUEST_MODEL: "Model that was asked for.",
    GEN_AI_OUTPUT_TYPE: "`json` for structured output, else `text`.",
    GEN_AI_FINISH_REASONS: "Why the model stopped.",
    GEN_AI_INPUT_TOKENS: "Prompt tokens, cached ones included.",
    GEN_AI_OUTPUT_TOKENS: "Completion tokens.",
    GEN_AI_CACHE_READ_TOKENS: "Prompt tokens that the provider read from its cache.",
    GEN_AI_CACHE_CREATION_TOKENS: "Prompt tokens that the provider wrote to its cache.",
    GEN_AI_TOOL_NAME: "Name of the action.",
    GEN_AI_TOOL_TYPE: "Always `function`.",
    GEN_AI_INPUT_MESSAGES: "Content, opt-in: what was sent to the model, or the agent's task.",
    GEN_AI_OUTPUT_MESSAGES: "Content, opt-in: what the model answered, or the run's result.",
    GEN_AI_SYSTEM_INSTRUCTIONS: "Content, opt-in: the system prompt.",
    GEN_AI_TOOL_ARGUMENTS: "Content, opt-in: the action's parameters.",
    GEN_AI_TOOL_RESULT: "Content, opt-in: what the action returned.",
    RUN_OUTCOME: "How the run ended.",
    RUN_FAILURE_REASON: "Why it did not succeed; `none` on success.",
    RUN_STEPS: "Steps done.",
    RUN_MAX_STEPS: "Steps allowed.",
    RUN_COST_USD: "Cost of the run's priced model calls, in US dollars.",
    RUN_JUDGE_VERDICT: "What browser-use's judge said of the result.",
    SESSION_ID: "browser-use's id of the browser session.",
    STEP_NUMBER: "Number of the step in its run, from 1.",
    STEP_ACTIONS: "Actions done in the step.",
    MODEL_PURPOSE: "What the call was for.",
    MODEL_COST_USD: "Cost of the call in US dollars; absent when the model has no known price.",
    PAGE_CAUSE: "What made the page load.",
    PAGE_REDIRECTS: "HTTP redirects followed.",
    PAGE_NEW_TAB: "True when the page opened in a tab of its own.",
    PAGE_TTFB: "Seconds from the start to the first byte of the document.",
    PAGE_DOM_CONTENT_LOADED: "Seconds from the start to DOMContentLoaded.",
    PAGE_LOAD: "Seconds from the start to the load event.",
    PAGE_OUTCOME: "How the page load ended.",
    PAGE_FORMAT: "What was asked for of a fetched page.",
    PAGE_BYTES: "Bytes of the content that was returned.",
    AGENT_ID: "The pool's name of the agent process.",
    ACQUIRE_RESULT: "How the wish for an agent was met, or why not.",
    ACQUIRE_WAITED: "Seconds waited for the agent.",
    POOL_SIZE: "Agents that the pool may have.",
    POOL_AGENTS: "Agents that it had.",
    POOL_IDLE: "Agents that were idle.",
    POOL_WAITERS: "Callers that waited, this one included.",
    SESSION_SOURCE: "`warm` when the browser still had the session, else `restored`.",
    SESSION_COOKIES: "Cookies of the session.",
    SESSION_ORIGINS: "Origins with local storage of the session.",
    SESSION_BYTES: "Size of the session in bytes.",
}

# --- closed label sets; anything else becomes OTHER ------------------------------------------------------------------
OTHER: Final = "other"

RUN_OUTCOMES: Final = ("success", "failure", "cancelled", "timeout", "max_steps", "error")
FAILURE_REASONS: Final = (
    "none",
    "llm_error",
    "llm_rate_limit",
    "llm_invalid_output",
    "navigation",
    "page_timeout",
    "element",
    "auth",
    "captcha",
    "policy_blocked",
    "browser_crash",
    "browser_unresponsive",
    "loop",
    "max_steps",
    "max_failures",
    "judge",
    "budget",
    "timeout",
    "infrastructure",
    "unknown",
)
STEP_OUTCOMES: Final = ("ok", "error", "timeout", "cancelled")
STEP_PHASES: Final = ("prepare", "model", "act", "finalize")
ACTION_OUTCOMES: Final = ("ok", "error", "cancelled")
# browser-use's own tools, 0.9 to 0.13; a user's own are `custom`.
ACTIONS: Final = (
    "click",
    "close",
    "done",
    "dropdown_options",
    "evaluate",
    "extract",
    "find_elements",
    "find_text",
    "get_dropdown_options",
    "go_back",
    "input",
    "navigate",
    "read_file",
    "read_long_content",
    "replace_file",
    "save_as_pdf",
    "screenshot",
    "scroll",
    "search",
    "search_page",
    "select_dropdown",
    "send_keys",
    "switch",
    "upload_file",
    "wait",
    "write_file",
    "custom",
)
NAVIGATION_OUTCOMES: Final = (
    "ok",
    "http_4xx",
    "http_5xx",
    "net_error",
    "timeout",
    "blocked",
    "download",
    "aborted",
    "crashed",
    OTHER,
)
PAGE_CAUSES: Final = ("agent", "link", "form", "script", "redirect", "reload", "history", "new_tab", OTHER)
MILESTONES: Final = ("ttfb", "dom_content_loaded", "load")
CRASH_KINDS: Final = ("browser", "tab", "agent")
REUSE_SOURCES: Final = ("warm", "restored")
SESSION_OPERATIONS: Final = ("save", "restore", "delete", "lock")
SESSION_RESULTS: Final = ("ok", "miss", "conflict", "undecryptable", "too_large", "error")
LAUNCH_RESULTS: Final = ("ok", "error")
MODEL_PURPOSES: Final = ("agent", "extract", "judge", OTHER)
TOKEN_TYPES: Final = ("input", "output")
SPAN_RESULTS: Final = ("exported", "dropped_queue_full", "failed")
REDACTION_SINKS: Final = ("span", "log", "content")
POLICY_RULES: Final = (
    "allowed_domains",
    "prohibited_domains",
    "ip_address",
    "scheme",
    "private_address",
    "metadata_address",
    "port",
    OTHER,
)
AGENT_STATES: Final = ("starting", "idle", "leased", "draining", "stopping")
ACQUIRE_RESULTS: Final = ("warm", "restored", "fresh", "timeout", "rejected", "cancelled")
RETIRE_REASONS: Final = ("max_uses", "max_age", "memory", "crash", "unresponsive", "idle", "drain", OTHER)
REJECT_REASONS: Final = ("queue_full", "draining", "quota", "budget")
FETCH_OUTCOMES: Final = (*NAVIGATION_OUTCOMES, "too_large", "cancelled", "error")
PROCESS_ROLES: Final = ("agent", "chromium")
# https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/#gen-ai-provider-name
PROVIDERS: Final = (
    "anthropic",
    "aws.bedrock",
    "azure.ai.inference",
    "azure.ai.openai",
    "cohere",
    "deepseek",
    "gcp.gemini",
    "gcp.vertex_ai",
    "groq",
    "ibm.watsonx.ai",
    "mistral_ai",
    "openai",
    "perplexity",
    "x_ai",
    "browser-use",
    "cerebras",
    "litellm",
    "oci",
    "ollama",
    "openrouter",
    "orcarouter",
    "vercel",
    OTHER,
)
MODEL_ERRORS: Final = ("rate_limit", "auth", "invalid_output", "timeout", "server", "connection", "cancelled", OTHER)
