"""Regenerate src/browserwatch/prices.json: `uv run --with genai-prices scripts/update_prices.py`.

Takes the base price of each model from the data of the genai-prices project (MIT licence); see `browserwatch.pricing`.
"""

import json
from pathlib import Path

from genai_prices import data
from genai_prices.types import ClauseEquals, ClauseOr

# genai-prices' provider ids -> the values of our `provider` label.
PROVIDERS = {
    "anthropic": "anthropic",
    "aws": "aws.bedrock",
    "azure": "azure.ai.openai",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "google": "gcp.gemini",
    "groq": "groq",
    "mistral": "mistral_ai",
    "openai": "openai",
    "perplexity": "perplexity",
    "x-ai": "x_ai",
}
# browser-use's own models, from its documentation; US dollars for a million tokens.
OWN = {
    "browser-use": {
        "bu-1-0": {"input": 0.6, "output": 3.5, "cache_read": 0.06},  # billed as bu-2-0
        "bu-2-0": {"input": 0.6, "output": 3.5, "cache_read": 0.06},
        "bu-2-0-mini": {"input": 0.15, "output": 1.5, "cache_read": 0.15},
        "bu": {"input": 0.6, "output": 3.5, "cache_read": 0.06},  # bu-latest
    },
}


def number(price):
    """Base price of a field that may be tiered."""
    price = getattr(price, "base", price)
    return None if price is None else float(price)


def base_price(model):
    """The model's price without conditions, in our form; None when it has no price for tokens."""
    prices = model.prices if not isinstance(model.prices, list) else model.prices[-1].prices
    found = {
        "input": number(getattr(prices, "input_mtok", None)),
        "output": number(getattr(prices, "output_mtok", None)),
        "cache_read": number(getattr(prices, "cache_read_mtok", None)),
        "cache_write": number(getattr(prices, "cache_write_mtok", None)),
    }
    if found["input"] is None or found["output"] is None:
        return None
    return {key: value for key, value in found.items() if value is not None}


def names(model):
    """The model's id and the other names that match it literally."""
    clauses = model.match.or_ if isinstance(model.match, ClauseOr) else [model.match]
    return {model.id, *(clause.equals for clause in clauses if isinstance(clause, ClauseEquals))}


table = dict(OWN)
for provider in data.providers:
    if provider.id in PROVIDERS:
        models = {}
        for model in provider.models:
            if (price := base_price(model)) is not None:
                models.update({name.lower().rsplit("/", 1)[-1]: price for name in names(model)})
        table[PROVIDERS[provider.id]] = models
target = Path(__file__).parent.parent / "src/browserwatch/prices.json"
lines = [
    f"  {json.dumps(provider)}: {{\n"
    + ",\n".join(f"    {json.dumps(name)}: {json.dumps(price)}" for name, price in sorted(models.items()))
    + "\n  }"
    for provider, models in sorted(table.items())
]
target.write_text("{\n" + ",\n".join(lines) + "\n}\n")
print(f"{sum(map(len, table.values()))} prices of {len(table)} providers")
