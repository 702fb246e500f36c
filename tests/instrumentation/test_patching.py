import asyncio
import gc
import importlib
import inspect
import itertools
import logging
import sys
import weakref
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from browserwatch.events import Event, HookFailed, HookInstalled
from browserwatch.instrumentation.observer import Observer
from browserwatch.instrumentation.patching import Args, Kwargs, Patches, PatchPoint, around
from tests.instrumentation.observers import plain_observer

SOURCE = '''
import asyncio

class Greeter:
    """Greets."""

    async def greet(self, name, *, shout=False):
        """Greets one."""
        await asyncio.sleep(0)
        if isinstance(name, BaseException):
            raise name
        return [name.upper() if shout else name]

    async def wait(self):
        await asyncio.Event().wait()

class Polite(Greeter):
    pass
'''
numbers = itertools.count()


class Hook:
    """A hook that notes what it sees, and raises where it is told to."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.raises = ""
        self.unwatched = False

    def _maybe(self, where: str) -> None:
        if self.raises == where:
            raise ZeroDivisionError(where)

    def enter(self, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        """Before the call."""
        self.seen.append("enter")
        self._maybe("enter")
        return None if self.unwatched else self

    def leave(self, scope: Any, result: Any, error: BaseException | None) -> None:
        """After the call."""
        assert scope is self
        self.seen.append(("leave", result, error))
        self._maybe("leave")

    def close(self) -> None:
        """At last."""
        self.seen.append("close")
        self._maybe("close")


class Bench:
    """A module to patch, an observer, and one hook."""

    def __init__(self, folder: Path) -> None:
        self.name = f"greetings_{next(numbers)}"  # hooks on imports can't be taken back: each test has its own module
        (folder / f"{self.name}.py").write_text(SOURCE, "utf-8")
        self.events: list[Event] = []
        self.hook = Hook()
        self.observer = plain_observer(self.events.append)

    def load(self) -> Any:
        """Import the module."""
        __import__(self.name)
        return sys.modules[self.name]

    def patches(self, *attributes: str, owner: str = "Greeter") -> Patches:
        """Patches for methods of a class."""
        points = [
            PatchPoint(f"hook_{attribute}", self.name, owner, attribute, around(lambda _: self.hook))
            for attribute in attributes or ("greet",)
        ]
        return Patches(self.observer, tuple(points))

    def installed(self) -> list[tuple[str, bool]]:
        """What was told of the hooks' state."""
        return [(event.hook, event.installed) for event in self.events if isinstance(event, HookInstalled)]

    def failed(self) -> list[str]:
        """Which hooks were told to have failed."""
        return [event.hook for event in self.events if isinstance(event, HookFailed)]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Bench]:
    """A bench whose module can be imported, and is gone afterwards."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()
    bench = Bench(tmp_path)
    yield bench
    bench.observer.active = False
    sys.modules.pop(bench.name, None)


def own(thing: Any) -> dict[str, Any]:
    """What a class or module has itself."""
    return {**vars(thing)}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def returned(value: object) -> list[Any]:
    """What the hook sees of a call that returned this."""
    return ["enter", ("leave", value, None), "close"]


# --- putting on and taking off -----------------------------------------------------------------------------------------
async def test_imported_before(bench: Bench) -> None:
    """A module that is imported already is patched at once."""
    module = bench.load()
    bench.patches().apply()
    assert bench.installed() == [("hook_greet", True)]
    assert await module.Greeter().greet("you", shout=True) == ["YOU"]
    assert bench.hook.seen == returned(["YOU"])


async def test_imported_after(bench: Bench) -> None:
    """A module that is imported later is patched then, and is not imported for it."""
    bench.patches().apply()
    assert bench.name not in sys.modules
    assert bench.events == []
    module = bench.load()
    assert bench.installed() == [("hook_greet", True)]
    assert await module.Greeter().greet("you") == ["you"]
    assert bench.hook.seen == returned(["you"])


async def test_subclasses_and_instances(bench: Bench) -> None:
    """Instances made before, and subclasses that inherit the method, are watched too."""
    module = bench.load()
    greeter = module.Polite()
    bench.patches().apply()
    assert await greeter.greet("you") == ["you"]
    assert bench.hook.seen == returned(["you"])


def test_looks_like_the_original(bench: Bench) -> None:
    """Name, documentation, signature and kind of the method stay what they are: browser-use inspects some."""
    module = bench.load()
    before = inspect.signature(module.Greeter.greet)
    bench.patches().apply()
    method = module.Greeter.greet
    assert (method.__name__, method.__qualname__, method.__doc__) == ("greet", "Greeter.greet", "Greets one.")
    assert inspect.signature(method) == before
    assert inspect.iscoroutinefunction(method)


async def test_restore(bench: Bench) -> None:
    """Taking off puts the very same functions back."""
    module = bench.load()
    originals = own(module.Greeter)
    patches = bench.patches("greet", "wait")
    patches.apply()
    assert {name for name, value in own(module.Greeter).items() if originals[name] is not value} == {"greet", "wait"}
    patches.restore()
    patches.restore()
    assert all(originals[name] is value for name, value in own(module.Greeter).items())
    assert set(originals) == set(own(module.Greeter))
    assert await module.Greeter().greet("you") == ["you"]
    assert bench.hook.seen == []


def test_restore_before_the_import(bench: Bench) -> None:
    """A module that is imported after the patches were taken off is left alone."""
    patches = bench.patches()
    patches.apply()
    patches.restore()
    module = bench.load()
    assert inspect.isfunction(own(module.Greeter)["greet"])
    assert bench.events == []


async def test_restore_during_a_call(bench: Bench) -> None:
    """A call that is under way when the patches are taken off ends as it began: what was entered is left."""
    module = bench.load()
    patches = bench.patches()
    patches.apply()
    task = asyncio.create_task(module.Greeter().greet("you"))
    await asyncio.sleep(0)
    assert bench.hook.seen == ["enter"]
    patches.restore()
    assert await task == ["you"]
    assert bench.hook.seen == returned(["you"])


async def test_a_foreign_patch_stays(bench: Bench) -> None:
    """What somebody else has patched over ours since stays; ours under it is inert."""
    module = bench.load()
    patches = bench.patches()
    patches.apply()
    ours = own(module.Greeter)["greet"]

    async def theirs(self: Any, name: str) -> list[str]:
        return [*await ours.__get__(self)(name), "theirs"]

    module.Greeter.greet = theirs
    patches.restore()
    assert own(module.Greeter)["greet"] is theirs
    assert await module.Greeter().greet("you") == ["you", "theirs"]
    assert bench.hook.seen == []


async def test_apply_again_after_restore(bench: Bench) -> None:
    """On, off and on again watches each call once."""
    module = bench.load()
    for _ in range(3):
        bench.observer.active = True
        patches = bench.patches()
        patches.apply()
        bench.hook.seen.clear()
        await module.Greeter().greet("you")
        assert bench.hook.seen == returned(["you"])
        patches.restore()


@pytest.mark.parametrize(("owner", "attribute"), [("Missing", "greet"), ("Greeter", "missing"), ("asyncio", "sleep")])
def test_missing(bench: Bench, caplog: pytest.LogCaptureFixture, owner: str, attribute: str) -> None:
    """A class or method that this version lacks is told, once, by its full name, and nothing is made up in its place."""
    module = bench.load()
    before = own(module)
    bench.patches(attribute, owner=owner).apply()
    assert bench.installed() == [(f"hook_{attribute}", False)]
    assert len(warnings(caplog)) == 1
    assert f"{bench.name}.{owner}.{attribute} does not exist" in warnings(caplog)[0]
    assert {name: value for name, value in own(module).items() if before.get(name) is not value} == {}


async def test_missing_beside_others(bench: Bench) -> None:
    """One hook that is off leaves the others on."""
    module = bench.load()
    patches = bench.patches("missing", "greet")
    patches.apply()
    assert bench.installed() == [("hook_missing", False), ("hook_greet", True)]
    await module.Greeter().greet("you")
    assert bench.hook.seen == returned(["you"])
    patches.restore()
    assert not hasattr(module.Greeter, "missing")


def test_a_wrapper_that_can_not_be_made(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A hook that raises while it is put on is told as failed, and the import goes on."""

    def broken(observer: Observer, name: str) -> Any:
        raise ZeroDivisionError

    Patches(bench.observer, (PatchPoint("broken", bench.name, "Greeter", "greet", broken),)).apply()
    module = bench.load()
    assert inspect.isfunction(own(module.Greeter)["greet"])
    assert bench.failed() == ["broken"]
    assert len(warnings(caplog)) == 1


