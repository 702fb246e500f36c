"""The resolved project, once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.tools import resolved


@pytest.fixture(scope="session")
def project() -> Any:
    """deploy/compose.yaml with everything filled in."""
    return resolved()


@pytest.fixture(scope="session")
def services(project: Any) -> dict[str, Any]:
    """Its services, by name."""
    return project["services"]
