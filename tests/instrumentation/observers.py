"""Observers for tests of single hooks."""

from __future__ import annotations

from browserwatch.events import Emit
from browserwatch.instrumentation.observer import Observer
from browserwatch.pricing import Prices
from browserwatch.redaction import Redactor
from browserwatch.settings import Capture, Settings


def plain_observer(emit: Emit) -> Observer:
    """One that knows no secret, no price and no setting of the surroundings."""
    return Observer(
        emit=emit,
        redactor=Redactor(),
        settings=Settings.model_construct(),
        capture=Capture.NO_CONTENT,
        prices=Prices({}),
    )
