"""Write docs/reference/ from the code, or check that it is up to date: `python scripts/reference.py [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from pydantic_settings import BaseSettings

from browserwatch import semantics
from browserwatch.instrumentation.points import patch_points
from browserwatch.instrumentation.versions import NEWEST, OLDEST
from browserwatch.metrics import Instruments
from browserwatch.settings import (
    CAPTURE_VARIABLE,
    PREFIX,
    ClientSettings,
    PipelineSettings,
    ServiceSettings,
    Settings,
)

DIRECTORY = Path(__file__).parent.parent / "docs" / "reference"
# Of those that depend on the user.
DEFAULTS = {"data_dir": "~/.local/share/browserwatch", "grafana_home": None}
NOTE = "<!-- Generated from the code by `./dev reference`; edits here are overwritten. -->\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def metrics() -> str:
    """Every metric with its type, labels and buckets."""
    instruments = Instruments()
    families = {family.name: family for family in instruments.families}
    rows = []
    labels: dict[str, tuple[str, ...]] = {}
    for collector in instruments.metrics:
        metric = next(iter(collector.describe()))
        name = metric.name + ("_total" if metric.type == "counter" else "")
        found = families.get(metric.name, families.get(name))
        declared = found.labels if found is not None else ()
        names = [label.name for label in declared]
        for label in declared:
            labels[f"{name}.{label.name}"] = tuple(value or "(absent)" for value in label.values)
        bounds = getattr(collector, "_kwargs", {}).get("buckets") or getattr(collector, "_upper_bounds", ())
        buckets = f"{bounds[0]:g} … {[bound for bound in bounds if bound != float('inf')][-1]:g}" if bounds else ""
        shown = ", ".join(f"`{each}`" for each in names)
        service = "" if collector in instruments.library.metrics else "yes"
        rows.append([f"`{name}`", metric.type, service, shown, buckets, metric.documentation])
    in_a_program = sum(len(metric.samples) for metric in instruments.library.collect())
    sets = [[f"`{where}`", ", ".join(f"`{value}`" for value in values)] for where, values in labels.items() if values]
    return (
        f"{NOTE}# Metrics\n\nDurations in seconds, costs in US dollars. {instruments.budget.used} series exist before the"
        f" first event, {in_a_program} of them in a program that only watches its agents;"
        f" from {instruments.budget.limit} on, new label combinations fold into `other`, and"
        " `browser_series_overflow_total` counts them. Histograms and counters of runs, steps, actions, model calls and"
        " page loads carry exemplars (`trace_id`, `span_id`) of sampled spans in the OpenMetrics format.\n\n"
        + table(["metric", "type", "service only", "labels", "buckets", "what it says"], rows)
        + "\n## Values of closed labels\n\nAnything else becomes the label's catch-all: no URL, host, session, run or error"
        " text is ever a label.\n\n" + table(["label", "values"], sets)
    )


def spans() -> str:
    """Every span and attribute."""
    return (
        f"{NOTE}# Spans\n\n"
        + table(["span", "what it is"], [[f"`{name}`", text] for name, text in semantics.SPANS.items()])
        + "\n## Attributes\n\n"
        + table(["attribute", "meaning"], [[f"`{name}`", text] for name, text in semantics.ATTRIBUTES.items()])
    )


def hooks() -> str:
    """Every place where browser-use is hooked."""
    rows = [[f"`{p.hook}`", f"`{p.module}.{p.owner}.{p.attribute}`"] for p in patch_points()]
    return (
        f"{NOTE}# Hooks\n\nTested with browser-use {OLDEST} to {NEWEST}. A hook that does not exist in the installed"
        ' version shows as `browser_instrumentation_hooks{installed="false"} 1` and is warned about once.\n\n'
        + table(["hook", "where"], rows)
    )


def settings() -> str:
    """Every setting of ours."""
    own = Settings.model_fields.keys()
    service = [name for name in ServiceSettings.model_fields if name not in own]
    pipeline = [name for name in PipelineSettings.model_fields if name not in ServiceSettings.model_fields]
    return (
        f"{NOTE}# Settings\n\nThe standard `OTEL_*` variables are honoured where OpenTelemetry defines one: exporter,"
        f" sampler, resource, batch processor, content capture (`{CAPTURE_VARIABLE}`). A value that can't be used is an"
        " error at the start that names the variable. Ours, wherever browserwatch runs:\n\n"
        + settings_table(Settings, own)
        + "\n## The service\n\n`browserwatch serve` takes some as options, too; `browserwatch config` prints all of them as"
        " they are in force. Sizes are in the unit that a name ends with.\n\n"
        + settings_table(ServiceSettings, service)
        + "\n## The pipeline\n\n`browserwatch up` takes those of the service, which it starts, and these.\n\n"
        + settings_table(PipelineSettings, pipeline)
        + "\n## Callers of the service\n\n"
        + settings_table(ClientSettings, ClientSettings.model_fields)
    )


def settings_table(kind: type[BaseSettings], names: Iterable[str]) -> str:
    """These fields of a class, with the text below each in the source."""
    source = Path(sys.modules[kind.__module__].__file__ or "").read_text()
    rows = []
    for name in names:
        field = kind.model_fields[name]
        text = source.split(f"\n    {name}:", 1)[1].split('"""', 2)[1]
        default = field.default
        if field.default_factory is not None:
            default = DEFAULTS[name]
        shown = "" if default in (None, ()) else f"`{default:.12g}`" if isinstance(default, float) else f"`{default}`"
        rows.append([f"`{PREFIX}{name.upper()}`", shown, " ".join(text.split())])
    return table(["variable", "default", "meaning"], rows)


def main() -> int:
    """Write the pages, or say which are out of date."""
    pages = {"metrics.md": metrics(), "spans.md": spans(), "hooks.md": hooks(), "settings.md": settings()}
    if "--check" in sys.argv:
        stale = [name for name, text in pages.items() if (DIRECTORY / name).read_text() != text]
        if stale:
            sys.stderr.write(f"Out of date: {', '.join(stale)}. Run: ./dev reference\n")
        return 1 if stale else 0
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (DIRECTORY / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
