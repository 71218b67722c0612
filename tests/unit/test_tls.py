"""``tls="1.3"``: what speaks it is reached, what does not is refused in words that help, in `Client`'s wire and in `Transport`."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from integrakit._http import Wire
from integrakit._http.tls import checked_tls, refused_for_its_version
from integrakit.errors import ConfigurationError, ConnectError
from integrakit.http import Request, Timeout
from integrakit.http.transport import Transport
from integrakit.runtimes import runtime

trustme = pytest.importorskip("trustme")


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


@pytest.fixture(scope="module")
def authority() -> Any:
    return trustme.CA()


class TLSServer:
    """Answers each request with the version of TLS it came over."""

    def __init__(self, authority: Any, least: ssl.TLSVersion, most: ssl.TLSVersion) -> None:
        import socket

        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(self._context)
        self._context.minimum_version, self._context.maximum_version = least, most
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}/"
        self.shaken = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, plain: Any) -> None:
        plain.settimeout(5)
        with contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as connection:
            self.shaken += 1
            connection.recv(65536)
            body = str(connection.version()).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        plain.close()

    def close(self) -> None:
        import socket

        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def new(authority: Any) -> Iterator[TLSServer]:
    server = TLSServer(authority, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    yield server
    server.close()


@pytest.fixture
def old(authority: Any) -> Iterator[TLSServer]:
    server = TLSServer(authority, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def trusted(authority: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


async def fetched(wire: Wire, url: str) -> str:
    try:
        answer = await runtime().send(wire, Request(method="GET", url=url, timeout=Timeout()), 5.0)
        return str(answer.text)
    finally:
        await wire.aclose()


def test_what_speaks_it_is_reached(library: Any, world: Any, new: TLSServer) -> None:
    for tls in ("1.3", "1.2", None):
        assert world(lambda tls=tls: fetched(Wire(library.__name__, tls=tls), new.url)) == "TLSv1.3"


def test_what_does_not_is_refused_in_clear_words(library: Any, world: Any, old: TLSServer) -> None:
    for tls in ("1.2", None):
        assert world(lambda tls=tls: fetched(Wire(library.__name__, tls=tls), old.url)) == "TLSv1.2"
    before = old.shaken
    with pytest.raises(ConnectError, match=r"the server does not speak TLS 1\.3, which tls= asks for\); nothing was sent") as caught:
        world(lambda: fetched(Wire(library.__name__, tls="1.3"), old.url))
    assert not caught.value.sent
    assert caught.value.lasting  # another try would end in the same way
    assert old.shaken == before


def test_certificates_are_looked_at_all_the_same(library: Any, world: Any, new: TLSServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    with pytest.raises(ConnectError, match=r"(?i)certificate"):
        world(lambda: fetched(Wire(library.__name__, tls="1.3"), new.url))


def test_a_proxy_in_the_environment_is_used_with_it(library: Any, world: Any, serve: Any, old: TLSServer, new: TLSServer, monkeypatch: Any) -> None:
    tunnels: list[str] = []

    def tunnel(asked: Any) -> Any:
        import socket

        def connect(connection: Any) -> None:
            tunnels.append(asked.target)
            host, _, port = asked.target.partition(":")
            with socket.create_connection((host, int(port))) as there:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

                def pump(source: Any, target: Any) -> None:
                    with contextlib.suppress(OSError):
                        while data := source.recv(65536):
                            target.sendall(data)
                    with contextlib.suppress(OSError):
                        target.shutdown(socket.SHUT_WR)

                back = threading.Thread(target=pump, args=(there, connection))
                back.start()
                pump(connection, there)
                back.join(5)

        return connect

    proxy = serve(tunnel)
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    assert world(lambda: fetched(Wire(library.__name__, tls="1.3"), new.url)) == "TLSv1.3"
    with pytest.raises(ConnectError, match=r"does not speak TLS 1\.3"):
        world(lambda: fetched(Wire(library.__name__, tls="1.3"), old.url))
    assert len(tunnels) == 2


def test_a_transport_requires_it_too(library: Any, new: TLSServer, old: TLSServer) -> None:
    with library.Client(transport=Transport(tls="1.3")) as http:
        assert http.get(new.url).text == "TLSv1.3"
        with pytest.raises(library.ConnectError) as caught:
            http.get(old.url)
        assert caught.value.__notes__ == ["the server does not speak TLS 1.3, which tls= asks for"]

    async def main() -> None:
        async with library.AsyncClient(transport=Transport(tls="1.3")) as http:
            assert (await http.get(new.url)).text == "TLSv1.3"
            with pytest.raises(library.ConnectError) as caught:
                await http.get(old.url)
            assert "does not speak TLS 1.3" in caught.value.__notes__[0]
        async with library.AsyncClient(transport=Transport(tls="1.2")) as http:
            assert (await http.get(old.url)).text == "TLSv1.2"

    asyncio.run(main())


def test_the_users_own_clients_say_it_themselves(library: Any) -> None:
    with (
        library.Client() as own,
        pytest.raises(ConfigurationError, match=r"minimum_version = ssl\.TLSVersion\.TLSv1_3; and give them verify=context"),
    ):
        Wire(own, tls="1.3")
    assert ssl.TLSVersion.TLSv1_3.name == "TLSv1_3"


@pytest.mark.parametrize("tls", ["1.1", "TLSv1.3", "", 1.3, 3, True, b"1.3", ["1.3"]])
def test_wrong_versions(tls: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'tls= takes "1\.3" or "1\.2"'):
        checked_tls(tls)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1006)", True),
        ("[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:997)", True),
        ("[SSL: WRONG_SSL_VERSION] wrong ssl version", True),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", False),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", False),  # not TLS at all
        ("Connection refused", False),
    ],
)
def test_what_openssl_says(words: str, told: bool) -> None:
    assert bool(refused_for_its_version("1.3", ValueError(words))) is told
    assert refused_for_its_version(None, ValueError(words)) == ""
