"""The demo site as a program: `python -m browserwatch.demo.site`."""

import argparse
import sys

from browserwatch.demo.errors import DemoError
from browserwatch.demo.serving import port_argument, serve_until_told
from browserwatch.demo.site_app import demo_site


def main(arguments: list[str] | None = None) -> None:
    """Serve the demo site until stdin closes; its address is printed as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.demo.site", description=main.__doc__)
    port_argument(parser)
    options = parser.parse_args(arguments)
    try:
        serve_until_told(demo_site(), port=options.port)
    except DemoError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
