"""Reads just enough PromQL to know which series an expression asks for, and to narrow them to a dashboard's variables.

No full grammar: `promtool` checks that. What it can't know is whether a metric, a label or a value exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from browserwatch.dashboards.catalog import Catalog, Series, UnknownSeriesError

TOKEN: Final = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<range>\[[^\]]*\])|(?P<variable>\$\w+|\$\{\w+\})"""
    r"""|(?P<name>[A-Za-z_:][\w:]*)|(?P<number>[\d.][\w.]*)|(?P<space>\s+)|(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},])"""
)
GROUPING: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
WORDS: Final = frozenset({"and", "or", "unless", "bool", "offset"})
AGGREGATIONS: Final = frozenset({"sum", "min", "max", "count", "topk"})
FUNCTIONS: Final = frozenset(
    {
        "rate",
        "increase",
        "histogram_quantile",
        "vector",
        "time",
        "absent",
        "clamp_min",
        "min_over_time",
        "label_replace",
    }
)
PLAIN: Final = re.compile(r"[\w.-]*\Z")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression and where it ends."""

    kind: str
    text: str
    end: int


@dataclass(frozen=True, slots=True)
class Selection:
    """One series that an expression asks for: matchers are (label, operator, value)."""

    name: str
    end: int
    matchers: tuple[tuple[str, str, str], ...]
    braced: bool


def check(expression: str, catalog: Catalog) -> tuple[Selection, ...]:
    """The series an expression asks for.

    Raises:
        UnknownSeriesError: one of them, a label of one, or a value of a closed label does not exist.
    """
    selections, grouped = _read(expression)
    known = {selection.name: catalog[selection.name] for selection in selections}
    for selection in selections:
        for label, operator, value in selection.matchers:
            _check_matcher(selection.name, known[selection.name], label, operator, value)
    possible = {label for series in known.values() for label in series.labels}
    for label in grouped:
        if label not in possible:
            raise UnknownSeriesError(f"No series of {expression!r} has the label {label!r} that it is grouped by.")
    return selections


def scoped(expression: str, catalog: Catalog) -> str:
    """The expression for a panel: each series narrowed to what the variables of the dashboard choose."""
    text = expression
    for selection in reversed(check(expression, catalog)):
        matched = {label for label, _, _ in selection.matchers}
        scope = catalog[selection.name].scope
        added = ",".join(f'{label}=~"{variable}"' for label, variable in scope.items() if label not in matched)
        if added:
            more = "," if selection.matchers else ""
            inserted = f"{added}{more}" if selection.braced else f"{{{added}}}"
            at = selection.end + selection.braced
            text = text[:at] + inserted + text[at:]
    return text


def _check_matcher(name: str, series: Series, label: str, operator: str, value: str) -> None:
    if label not in series.labels:
        raise UnknownSeriesError(f"{name} has no label {label!r}; it has {', '.join(series.labels)}.")
    values = series.labels[label]
    wanted = value.split("|") if operator in ("=~", "!~") else [value]
    wrong = [one for one in wanted if values and PLAIN.match(one) and one not in values]
    if wrong:
        raise UnknownSeriesError(f"{name}: {label} is never {wrong[0]!r}; it may be {', '.join(values)}.")


def _read(expression: str) -> tuple[tuple[Selection, ...], list[str]]:
    tokens = [token for token in _tokens(expression) if token.kind != "space"]
    tokens.append(Token("end", "", len(expression)))
    selections: list[Selection] = []
    grouped: list[str] = []
    at = 0
    while at < len(tokens) - 1:
        token, following = tokens[at], tokens[at + 1]
        at += 1
        if token.kind == "sign" and token.text == "{":
            raise UnknownSeriesError(f"{expression!r} selects series without a name; name the metric.")
        if token.kind != "name" or token.text in WORDS:
            continue
        if token.text in GROUPING:
            if following.text == "(":
                names, at = _names(tokens, at + 1)
                grouped += names
        elif following.text == "(" or token.text in AGGREGATIONS:
            _check_function(token.text, expression)
        else:
            braced = following.text == "{"
            matchers, at = _matchers(tokens, at + 1) if braced else ((), at)
            selections.append(Selection(token.text, token.end, matchers, braced))
    return tuple(selections), grouped


def _check_function(name: str, expression: str) -> None:
    if name not in AGGREGATIONS | FUNCTIONS:
        raise UnknownSeriesError(f"{expression!r} calls {name!r}, which is not among the functions our queries use.")


def _tokens(expression: str) -> Iterator[Token]:
    at = 0
    while at < len(expression):
        found = TOKEN.match(expression, at)
        if found is None:
            raise UnknownSeriesError(f"{expression!r} can't be read from {expression[at : at + 20]!r} on.")
        at = found.end()
        yield Token(found.lastgroup or "", found.group(), at)


def _names(tokens: list[Token], at: int) -> tuple[list[str], int]:
    names: list[str] = []
    while tokens[at].text != ")":
        if tokens[at].kind == "name":
            names.append(tokens[at].text)
        at += 1
    return names, at + 1


def _matchers(tokens: list[Token], at: int) -> tuple[tuple[tuple[str, str, str], ...], int]:
    found: list[tuple[str, str, str]] = []
    while tokens[at].text != "}":
        if tokens[at].kind == "name":
            found.append((tokens[at].text, tokens[at + 1].text, tokens[at + 2].text[1:-1]))
            at += 2
        at += 1
    return tuple(found), at + 1
