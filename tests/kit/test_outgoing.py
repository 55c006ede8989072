"""Where calls go: checked addresses only, whatever a name resolves to, and the certificate of the name all the same."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import hooks
from hooks.errors import SettingsError, Transient, Unconfigured
from hooks.events import Request
from hooks.kit.http import Http, Network
from hooks.registry import CATALOGUE

GET = Request("GET", "/x")
NAME = "api.vendor.example"


class Names:
    """A resolver that answers each time what it was told to, and counts."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Listener:
    """A server on loopback that answers everything with what it was asked, and counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.asked: list[bytes] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()

    @contextlib.asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Listener]:
        server = await asyncio.start_server(self.handle, host, 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


@contextlib.asynccontextmanager
async def client(url: str, network: Network) -> AsyncIterator[Http]:
    http = Http(url, timeout=5.0, network=network)
    try:
        yield http
    finally:
        await http.aclose()


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1", "::"]
)
async def test_a_name_that_leads_inside_is_not_called_and_waits_for_the_operator(address: str) -> None:
    async with client(f"https://{NAME}", Network(resolve=Names([address]))) as http:
        with pytest.raises(Unconfigured, match=rf"{NAME} resolves to {address}"):
            await http.send(GET)


async def test_only_the_addresses_that_may_be_called_are_tried() -> None:
    async with Listener().listening() as server:
        names = Names(["169.254.169.254", "224.0.0.1", "127.0.0.1"])
        async with client(f"https://{NAME}:{server.port}", Network(private=True, resolve=names)) as http:
            with pytest.raises(Transient, match="no connection"):  # it speaks no TLS, and it was reached
                await http.send(GET)
        assert 1 == server.connections


async def test_no_setting_opens_the_metadata_service_of_a_cloud() -> None:
    network = Network(private=True, resolve=Names(["169.254.169.254"]))
    async with client(f"https://{NAME}", network) as http:
        with pytest.raises(Unconfigured, match="never called"):
            await http.send(GET)


async def test_loopback_by_name_stays_on_loopback() -> None:
    async with client("http://localhost:9", Network(resolve=Names(["10.0.0.1"]))) as http:
        with pytest.raises(Unconfigured, match="private network"):
            await http.send(GET)


async def test_a_name_is_asked_for_once_for_many_calls_and_its_later_lies_are_not_heard() -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with Listener().listening() as server:
        async with client(f"http://localhost:{server.port}", Network(resolve=names)) as http:
            for _ in range(3):
                assert 200 == (await http.send(GET)).status
            await http.aclose()
        assert [("localhost", server.port)] == names.asked
        assert 1 == server.connections
    assert all(b"host: localhost:" in asked.lower() for asked in server.asked)


async def test_new_connections_go_to_the_address_that_was_checked() -> None:
    """The name is bound anew between the check and the connection: nobody asks again."""
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with (
        Listener().listening() as server,
        client(f"http://localhost:{server.port}", Network(resolve=names)) as http,
    ):
        await asyncio.gather(*(http.send(GET) for _ in range(4)))
        assert server.connections >= 2
        assert len(names.asked) <= 4
        assert len(names.asked) <= server.connections


async def test_an_address_that_does_not_answer_leaves_time_for_the_next() -> None:
    async with Listener().listening() as server:
        names = Names(["127.0.0.2", "127.0.0.1"])
        async with client(f"http://localhost:{server.port}", Network(resolve=names)) as http:
            assert 200 == (await http.send(GET)).status


async def test_when_no_address_answers_the_name_is_asked_for_again() -> None:
    async with Listener().listening() as server:
        names = Names(["127.0.0.2"], ["127.0.0.1"])
        async with client(f"http://localhost:{server.port}", Network(resolve=names)) as http:
            with pytest.raises(Transient, match="no connection") as caught:
                await http.send(GET)
            assert not caught.value.unknown
            assert 200 == (await http.send(GET)).status


async def test_a_name_that_cannot_be_resolved_has_sent_nothing() -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async with client(f"https://{NAME}", Network(resolve=nobody)) as http:
        with pytest.raises(Transient, match="its name cannot be resolved") as caught:
            await http.send(GET)
    assert not caught.value.unknown


async def test_a_resolver_that_hangs_ends_with_the_connection_limit() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with client(f"https://{NAME}", Network(resolve=never)) as http:
        with pytest.raises(Transient, match="not resolved in time") as caught:
            await http.send(GET, timeout=0.2)
    assert not caught.value.unknown


# --- TLS ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority of its own and a certificate for `NAME`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is needed to make a certificate")
    folder = tmp_path_factory.mktemp("authority")
    new = [openssl, "req", "-newkey", "rsa:2048", "-nodes", "-batch"]
    root = [*new, "-x509", "-days", "2", "-subj", "/CN=test root", "-keyout", "root.key", "-out", "root.pem"]
    asked = [*new, "-subj", f"/CN={NAME}", "-keyout", "name.key", "-out", "name.csr"]
    signed = [openssl, "x509", "-req", "-in", "name.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", "2"]
    (folder / "names").write_text(f"subjectAltName=DNS:{NAME}\n")
    for command in (root, asked, [*signed, "-CAcreateserial", "-extfile", "names", "-out", "name.pem"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def certificate(authority: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority / "name.pem", authority / "name.key")
    return context


async def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    authority: Path, certificate: ssl.SSLContext
) -> None:
    network = Network(private=True, ca_file=str(authority / "root.pem"), resolve=Names(["127.0.0.1"]))
    async with Listener().listening(certificate) as server:
        async with client(f"https://{NAME}:{server.port}", network) as http:
            assert 200 == (await http.send(GET)).status
        async with client(f"https://other.vendor.example:{server.port}", network) as http:
            with pytest.raises(Transient, match=r"no connection.*certificate"):
                await http.send(GET)
    assert [True] == [f"Host: {NAME}".encode() in asked for asked in server.asked]


async def test_an_authority_of_ones_own_is_believed_where_it_was_named_and_nowhere_else(
    certificate: ssl.SSLContext,
) -> None:
    network = Network(private=True, resolve=Names(["127.0.0.1"]))
    async with Listener().listening(certificate) as server, client(f"https://{NAME}:{server.port}", network) as http:
        with pytest.raises(Transient, match=r"no connection.*certificate"):
            await http.send(GET)


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_a_file_of_authorities_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    async with client("https://127.0.0.1:9", Network(ca_file=str(file))) as http:
        with pytest.raises(Unconfigured, match=r"ca_file .*ca\.pem cannot be read"):
            await http.send(GET)


# --- settings ---


def test_every_client_of_a_vendor_keeps_to_what_its_connection_may_call() -> None:
    careless = [
        f"{file.parent.name}/{file.name}:{call.lineno}"
        for file in sorted((Path(hooks.__file__).parent / "vendors").glob("*/*.py"))
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Http"
        if "network" not in {keyword.arg for keyword in call.keywords}
    ]

    assert [] == careless


def test_an_address_that_is_never_called_is_refused_at_once() -> None:
    with pytest.raises(SettingsError, match="never called"):
        Http("https://169.254.169.254")


@pytest.mark.parametrize("vendor", ["homebase360", "servicetitan"])
def test_a_private_address_needs_a_word_in_the_connection(vendor: str) -> None:
    model = CATALOGUE[vendor].connection_settings
    assert model is not None
    keys = (
        {"api_key": "k"}
        if vendor == "homebase360"
        else {
            "tenant": 1,
            "app_key": "a",
            "client_id": "b",
            "client_secret": "c",
            "auth_url": "https://192.168.7.7/token",
        }
    )
    given = {**keys, "base_url": "https://10.1.2.3/api"}

    with pytest.raises(ValueError, match="allow_private: true"):
        model.model_validate(given)
    assert model.model_validate({**given, "allow_private": True}).allow_private
