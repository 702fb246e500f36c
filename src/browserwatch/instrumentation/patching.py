"""Putting hooks around methods of browser-use, and taking them off again.

A plain function takes a method's place: one frame, as cheap as Python has it, and wrapt's wrappers of others fit around it.
Modules are patched when they are imported, not before: importing browser-use on the user's behalf would take a second
and read its environment variables too early.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

import wrapt

from browserwatch.events import HookInstalled
from browserwatch.instrumentation.observer import Observer

logger: Final = logging.getLogger("browserwatch.instrumentation")
S = TypeVar("S", bound="Closable")
Args: TypeAlias = tuple[Any, ...]
Kwargs: TypeAlias = Mapping[str, Any]
Replacement: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Makes the function that takes a method's place from that method."""


class Closable(Protocol):
    """What a hook keeps during the call."""

    def close(self) -> None:
        """Undo whatever entering did; may be called twice."""
        ...


class Around(Protocol, Generic[S]):
    """A hook that sees a call begin and end."""

    def enter(self, instance: Any, args: Args, kwargs: Kwargs, /) -> S | None:
        """Before the call; None leaves it unwatched."""
        ...

    def leave(self, scope: S, result: Any, error: BaseException | None, /) -> None:
        """After the call, with what it returned or raised."""
        ...


@dataclass(frozen=True, slots=True)
class PatchPoint:
    """One method that is hooked: where it is, and what makes the function that takes its place."""

    hook: str
    module: str
    owner: str
    attribute: str
    make: Callable[[Observer, str], Replacement]


def around(make: Callable[[Observer], Around[Any]]) -> Callable[[Observer, str], Replacement]:
    """Around an async method, from a hook that sees a call begin and end.

    The scope lives in this frame alone, so nothing of the call is held once it has returned.
    """

    def build(observer: Observer, name: str) -> Replacement:
        hook = make(observer)

        def finish(scope: Any, result: Any, error: BaseException | None) -> None:
            try:
                hook.leave(scope, result, error)
            finally:
                scope.close()

        def replace(method: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
            @functools.wraps(method)
            async def call(instance: Any, *args: Any, **kwargs: Any) -> Any:
                scope = observer.attempt(name, hook.enter, instance, args, kwargs) if observer.active else None
                if scope is None:
                    return await method(instance, *args, **kwargs)
                try:
                    result = await method(instance, *args, **kwargs)
                except BaseException as error:
                    observer.attempt(name, finish, scope, None, error)
                    raise
                observer.attempt(name, finish, scope, result, None)
                return result

            return call

        return replace

    return build


def before(make: Callable[[Observer], Callable[[Any, Args, Kwargs], None]]) -> Callable[[Observer, str], Replacement]:
    """In front of a method, from a function that only looks at a call before it is made."""

    def build(observer: Observer, name: str) -> Replacement:
        look = make(observer)

        def replace(method: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(method)
            def call(instance: Any, *args: Any, **kwargs: Any) -> Any:
                if observer.active:
                    observer.attempt(name, look, instance, args, kwargs)
                return method(instance, *args, **kwargs)

            return call

        return replace

    return build


class Patches:
    """The patch points of one `instrument()` call."""

    def __init__(self, observer: Observer, points: tuple[PatchPoint, ...]) -> None:
        self._observer = observer
        self._points = points
        self._applied: list[tuple[type, str, Any, Any]] = []

    def apply(self) -> None:
        """Patch what is imported, and the rest when it is."""
        for module in dict.fromkeys(point.module for point in self._points):
            if module in sys.modules:
                self._patch_module(sys.modules[module])
            else:
                wrapt.register_post_import_hook(self._patch_module, module)

    def restore(self) -> None:
        """Put the originals back. A patch that somebody else has patched over since stays, and does nothing."""
        self._observer.active = False
        for owner, attribute, original, patched in reversed(self._applied):
            if owner.__dict__.get(attribute) is patched:
                setattr(owner, attribute, original)
        self._applied.clear()

    def _patch_module(self, module: Any) -> None:
        if not self._observer.active:
            return  # uninstrumented before the import
        for point in self._points:
            if point.module == module.__name__:
                self._observer.attempt(point.hook, self._patch, point, module)

    def _patch(self, point: PatchPoint, module: Any) -> None:
        owner = getattr(module, point.owner, None)
        original = owner.__dict__.get(point.attribute) if isinstance(owner, type) else None
        if owner is None or original is None:
            self._observer.emit(HookInstalled(hook=point.hook, installed=False))
            logger.warning(
                "%s.%s.%s does not exist in this version: the hook %r is off, and what it would show is missing.",
                point.module,
                point.owner,
                point.attribute,
                point.hook,
            )
            return
        patched = point.make(self._observer, point.hook)(original)
        setattr(owner, point.attribute, patched)
        self._applied.append((owner, point.attribute, original, patched))
        self._observer.emit(HookInstalled(hook=point.hook, installed=True))
