import asyncio
import datetime as dt
import ipaddress
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from browserwatch.sessions.errors import StoreUnavailableError
from browserwatch.sessions.redis_binary import find_redis_server
from browserwatch.sessions.redis_client import RedisClient

READY = b"Ready to accept connections"


class Encrypted(NamedTuple):
    """A Redis that speaks TLS only."""

    port: int
    certificate: Path


def certify(certificate: Path, key_file: Path) -> None:
    """A certificate for this machine that nobody trusts yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
async def encrypted(tmp_path: Path) -> AsyncGenerator[Encrypted]:
    certificate, key_file, port = tmp_path / "cert.pem", tmp_path / "key.pem", free_port()
    certify(certificate, key_file)
    files = ("--tls-cert-file", certificate, "--tls-key-file", key_file, "--tls-ca-cert-file", certificate)
    options = ("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no", "--bind", "127.0.0.1", "--save", "")
    process = await asyncio.create_subprocess_exec(
        find_redis_server(), *files, *options, "--requirepass", "geheim", stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            if READY in line:
                break
        else:
            pytest.skip("this redis-server was built without TLS")
        yield Encrypted(port, certificate)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_tls_with_a_password(encrypted: Encrypted) -> None:
    """By URL alone: scheme, user, password and the authority to trust."""
    url = f"rediss://default:geheim@127.0.0.1:{encrypted.port}/0?ssl_ca_certs={encrypted.certificate}"
    client = RedisClient(url)
    assert await client.ping() > 0
    await client.close()


async def test_an_unknown_certificate_is_not_trusted(encrypted: Encrypted) -> None:
    """The error says that it is the certificate; and a connection without TLS gets nowhere."""
    for scheme, reason in (("rediss", "SSLCertVerificationError"), ("redis", r"\w*Error")):
        client = RedisClient(f"{scheme}://default:geheim@127.0.0.1:{encrypted.port}/0")
        with pytest.raises(StoreUnavailableError, match=f"can't be reached: ({reason})$"):
            await client.ping()
        await client.close()
