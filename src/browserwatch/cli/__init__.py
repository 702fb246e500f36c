"""The command line: `browserwatch demo` shows what there is to see, `browserwatch doctor` says what is missing."""


def main() -> None:
    """Entry point of the program `browserwatch`."""
    from browserwatch.cli.app import app  # noqa: PLC0415  # importing this package must stay cheap

    app()
