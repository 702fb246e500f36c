"""The spans of one trace as a tree, each with its time and its place in it."""

from __future__ import annotations

from typing import Final

from rich.text import Text
from rich.tree import Tree

from browserwatch import semantics as s
from browserwatch.cli.demo.report import duration
from browserwatch.cli.demo.spans import Node
from browserwatch.cli.terminal import printable

GUIDE: Final = 4
TIME: Final = 9
STYLES: Final = {
    s.INVOKE_AGENT: "bold",
    s.AGENT_STEP: "bold",
    s.CHAT: "magenta",
    s.EXECUTE_TOOL: "cyan",
    s.PAGE_FETCH: "blue",
    s.BROWSER_LAUNCH: "blue",
    s.BROWSER_STATE: "blue",
    s.AGENT_ACQUIRE: "green",
    s.SESSION_RESTORE: "green",
    s.SESSION_SAVE: "green",
}


def span_tree(root: Node, width: int) -> Tree:
    """A tree that fits the width: name and details, duration, and a bar on the time line of the trace."""
    bar = width // 5
    return _branch(root, root, width - bar - TIME - 1, bar)


def _branch(node: Node, root: Node, room: int, bar: int) -> Tree:
    tree = Tree(_line(node, root, room, bar), guide_style="dim")
    for child in node.children:
        tree.children.append(_branch(child, root, room - GUIDE, bar))
    return tree


def _line(node: Node, root: Node, room: int, bar: int) -> Text:
    line = Text(no_wrap=True).append(node.name, style=_style(node))
    for detail, style in _details(node):
        line.append(f" {printable(detail)}", style=style)
    line.truncate(room, overflow="ellipsis", pad=True)
    line.append(f"{duration(node.seconds):>{TIME}} ", style="dim")
    return line.append_text(_place(node, root, bar))


def _style(node: Node) -> str:
    return "red" if node.failed else STYLES.get(node.name.partition(" ")[0], "")


def _details(node: Node) -> list[tuple[str, str]]:
    """What tells most about a span, with its style."""
    if node.name == s.PAGE_FETCH and s.PAGE_CAUSE in node.attributes:
        result = node.get(s.HTTP_STATUS) or node.get(s.PAGE_OUTCOME)
        return [
            (f"{node.get(s.URL_PATH)} by {node.get(s.PAGE_CAUSE)}:", ""),
            (str(result), "red" if node.failed else ""),
        ]
    details: list[tuple[str, str]] = []
    if number := node.get(s.STEP_NUMBER):
        details.append((str(number), ""))
    telling = (node.get(key) for key in (s.ACQUIRE_RESULT, s.SESSION_SOURCE))
    details += [(str(told), "") for told in telling if told]
    if cookies := node.get(s.SESSION_COOKIES):
        details.append((f"{cookies} cookies", "dim"))
    if tokens := node.get(s.GEN_AI_INPUT_TOKENS):
        details.append((f"{tokens:,} + {node.get(s.GEN_AI_OUTPUT_TOKENS, 0):,} tokens", "dim"))
    if error := node.get(s.ERROR_TYPE):
        details.append((f"✗ {error}", "red"))
    return details


def _place(node: Node, root: Node, width: int) -> Text:
    """A bar where the span lies in its trace."""
    scale = width / max(root.last - root.started, 1e-9)
    start = min(max(0, int((node.started - root.started) * scale)), width - 1)
    length = min(max(1, round(node.seconds * scale)), width - start)
    return Text(" " * start + "━" * length, style=_style(node))