# --- calls -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyError(1), asyncio.CancelledError(), KeyboardInterrupt()], ids=repr
)
async def test_errors_pass(bench: Bench, error: BaseException) -> None:
    """What the call raises comes out as the very same object, and the hook sees it."""
    module = bench.load()
    bench.patches().apply()
    with pytest.raises(type(error)) as caught:
        await module.Greeter().greet(error)
    assert caught.value is error
    assert error.__cause__ is None
    assert error.__context__ is None
    assert bench.hook.seen == ["enter", ("leave", None, error), "close"]


async def test_cancellation_passes(bench: Bench) -> None:
    """A cancelled call is cancelled, and the hook sees that it was."""
    module = bench.load()
    bench.patches("wait").apply()
    task = asyncio.create_task(module.Greeter().wait())
    await asyncio.sleep(0)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    (_, (_, _, error), _) = bench.hook.seen
    assert isinstance(error, asyncio.CancelledError)
    assert error.args == ("enough",)


async def test_result_is_the_same_object(bench: Bench) -> None:
    """What the call returned is what the caller gets."""
    module = bench.load()
    bench.patches().apply()
    result = await module.Greeter().greet("you")
    assert bench.hook.seen[1][1] is result


async def test_unwatched(bench: Bench) -> None:
    """A hook that has no interest in a call sees no more of it."""
    bench.hook.unwatched = True
    module = bench.load()
    bench.patches().apply()
    assert await module.Greeter().greet("you") == ["you"]
    assert bench.hook.seen == ["enter"]


