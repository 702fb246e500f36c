"""The scripted model as a program: `python -m browserwatch.demo.model`."""

import argparse
import sys

from browserwatch.demo.errors import DemoError
from browserwatch.demo.model_app import scripted_model
from browserwatch.demo.scenarios import load_scenarios
from browserwatch.demo.serving import port_argument, serve_until_told


def main(arguments: list[str] | None = None) -> None:
    """Serve the scripted model until stdin closes; its address is printed as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.demo.model", description=main.__doc__)
    port_argument(parser)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds until an answer")
    parser.add_argument("--scenarios", metavar="FILE", help="a JSON file of scenarios beside the built-in ones")
    options = parser.parse_args(arguments)
    try:
        scenarios = load_scenarios(options.scenarios) if options.scenarios else ()
        serve_until_told(scripted_model(scenarios, latency=options.latency), port=options.port)
    except DemoError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
