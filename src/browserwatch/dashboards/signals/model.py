"""Signals about model calls: how fast, how much, how dear."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.signal import Signal, or_zero, rate, ratio, share, total, zeros_for

CALLS: Final = "gen_ai_client_operation_duration_seconds_count"
NONE_YET: Final = "no model call yet"
FAILED: Final = f'{CALLS}{{error_type!=""}}'
SUCCESSES: Final = total('browser_runs_total{outcome="success"}')
COST_TOTAL: Final = total("browser_llm_cost_usd_total")
COST_PER_HOUR: Final = Signal(
    or_zero(f"{rate('browser_llm_cost_usd_total')} * 3600"),
    "currencyUSD",
    "US dollars per hour at the present rate, from list prices.",
    "per hour",
)
COST_BY_MODEL: Final = Signal(
    or_zero(f"{rate('browser_llm_cost_usd_total', 'provider, model')} * 3600", "model"),
    "currencyUSD",
    "US dollars per hour, by model.",
    "{{provider}} {{model}}",
)
COST_PER_RUN: Final = Signal(
    ratio(or_zero(COST_TOTAL), total("browser_runs_total")),
    "currencyUSD",
    "Cost of the model calls in the time shown, by the runs that ended in it.",
    empty="no run has ended",
)
COST_PER_SUCCESS: Final = Signal(
    ratio(or_zero(COST_TOTAL), SUCCESSES),
    "currencyUSD",
    "The same by successful runs: what a result costs, failures included.",
    empty="no run succeeded",
)
COST: Final = Signal(or_zero(COST_TOTAL), "currencyUSD", "Cost of the model calls in the time shown.")
UNPRICED: Final = Signal(
    or_zero(total("browser_llm_unpriced_calls_total")),
    "short",
    "Calls in the time shown whose cost is unknown: no price or no usage. They are missing from every cost.",
)
LATENCY: Final = Signal(
    "histogram_quantile(0.95, sum by (le, gen_ai_request_model)"
    " (rate(gen_ai_client_operation_duration_seconds_bucket[$__rate_interval])))",
    "s",
    "95th percentile of the time of a model call, by model.",
    "{{gen_ai_request_model}}",
    exemplars=True,
    empty=NONE_YET,
)
MEDIAN: Final = Signal(
    "histogram_quantile(0.5, sum by (le, gen_ai_request_model)"
    " (rate(gen_ai_client_operation_duration_seconds_bucket[$__rate_interval])))",
    "s",
    "Median of the time of a model call, by model.",
    "{{gen_ai_request_model}}",
    empty=NONE_YET,
)
CALLED: Final = Signal(
    or_zero(f"{rate(CALLS, 'gen_ai_request_model')} * 60", "gen_ai_request_model"),
    "opm",
    "Calls per minute, by model.",
    "{{gen_ai_request_model}}",
)
ERRORS: Final = Signal(
    or_zero(f"{rate(FAILED, 'gen_ai_request_model, error_type')} * 60", "error_type"),
    "opm",
    "Failed calls per minute, by model and kind.",
    "{{gen_ai_request_model}} {{error_type}}",
)
RATE_LIMITED: Final = Signal(
    or_zero(share(total(f'{CALLS}{{error_type="rate_limit"}}'), total(CALLS))),
    "percentunit",
    "Share of calls in the time shown that hit the provider's rate limit.",
)
ERROR_SHARE: Final = Signal(
    or_zero(share(total(f'{CALLS}{{error_type!="",error_type!~"rate_limit|cancelled"}}'), total(CALLS))),
    "percentunit",
    "Share of calls in the time shown that failed otherwise.",
)
TOKENS: Final = (
    Signal(
        or_zero(f"{rate('gen_ai_client_token_usage_sum', 'gen_ai_token_type')} * 60", "gen_ai_token_type"),
        "short",
        "Tokens per minute, in and out.",
        "{{gen_ai_token_type}}",
    ),
    Signal(
        or_zero(f"{rate('browser_llm_cached_tokens_total')} * 60"),
        "short",
        "Of the tokens in, those that the provider read from its cache.",
        "of them cached",
    ),
)
INPUT: Final = 'gen_ai_client_token_usage_sum{gen_ai_token_type="input"}'
CACHED: Final = Signal(
    ratio(or_zero(total("browser_llm_cached_tokens_total")), total(INPUT)),
    "percentunit",
    "Share of the input tokens in the time shown that came from the provider's cache.",
    empty=NONE_YET,
)
MODEL: Final = "gen_ai_request_model"
OUTPUT: Final = INPUT.replace("input", "output")
EACH: Final = total(CALLS, MODEL)
# Costs have the model in another label.
COST_EACH: Final = f'label_replace({total("browser_llm_cost_usd_total", "model")}, "{MODEL}", "$1", "model", "(.*)")'
TABLE: Final = (
    Signal(or_zero(EACH), "short", "Calls in the time shown, by model."),
    Signal(or_zero(zeros_for(total(FAILED, MODEL), EACH)), "short", "Failed ones."),
    Signal(or_zero(zeros_for(total(INPUT, MODEL), EACH)), "short", "Tokens in."),
    Signal(or_zero(zeros_for(total(OUTPUT, MODEL), EACH)), "short", "Tokens out."),
    Signal(or_zero(f"sum without (model) ({COST_EACH})"), "short", "Cost in US dollars; empty without a price."),
)