@pytest.mark.parametrize("where", ["enter", "leave", "close"])
@pytest.mark.parametrize("fails", [False, True], ids=["returns", "raises"])
async def test_a_hook_that_raises(bench: Bench, caplog: pytest.LogCaptureFixture, where: str, *, fails: bool) -> None:
    """A hook of ours that raises changes nothing for the caller; each failure is counted, the first warned about."""
    bench.hook.raises = where
    module = bench.load()
    bench.patches().apply()
    error = LookupError("theirs")
    for _ in range(3):
        if fails:
            with pytest.raises(LookupError) as caught:
                await module.Greeter().greet(error)
            assert caught.value is error
            assert caught.value.__context__ is None
        else:
            assert await module.Greeter().greet("you") == ["you"]
    assert bench.failed() == ["hook_greet"] * 3
    assert len(warnings(caplog)) == 1
    assert f"(ZeroDivisionError: {where})" in warnings(caplog)[0]
    last = {"enter": "enter", "leave": "close", "close": "close"}[where]
    assert bench.hook.seen[-1] == last


async def test_a_receiver_that_raises(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """When not even the account of a failure can be given, the call still goes on."""

    def refuse(event: Event) -> None:
        raise OSError("full")

    inner: Any = bench.observer
    inner._emit = refuse
    bench.hook.raises = "enter"
    module = bench.load()
    bench.patches().apply()
    for _ in range(3):
        assert await module.Greeter().greet("you") == ["you"]
    assert len(warnings(caplog)) <= 2


async def test_secrets_of_a_failed_hook(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """The warning about a failed hook shows no secret that its error quotes."""
    bench.observer.redactor.declare(["enter"])
    bench.hook.raises = "enter"
    module = bench.load()
    bench.patches().apply()
    await module.Greeter().greet("you")
    assert "(ZeroDivisionError: [REDACTED])" in warnings(caplog)[0]


class Big:
    """Something that must not be kept."""


async def forgotten(call: Callable[[Any, Any], Awaitable[object]], owner: Any) -> list[bool]:
    """Whether instance, argument and result are still there after a call."""
    instance, argument = owner(), Big()
    kept: list[weakref.ref[Any]] = [weakref.ref(instance), weakref.ref(argument)]
    result = await call(instance, argument)
    kept.append(weakref.ref(result))
    del instance, argument, result
    gc.collect()
    return [reference() is None for reference in kept]


async def test_nothing_is_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a call nothing of it is referenced by the patch: not the instance, its arguments, or its result."""
    module = bench.load()

    async def make(self: Any, argument: object) -> Big:
        return Big()

    monkeypatch.setattr(module.Greeter, "greet", make)
    bench.hook.seen = Forgetful()
    bench.patches().apply()
    assert await forgotten(lambda greeter, big: greeter.greet(big), module.Greeter) == [True, True, True]


class Forgetful(list[Any]):
    """A list that keeps nothing."""

    def append(self, _: Any) -> None:
        """Forget it."""


async def test_no_error_is_kept(bench: Bench) -> None:
    """Nor the error that it raised, with all the frames that hang on it."""
    module = bench.load()
    bench.hook.seen = Forgetful()
    bench.patches().apply()

    class OwnError(Exception):
        pass

    async def fail() -> weakref.ref[Exception]:
        error = OwnError()
        reference = weakref.ref[Exception](error)
        with suppress(OwnError):
            await module.Greeter().greet(error)
        return reference

    reference = await fail()
    gc.collect()
    assert reference() is None
