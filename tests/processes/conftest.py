"""Programs made up for a test, and no variable of ours."""

from tests.cli.conftest import make_program, plain_environment

__all__ = ["make_program", "plain_environment"]
