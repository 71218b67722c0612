"""What is recorded of an exchange, what never is, and what happens when nothing can be recorded. I/O runs in four worlds."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import hmac
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from tests.fakes.token_server import TokenServer

from integrakit.audit import AuditLog, Head, SignedHead, verify_head
from integrakit.errors import ConfigurationError, ConnectError, NotFound, ReauthorisationNeeded, SignatureError, StoreError, StoreTooNew
from integrakit.http import ApiKey, BasicAuth, BearerToken, Client, IdempotencyKey, OAuth2RefreshToken, PerAttempt, Retry, Transport
from integrakit.http.stack import compose
from integrakit.model import Request, Response
from integrakit.runtimes import SimulatedRuntime, drive, runtime

FORMS = ["audit.db", "audit.jsonl"]
URL = "https://shop.example/orders"


@pytest.fixture(params=FORMS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def answer(status: int = 200, body: bytes = b'{"id": 7}', **headers: str) -> Callable[[Request], Any]:
    async def send(request: Request) -> Response:
        raw = httpx.Response(status, content=body, headers=headers, request=httpx.Request(request.method, "https://shop.example/"))
        response = Response(raw, request, attempts=request.attempt)
        if status >= 400:
            response.error = NotFound(f"{request} answered {status}: customer Jane Doe is unknown", response=response)
        return response

    return send


def failing(problem: BaseException) -> Callable[[Request], Any]:
    async def send(request: Request) -> Response:
        raise problem

    return send


def post(**more: Any) -> Request:
    return Request(method="POST", url=URL, **more)


def around(log: AuditLog, send: Callable[[Request], Any], *between: Any) -> Callable[[Request], Any]:
    return compose([log.call, *between, log.attempt], send)


def everything(path: Path) -> bytes:
    """All bytes that a log has on the disk."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def fill(log: AuditLog, calls: int = 3) -> None:
    for number in range(calls):
        drive(around(log, answer())(post(json={"n": number})))


def test_a_call_is_three_records(path: Path, world: Any) -> None:
    async def main() -> None:
        await around(log, answer(x_request_id="none", **{"x-request-id": "r-9"}))(post(json={"a": 1}, params={"page": 2}, headers={"X-Trace": "t"}))

    with AuditLog(path, actor="orders-sync") as log:
        world(main)
        begun, started, attempt, call = log
        assert [record.kind for record in (begun, started, attempt, call)] == ["log", "started", "attempt", "call"]
        assert [record.seq for record in (begun, started, attempt, call)] == [0, 1, 2, 3]
        assert started.outcome is None
        assert started.exchange == attempt.exchange
        for record in (started, attempt, call):
            assert record.call == call.call
            assert (record.actor, record.method, record.url, record.params) == ("orders-sync", "POST", URL, (("page", "2"),))
            assert record.headers == ("x-trace",)
            assert record.request_hash == "sha256:" + hashlib.sha256(b'{"a":1}').hexdigest()
            assert record.request_bytes == 7
            assert str(record.process).endswith(f":{os.getpid()}")
        for record in (attempt, call):
            assert (record.outcome, record.status, record.request_id, record.attempt) == ("200", 200, "r-9", 1)
            assert record.response_hash == "sha256:" + hashlib.sha256(b'{"id": 7}').hexdigest()
            assert record.seconds is not None
        assert log.verify().ok
        assert log.unfinished() == []


def test_time_is_that_of_the_world(path: Path) -> None:
    async def slow(request: Request) -> Response:
        await runtime().sleep(2.5)
        response: Response = await answer()(request)
        return response

    with AuditLog(path) as log:
        SimulatedRuntime().run(around(log, slow)(post()))
        records = list(log)[1:]
        assert [record.at.isoformat()[:21] for record in records] == ["2026-01-01T00:00:00+0", "2026-01-01T00:00:02.5", "2026-01-01T00:00:02.5"]
        assert records[-1].seconds == 2.5


def test_every_attempt_is_recorded(path: Path, world: Any) -> None:
    answers = iter([failing(ConnectError("no", sent=False)), answer(503), answer()])

    async def send(request: Request) -> Response:
        response: Response = await next(answers)(request)
        return response

    async def main() -> Any:
        return await around(log, send, Retry(random=lambda: 0.0))(Request(method="PUT", url=URL))

    with AuditLog(path) as log:
        assert world(main).attempts == 3
        records = list(log)[1:]
        assert [(record.kind, record.attempt, record.outcome) for record in records] == [
            ("started", 1, None),
            ("attempt", 1, "ConnectError"),
            ("started", 2, None),
            ("attempt", 2, "NotFound"),
            ("started", 3, None),
            ("attempt", 3, "200"),
            ("call", 3, "200"),
        ]
        assert records[1].sent is False
        assert len({record.call for record in records}) == 1


@pytest.mark.parametrize("messages", [False, True])
def test_words_of_errors_are_kept_only_when_asked_for(path: Path, world: Any, messages: bool) -> None:
    async def main() -> None:
        await around(log, answer(404))(post())
        with pytest.raises(ConnectError):
            await around(log, failing(ConnectError("Jane Doe is unreachable")))(post())

    with AuditLog(path, messages=messages) as log:
        world(main)
        assert [record.outcome for record in log if record.kind == "call"] == ["NotFound", "ConnectError"]
        assert [record.message is not None for record in log if record.kind == "call"] == [messages, messages]
    assert (b"Jane Doe" in everything(path)) is messages


def test_who_is_acting(path: Path) -> None:
    names = iter(["first", "second"])
    with AuditLog(path, actor=lambda: next(names)) as log:
        for request in (post(), post(), post(extensions={"actor": "jane"})):
            drive(around(log, answer())(request))
        assert [record.actor for record in log if record.kind == "call"] == ["first", "second", "jane"]
    with AuditLog(path) as log:
        sent: list[Request] = []

        async def send(request: Request) -> Response:
            sent.append(request)
            raise AssertionError

        with pytest.raises(ConfigurationError, match="actor"):
            drive(around(log, send)(post(extensions={"actor": 7})))
        assert sent == []


def test_an_attempt_stands_alone_too(path: Path, world: Any) -> None:
    async def main() -> None:
        await compose([log.attempt], answer())(post(params={"page": "unknown-origin"}))

    with AuditLog(path) as log:
        world(main)
        assert [record.kind for record in log] == ["log", "started", "attempt"]
        # Nobody can tell who put it there: it may be a credential.
        assert list(log)[1].params == (("page", "***"),)


# ---------------------------------------------------------------------------------------------- secrets


SECRET = "s3cr3t-T0ken-value"


class Signing:
    """Credentials as the stack puts them in: outside of the attempt's record."""

    def __init__(self, auth: Any) -> None:
        self.auth = auth

    async def __call__(self, request: Request, call_next: Any, /) -> Response:
        response: Response = await call_next(await self.auth.authorise(request))
        return response


@pytest.mark.parametrize(
    "auth",
    [BearerToken(SECRET), ApiKey(SECRET, header="X-Shop"), ApiKey(SECRET, query="key"), ApiKey(SECRET, query="k"), BasicAuth("user", SECRET)],
    ids=lambda auth: repr(auth)[:30],
)
def test_nothing_secret_is_in_the_file(path: Path, world: Any, auth: Any) -> None:
    url = f"https://me:{SECRET}@shop.example/a?api_key={SECRET}&access_token={SECRET}#{SECRET}"
    request = Request(method="POST", url=url, params={"token": SECRET}, headers={"Cookie": SECRET, "X-Own": SECRET}, json={"password": SECRET})
    body = f'{{"access_token": "{SECRET}"}}'.encode()

    async def main() -> None:
        key = IdempotencyKey(query="idem")
        request.idempotency_key = "idem-" + SECRET
        await around(log, answer(200, body, **{"set-cookie": SECRET}), key, Signing(auth))(request)
        await around(log, answer(401, body), key, Signing(auth))(request)
        with pytest.raises(ConnectError):
            await around(log, failing(ConnectError(f"no connection with {SECRET}")), key, Signing(auth))(request)

    with AuditLog(path) as log:
        world(main)
        written = everything(path)
        encoded = base64.b64encode(f"user:{SECRET}".encode())
        assert b"shop.example" in written
        assert SECRET.encode() not in written
        assert encoded not in written
        assert b"authorization" in written or not isinstance(auth, BearerToken)
        assert all(str(record.idempotency_key_hash).startswith("sha256:") for record in log if record.kind == "attempt")
        assert SECRET not in repr(list(log))


def test_what_a_server_calls_an_exchange_may_echo_a_credential(serve: Any, path: Path, world: Any) -> None:
    server = serve(lambda asked: (200, {"X-Request-Id": f"r-1 {asked.headers['authorization']}"}, {}))

    async def main() -> None:
        async with Client(server.url, auth=BearerToken(SECRET), audit=log) as client:
            await client.aget("/")

    with AuditLog(path) as log:
        world(main)
        assert [record.request_id for record in log if record.status] == ["r-1 ***"] * 2
        assert SECRET.encode() not in everything(path)


def test_what_an_auth_asks_for_is_on_record_too(serve: Any, path: Path, world: Any) -> None:
    """A token, and a request that is sent once more after a 401: each is an exchange."""
    tokens = TokenServer()
    server = serve(tokens.serve)

    async def main() -> None:
        auth = OAuth2RefreshToken(f"{server.url}/token", client_id="c", client_secret=SECRET, refresh_token="refresh-token-0")
        async with Client(server.url, auth=auth, audit=log) as client:
            await client.apost("/orders", json={"a": 1})
            tokens.expire()
            await client.apost("/orders", json={"a": 1})
            tokens.expire()
            tokens.revoked = True
            with pytest.raises(ReauthorisationNeeded):
                await client.apost("/orders", json={"a": 1})

    with AuditLog(path, actor="me", messages=True) as log:
        world(main)
        assert log.verify().ok
        assert log.unfinished() == []
        ended = [record for record in log if record.kind in ("attempt", "call")]
        asked, sent, whole = (True, f"{server.url}/token"), (None, f"{server.url}/orders"), "call"
        assert [(record.authorisation, record.url, record.outcome) if record.kind == "attempt" else whole for record in ended] == [
            (*asked, "200"),
            (*sent, "200"),
            whole,
            (*sent, "AuthenticationError"),
            (*asked, "200"),
            (*sent, "200"),
            whole,
            (*sent, "AuthenticationError"),
            (*asked, "BadRequest"),  # the refresh token, and the one before it
            (*asked, "BadRequest"),
            whole,
        ]
        assert [record.outcome for record in ended if record.kind == "call"] == ["200", "200", "ReauthorisationNeeded"]
        assert len({record.call for record in ended}) == 3
        for record in log:
            hashed = record.request_hash == "sha256:" + hashlib.sha256(b'{"a":1}').hexdigest()
            assert hashed if record.url == f"{server.url}/orders" else record.request_hash is record.response_hash is record.message is None
        written = everything(path)
        for secret in (SECRET, "refresh-token-", "access-token-"):
            assert secret.encode() not in written


def test_a_call_that_got_no_token_sent_nothing(serve: Any, path: Path, world: Any) -> None:
    server = serve(lambda asked: (400, {}, {"error": "invalid_grant"}))

    async def main() -> None:
        auth = OAuth2RefreshToken(f"{server.url}/token", client_id="c", refresh_token="refresh-token-0")
        async with Client(server.url, auth=auth, audit=log) as client:
            with pytest.raises(ReauthorisationNeeded):
                await client.aget("/orders")

    with AuditLog(path) as log:
        world(main)
        assert [(record.kind, record.attempt, record.outcome) for record in log][1:] == [
            ("started", 1, None),
            ("attempt", 1, "BadRequest"),
            ("call", 0, "ReauthorisationNeeded"),
        ]


def test_policies_of_ones_own_record_each_exchange_once(serve: Any, path: Path, world: Any) -> None:
    server = serve(lambda asked: (200, {}, {}))

    async def main() -> None:
        async with Client(server.url, policies=[log.call, PerAttempt(log.attempt)]) as client:
            await client.aget("/")

    with AuditLog(path) as log:
        world(main)
        assert [record.kind for record in log] == ["log", "started", "attempt", "call"]


def test_inside_an_sdk_too(serve: Any, path: Path) -> None:
    tokens = TokenServer()
    server = serve(tokens.serve)
    auth = OAuth2RefreshToken(f"{server.url}/token", client_id="c", refresh_token="refresh-token-0")
    with AuditLog(path) as log, httpx.Client(transport=Transport(auth=auth, allow_hosts=[server.url], audit=log)) as sdk:
        assert sdk.get(f"{server.url}/orders").status_code == 200
        tokens.expire()
        assert sdk.get(f"{server.url}/orders").status_code == 200
        assert [record.authorisation for record in log if record.kind == "attempt"] == [True, None, None, True, None]


def test_values_can_be_left_out_and_text_can_be_redacted(path: Path) -> None:
    with AuditLog(path, values=False, redact=lambda text: text.replace("jane", "—")) as log:
        drive(around(log, answer())(Request(method="GET", url=URL + "/jane?email=j@x.example&flag", params={"name": "Doe"})))
        record = list(log)[-1]
        assert record.url == URL + "/—?email=***&flag"
        assert record.params == (("name", "***"),)
    assert b"j@x.example" not in everything(path)
    assert b"Doe" not in everything(path)


def test_bodies_by_hmac_or_not_at_all(path: Path, tmp_path: Path) -> None:
    key = b"k" * 32
    with AuditLog(path, bodies="hmac", key=key) as log:
        drive(around(log, answer())(post(content=b"4711", idempotency_key="7")))
        expected = "hmac-sha256:" + hmac.new(key, b"4711", hashlib.sha256).hexdigest()
        assert {record.request_hash for record in log if record.call} == {expected}
        assert str(list(log)[-1].idempotency_key_hash).startswith("hmac-sha256:")
    with AuditLog(tmp_path / "none.db", bodies="none") as log:
        drive(around(log, answer())(post(content=b"4711")))
        assert {record.request_hash for record in log} == {record.response_hash for record in log} == {None}


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"content": "größe"}, "größe".encode()),
        ({"content": b"\x00\xff"}, b"\x00\xff"),
        ({"data": {"a": [1, 2], "b": True, "c": None, "d": "x y"}}, b"a=1&a=2&b=true&c=&d=x+y"),
        ({"json": {"b": 1, "a": "ü"}}, '{"b":1,"a":"ü"}'.encode()),
    ],
)
def test_the_hash_is_of_the_bytes_that_were_sent(serve: Any, path: Path, body: Any, sent: bytes) -> None:
    from integrakit._http.wire import Wire

    server = serve(lambda asked: {"ok": True})
    wire = Wire()

    async def send(request: Request) -> Response:
        return Response(await runtime().send(wire, request, 5.0), request)

    with AuditLog(path) as log:
        drive(around(log, send)(Request(method="POST", url=server.url + "/a", **body)))
        assert server.asked[0].body == sent
        assert {record.request_hash for record in log if record.call} == {"sha256:" + hashlib.sha256(sent).hexdigest()}
    wire.close()


def test_a_file_is_hashed_once_it_is_sent_and_a_stream_never_is(path: Path) -> None:
    class Streamed:
        status_code = 200
        request = None

        @property
        def headers(self) -> dict[str, str]:
            return {}

        @property
        def content(self) -> bytes:
            raise httpx.ResponseNotRead

    async def send(request: Request) -> Response:
        return Response(Streamed(), request)

    with AuditLog(path) as log:
        drive(around(log, send)(post(files={"f": b"x"})))
        assert [record.response_hash for record in log] == [None] * 4


def test_what_cannot_be_written_as_json_is_for_the_wire_to_say(path: Path) -> None:
    with AuditLog(path) as log:
        problem = ConfigurationError("this body cannot be sent as JSON")
        with pytest.raises(ConfigurationError):
            drive(around(log, failing(problem))(post(json={1, 2})))
        assert [record.outcome for record in log][2:] == ["ConfigurationError", "ConfigurationError"]


def test_hostile_texts_stay_in_their_place(path: Path) -> None:
    nasty = 'x"\n\u2028\ud800\x00","hash":"' + "0" * 64 + '"}\n'
    with AuditLog(path, actor=nasty) as log:
        request = Request(method="GET", url=URL + "?q=" + nasty, params={nasty: nasty, "$": "dict"}, headers={nasty: "v"})
        drive(around(log, answer(200, b"", **{"x-request-id": "a" * 5000}))(request))
        records = list(log)
        assert len(records) == 4
        assert log.verify().ok
        assert ("$", "dict") in records[-1].params
        assert len(str(records[-1].request_id)) < 300
    with AuditLog(path) as log:
        fill(log, 1)
        assert log.verify().records == 7


# ---------------------------------------------------------------------------------------------- announcing


@pytest.mark.parametrize(("announce", "kinds"), [("all", (1, 1)), ("writes", (0, 1)), ("none", (0, 0))])
def test_what_is_announced(path: Path, announce: Any, kinds: Any) -> None:
    with AuditLog(path, announce=announce) as log:
        for count, method in zip(kinds, ("get", "POST"), strict=True):
            before = log.head().seq
            drive(around(log, answer())(Request(method=method, url=URL)))
            assert [record.kind for record in log.records(after=before)] == ["started"] * count + ["attempt", "call"]


def test_an_exchange_is_on_record_before_it_is_sent(path: Path, world: Any) -> None:
    seen: list[str] = []

    async def send(request: Request) -> Response:
        seen.extend(record.kind for record in log.unfinished())
        response: Response = await answer()(request)
        return response

    async def main() -> None:
        await around(log, send)(post())

    with AuditLog(path) as log:
        world(main)
        assert seen == ["started"]
        assert log.unfinished() == []


def test_a_cancelled_call_is_recorded(path: Path) -> None:
    async def hang(request: Request) -> Response:
        sent.set()
        await asyncio.sleep(60)
        raise AssertionError

    async def main() -> None:
        task = asyncio.create_task(around(log, hang)(post()))
        await sent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with AuditLog(path) as log:
        sent = asyncio.Event()
        asyncio.run(main())
        assert [record.outcome for record in log][2:] == ["CancelledError", "CancelledError"]


def test_cancelled_while_it_was_being_announced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(request: Request) -> Response:
        raise AssertionError("it was sent")

    async def main() -> None:
        task = asyncio.create_task(around(log, never)(post()))
        while not inside.is_set():  # noqa: ASYNC110 - set by a worker thread
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.sleep(0.005)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    with AuditLog(path) as log:
        append, go, inside = log._append, threading.Event(), threading.Event()

        def slow(drafts: Any, at: str) -> None:
            inside.set()
            assert go.wait(10)
            append(drafts, at)

        monkeypatch.setattr(log, "_append", slow)
        asyncio.run(main())
        assert [(record.kind, record.outcome, record.sent) for record in log][2:] == [
            ("attempt", "CancelledError", False),
            ("call", "CancelledError", None),
        ]
        assert log.unfinished() == []


@pytest.mark.parametrize("when", ["announced", "ended"])
def test_cancelled_before_the_worker_thread_has_its_turn(path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """What a task that is cancelled twice may meet: the file is never touched by the thread that should have."""
    world = runtime()

    class Impatient:
        now, wall = staticmethod(world.now), staticmethod(world.wall)

        @staticmethod
        async def blocking(function: Any, *arguments: Any) -> Any:
            raise asyncio.CancelledError

    async def send(request: Request) -> Response:
        assert when == "ended"
        monkeypatch.setattr("integrakit.audit.log.runtime", Impatient)
        response: Response = await answer()(request)
        return response

    with AuditLog(path) as log:
        if when == "announced":
            monkeypatch.setattr("integrakit.audit.log.runtime", Impatient)
        with pytest.raises(asyncio.CancelledError):
            drive(around(log, send)(post()))
        kinds = [(record.kind, record.outcome) for record in log][1:]
        if when == "announced":
            assert kinds == [("attempt", "CancelledError"), ("call", "CancelledError")]
        else:
            assert kinds == [("started", None), ("attempt", "200"), ("call", "200")]
        monkeypatch.undo()
        fill(log, 1)
        assert log.verify().ok


def test_a_cancelled_call_is_recorded_in_trio_and_in_a_simulation_too(path: Path) -> None:
    async def hang(request: Request) -> Response:
        await runtime().sleep(60)
        raise AssertionError

    async def cancelled() -> None:
        with trio.move_on_after(0.03) as scope:
            await around(log, hang)(post())
        assert scope.cancelled_caught

    async def fails() -> None:
        await runtime().sleep(1)
        raise ZeroDivisionError

    async def abandoned() -> None:
        with pytest.raises(ZeroDivisionError):
            await runtime().gather([lambda: around(log, hang)(post()), fails], 2)  # type: ignore[list-item]

    with AuditLog(path) as log:
        trio.run(cancelled)
        SimulatedRuntime().run(abandoned())
        assert [record.outcome for record in log if record.kind in ("attempt", "call")] == ["Cancelled", "Cancelled", "_Cancelled", "_Cancelled"]
        assert log.unfinished() == []


def test_a_closed_coroutine_is_recorded(path: Path) -> None:
    class Never:
        def __await__(self) -> Any:
            yield

    async def hang(request: Request) -> Response:
        await Never()
        raise AssertionError

    with AuditLog(path) as log:
        with pytest.raises(ConfigurationError, match="event loop"):
            drive(around(log, hang)(post()))  # it is closed where it stands, and may not await any more
        assert [record.kind for record in log] == ["log", "started", "attempt", "call"]
        assert list(log)[-1].outcome == "GeneratorExit"


# ---------------------------------------------------------------------------------------------- when it cannot be written


class Broken:
    """Makes a log unable to write, and able again."""

    def __init__(self, log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broken = False
        file = log._appender._here().file
        append = file.append

        def maybe(drafts: Any, at: str) -> Any:
            if self.broken:
                raise StoreError("the disk, or the quota, is full: free some space")
            return append(drafts, at)

        monkeypatch.setattr(file, "append", maybe)


def test_what_cannot_be_recorded_is_not_sent(path: Path, world: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    sent = []

    async def send(request: Request) -> Response:
        sent.append(request)
        response: Response = await answer()(request)
        return response

    async def main() -> None:
        with pytest.raises(StoreError, match=r"POST https://shop\.example/orders was not sent.*audit log.*full"):
            await around(log, send, Retry())(post())

    with AuditLog(path) as log:
        disk = Broken(log, monkeypatch)
        disk.broken = True
        world(main)
        assert sent == []
        disk.broken = False
        fill(log, 1)
        records = list(log)
        assert [record.kind for record in records] == ["log", "note", "call", "started", "attempt", "call"]
        assert records[2].outcome == "StoreError"
        assert records[2].attempt == 0
        assert log.verify().ok


@pytest.mark.parametrize("announce", ["all", "none"])
@pytest.mark.parametrize("end", [answer(), failing(ConnectError("gone"))], ids=["answer", "error"])
def test_an_answer_is_handed_back_whatever_becomes_of_the_log(
    path: Path, world: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any, announce: Any, end: Any
) -> None:
    async def send(request: Request) -> Response:
        disk.broken = True
        response: Response = await end(request)
        return response

    async def main() -> Any:
        try:
            return (await around(log, send)(post())).status_code
        except ConnectError:
            return "the error"

    with AuditLog(path, announce=announce) as log:
        disk = Broken(log, monkeypatch)
        with caplog.at_level(logging.WARNING, "integrakit.audit"):
            assert world(main) in (200, "the error")
        assert "waiting to be written" in caplog.text
        # The next one is refused, also where nothing would be announced.
        with pytest.raises(StoreError, match="was not sent"):
            drive(around(log, answer())(post()))
        disk.broken = False
        fill(log, 1)
        records = list(log)
        assert sum(record.kind == "attempt" for record in records) == 2
        assert log.unfinished() == []
        note = next(record for record in records if record.kind == "note")
        assert note.details["late"] >= 2
        assert log.verify().ok


def test_warn_sends_all_the_same_and_tells_what_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    with AuditLog(path, on_failure="warn") as log:
        disk = Broken(log, monkeypatch)
        disk.broken = True
        fill(log, 400)
        disk.broken = False
        fill(log, 1)
        note = list(log)[1]
        assert (note.kind, note.details["late"], note.details["lost"]) == ("note", 1000, 200)
        assert log.head().seq == 1 + 1000 + 3
        assert log.verify().ok


def test_close_says_when_something_is_left(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    log = AuditLog(path, on_failure="warn")
    disk = Broken(log, monkeypatch)
    disk.broken = True
    fill(log, 1)
    with pytest.raises(StoreError):
        log.close()
    with pytest.raises(StoreError, match="closed"):
        log.head()
    log.close()


def test_a_failing_redact_does_not_hide_an_answer(path: Path, caplog: Any) -> None:
    def redact(text: str) -> str:
        if text == "r-9":
            raise ZeroDivisionError
        return text

    with AuditLog(path, redact=redact) as log:
        assert drive(around(log, answer(**{"x-request-id": "r-9"}))(post())).status_code == 200
        assert [record.details.get("note") for record in log][2:] == ["could not be described: ZeroDivisionError"] * 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it likes")
def test_a_folder_that_may_not_be_written_to(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(StoreError):
            AuditLog(path)
    finally:
        path.parent.chmod(0o700)


def test_a_full_disk(path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with AuditLog(path) as log:
            fill(log, 2)
            resource.setrlimit(resource.RLIMIT_FSIZE, (max(file.stat().st_size for file in path.parent.iterdir()) + 700, before[1]))
            with pytest.raises(StoreError, match="was not sent"):
                fill(log, 100)
            whole = log.verify()
            assert whole.ok, whole
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            fill(log, 1)
            assert log.verify().ok
            assert log.verify().torn == 0
            assert log.unfinished() == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)


# ---------------------------------------------------------------------------------------------- heads


def test_a_signed_head(path: Path) -> None:
    key = "a key that lies elsewhere"
    with AuditLog(path) as log:
        fill(log)
        signed = log.head().sign(key)
        kept = json.loads(json.dumps(signed.as_dict()))
        again = SignedHead.from_dict(kept)
        assert again == signed
        assert verify_head(again, key.encode()) == log.head()
        assert Head.from_dict(log.head().as_dict()) == log.head()
        assert log.verify(head=again, key=key).ok
        assert log.verify(head=[log.head(), again], key=key).ok
        for name, value in {"seq": 1, "hash": "0" * 64, "log": "x", "at": "2020", "signature": "0" * 64}.items():
            with pytest.raises(SignatureError):
                log.verify(head=SignedHead.from_dict({**kept, name: value}), key=key)
        with pytest.raises(SignatureError):
            verify_head(again, "another key of some length")
        with pytest.raises(ConfigurationError, match="key="):
            log.verify(head=again)


@pytest.mark.parametrize("key", [b"short", "", None, 5, "s3cr3t"])
def test_a_key_that_is_none(path: Path, key: Any) -> None:
    with AuditLog(path) as log, pytest.raises(ConfigurationError, match="16 bytes") as caught:
        log.head().sign(key)
    assert "s3cr3t" not in str(caught.value)


def test_heads_are_handed_on(path: Path) -> None:
    heads: list[Head] = []
    with AuditLog(path, heads=heads.append, heads_every=10) as log:
        fill(log, 10)
        assert [head.seq // 10 for head in heads] == [1, 2, 3]
        fill(log, 1)
    assert heads[-1].seq == 33
    with AuditLog(path) as log:
        assert log.verify(head=heads).ok


def test_one_who_cannot_keep_the_heads_stops_nothing(path: Path, caplog: Any) -> None:
    heads: list[Head] = []

    def keep(head: Head) -> None:
        if head.seq < 15:
            raise OSError("away")
        heads.append(head)

    with AuditLog(path, heads=keep, heads_every=5) as log:
        fill(log, 6)
    assert [head.seq for head in heads] == [15, 18]
    assert "heads=… failed" in caplog.text


# ---------------------------------------------------------------------------------------------- many at once


@pytest.mark.parametrize("logs", [1, 2])
def test_threads_share_a_log(path: Path, logs: int) -> None:
    opened = [AuditLog(path, durability="normal") for _ in range(logs)]
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            fill(opened[number % logs], 10)
        except BaseException as problem:  # noqa: BLE001 - looked at below
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []
    whole = opened[0].verify()
    assert whole.ok, whole
    assert whole.records == 1 + 6 * 10 * 3
    assert opened[0].unfinished() == []
    for log in opened:
        log.close()


def test_tasks_share_a_log(path: Path) -> None:
    async def main() -> None:
        await asyncio.gather(*(around(log, answer())(post(json=n)) for n in range(20)))

    with AuditLog(path) as log:
        asyncio.run(main())
        assert log.verify().ok
        assert log.head().seq == 60


def test_who_waits_is_written_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with AuditLog(path) as log:
        file = log._appender._here().file
        append, batches, go, inside = file.append, [], threading.Event(), threading.Event()

        def slow(drafts: Any, at: str) -> Any:
            batches.append(len(drafts))
            inside.set()
            assert go.wait(10)
            return append(drafts, at)

        monkeypatch.setattr(file, "append", slow)
        threads = [threading.Thread(target=log._append, args=([{"kind": "note", "at": "2026-01-01T00:00:00Z"}], "")) for _ in range(5)]
        threads[0].start()
        assert inside.wait(10)
        for thread in threads[1:]:
            thread.start()
        while len(log._appender._here().queue) < 4:
            threading.Event().wait(0.001)
        go.set()
        for thread in threads:
            thread.join(10)
        assert batches == [1, 4]
        assert log.verify().records == 6


def test_a_forked_child_writes_on(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    with AuditLog(path, on_failure="warn") as log:
        fill(log, 1)
        disk = Broken(log, monkeypatch)
        disk.broken = True
        fill(log, 1)  # what the parent owes, the child must not write
        child = os.fork()
        if child == 0:  # pragma: no cover - in the child
            status = 1
            try:
                fill(log, 2)
                log.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        disk.broken = False
        fill(log, 1)
        whole = log.verify()
        assert whole.ok, whole
        assert whole.records == 1 + 3 + 6 + 1 + 3 + 3
        assert len({record.process for record in log if record.process}) == 2


# ---------------------------------------------------------------------------------------------- opening, reading


def test_it_goes_on_where_it_ended(path: Path) -> None:
    with AuditLog(path) as log:
        fill(log)
        first = log.head()
    with AuditLog(path) as log:
        assert log.head() == first
        fill(log)
        assert log.verify(head=first).ok
        assert [record.seq for record in log.records(after=15)] == [16, 17, 18]
        assert str(log.verify()) == "19 records, whole"


def test_reading_walks_over_many_chunks(path: Path) -> None:
    with AuditLog(path, durability="normal") as log:
        log._append([{"kind": "note", "at": "2026-01-01T00:00:00Z", "n": n} for n in range(2500)], "2026-01-01T00:00:00Z")
        assert log.verify().records == 2501
        assert [record.seq for record in log] == list(range(2501))


def test_anyone_can_check_it(path: Path) -> None:
    """The documented format, checked without a line of ours."""
    with AuditLog(path) as log:
        fill(log)
        head = log.head()
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as connection:
            pairs = connection.execute("SELECT record, hash FROM integrakit_audit ORDER BY seq").fetchall()
            assert connection.execute("SELECT count(*) FROM integrakit_audit_records WHERE kind = 'call' AND status = 200").fetchone() == (3,)
    else:
        pairs = []
        for line in path.read_text("utf-8").split("\n")[:-1]:
            record = json.loads(line)
            hash = record.pop("hash")
            pairs.append((json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False), hash))
    previous = "0" * 64
    for number, (record, hash) in enumerate(pairs):
        assert hashlib.sha256(record.encode()).hexdigest() == hash
        assert json.loads(record)["previous"] == previous
        assert json.loads(record)["seq"] == number
        previous = hash
    assert previous == head.hash


def test_mistakes_of_sql_are_refused(tmp_path: Path) -> None:
    with AuditLog(tmp_path / "a.db") as log:
        fill(log, 1)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        for mistake in ("DELETE FROM integrakit_audit", "UPDATE integrakit_audit SET record = ''"):
            with pytest.raises(sqlite3.IntegrityError, match="only appended"):
                connection.execute(mistake)


@pytest.mark.parametrize(
    "options",
    [
        {"form": "csv"},
        {"durability": "none"},
        {"announce": "some"},
        {"announce": ["all"]},
        {"bodies": "plain"},
        {"bodies": "hmac"},
        {"key": b"k" * 32},
        {"bodies": "hmac", "key": b"short"},
        {"on_failure": "ignore"},
        {"actor": ""},
        {"actor": 5},
        {"heads": 5},
        {"heads_every": 0},
        {"heads_every": True},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"redact": "x"},
    ],
)
def test_wrong_options_are_said_before_anything_is_made(tmp_path: Path, options: Any) -> None:
    name = next(name for name in options if name != "bodies" or len(options) == 1)
    with pytest.raises(ConfigurationError, match=name):
        AuditLog(tmp_path / "a.db", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", ["", b"a.db", None, 5, ":memory:", "sqlite:///a.db", "a\0b"])
def test_wrong_paths(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="path of a file"):
        AuditLog(wrong)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("not a database, but long enough to be looked at" * 40)
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "b.jsonl").write_text('{"id": 1}')
    (tmp_path / "c.jsonl").write_text("\n")
    with closing(sqlite3.connect(tmp_path / "b.db")) as connection:
        connection.execute("PRAGMA application_id = 77")
    for name in ("a.db", "a.jsonl", "b.jsonl", "c.jsonl", "b.db"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StoreError):
            AuditLog(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    for where in (tmp_path, tmp_path / "nowhere" / "a.db", tmp_path / "nowhere" / "a.jsonl"):
        with pytest.raises(StoreError):
            AuditLog(where)


def test_a_newer_format_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        for module in ("chain", "log"):
            patch.setattr(f"integrakit.audit.{module}.FORMAT", 2)
        AuditLog(path).close()
    with pytest.raises(StoreTooNew, match="format 2"):
        AuditLog(path)


def test_a_lines_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditLog(path) as log:
        fill(log, 1)
        old = log.head()
        path.rename(tmp_path / "old.jsonl")
        fill(log, 1)
        assert log.verify().records == 4
        assert log.head().log != old.log
    with AuditLog(tmp_path / "old.jsonl") as log:
        assert log.verify(head=old).ok


def test_a_lock_that_is_held_too_long(path: Path) -> None:
    with AuditLog(path, timeout=0.02) as log:
        fill(log, 1)
        if path.suffix == ".db":
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(StoreError, match="locked by another"):
                    fill(log, 1)
        else:
            fcntl = pytest.importorskip("fcntl")
            with open(path, "rb") as other_file:
                fcntl.flock(other_file, fcntl.LOCK_EX)
                with pytest.raises(StoreError, match="locked by another"):
                    fill(log, 1)
        fill(log, 1)
        assert log.verify().ok


def test_a_thread_that_waits_too_long_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with AuditLog(path, timeout=0.02) as log:
        here = log._appender._here()
        with here.writing, pytest.raises(StoreError, match="another thread"):
            fill(log, 1)
        assert here.queue == []
        fill(log, 1)
        # The refused one left the record of its call behind, and nothing that was not sent.
        assert [record.kind for record in log] == ["log", "note", "call", "started", "attempt", "call"]


def test_what_is_being_written_cannot_be_taken_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = {"kind": "note", "at": "2026-01-01T00:00:00Z"}
    with AuditLog(path) as log:
        here = log._appender._here()
        with here.writing:
            waiting = threading.Thread(target=log._append, args=([draft], ""))
            monkeypatch.setattr(log._appender, "_timeout", 0.02)
            here.queue = queue = Taken()  # its record is on its way to the disk already
            waiting.start()
            waiting.join(0.04)
            assert waiting.is_alive(), "it must wait for what becomes of its record"
            here.queue = queue.all
        waiting.join(10)
        assert log.verify().records == 2


class Taken(list):  # type: ignore[type-arg]
    """A queue in which nothing that was put is found."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def append(self, ticket: Any) -> None:
        self.all.append(ticket)


def test_a_disk_that_cannot_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditLog(path) as log:
        fill(log, 1)
        before = path.read_bytes()

        def broken(descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", broken)
            with pytest.raises(StoreError, match="Input/output error"):
                log._append([{"kind": "note", "at": "2026-01-01T00:00:00Z"}], "")
        assert path.read_bytes() == before
        fill(log, 1)
        assert log.verify().ok


def test_half_a_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditLog(path) as log:
        before, write = path.read_bytes(), os.write

        def broken(descriptor: int, data: Any) -> int:
            if len(data) < 100:
                raise OSError(28, "No space left on device")
            return write(descriptor, data[:80])

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", broken)
            with pytest.raises(StoreError, match="No space left"):
                log._append([{"kind": "note", "at": "2026-01-01T00:00:00Z"}], "")
            assert path.read_bytes() == before
            # On a file that can only be appended to, it stays, and the next record tells.
            patch.setattr(os, "ftruncate", lambda *_: (_ for _ in ()).throw(PermissionError()))
            with pytest.raises(StoreError, match="No space left"):
                log._append([{"kind": "note", "at": "2026-01-01T00:00:00Z"}], "")
        assert path.read_bytes() != before
        fill(log, 1)
        found = log.verify()
        assert (found.ok, found.torn) == (True, 1)


def test_a_mistake_while_writing_reaches_everybody_who_waited(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with AuditLog(path) as log:
        with monkeypatch.context() as patch:

            def interrupted(drafts: Any, at: str) -> Any:
                raise KeyboardInterrupt

            patch.setattr(log._appender._here().file, "append", interrupted)
            with pytest.raises(KeyboardInterrupt):
                log.head()
        fill(log, 1)
        assert log.verify().records == 4


def test_a_log_that_nobody_closed_leaves_nothing_behind(path: Path) -> None:
    log = AuditLog(path)
    fill(log, 1)
    del log
    gc.collect()  # an open connection or file would be told as a ResourceWarning, which fails the tests
    with AuditLog(path) as log:
        assert log.verify().ok
    log.close()
    assert repr(log) == f"AuditLog({str(path)!r})"
    assert log.path == path


@pytest.mark.parametrize("wrong", [{"seq": -1}, {"seq": True}, {"hash": "x"}, {"hash": None}, {"log": ""}, {"at": 5}, {"more": 1}])
def test_what_is_no_head(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        Head.from_dict({"log": "a", "seq": 1, "hash": "0" * 64, "at": "2026", **wrong})
    with pytest.raises(ConfigurationError, match="SignedHead"):
        verify_head(wrong, b"k" * 32)


def test_a_secret_is_a_key(path: Path) -> None:
    class Hidden:
        def reveal(self) -> str:
            return "k" * 32

    with AuditLog(path, bodies="hmac", key=Hidden()) as log:
        fill(log, 1)
        assert verify_head(log.head().sign(Hidden()), b"k" * 32) == log.head()


def test_a_call_says_whom_it_is_made_for(serve: Any, tmp_path: Path) -> None:
    server = serve(lambda asked: {})
    with AuditLog(tmp_path / "audit.db", actor="nightly") as log, Client(server.url, audit=log) as client:
        client.get("/a")
        client.get("/b", actor="anna")
        assert [(record.url[-2:], record.actor) for record in log if record.kind == "call"] == [("/a", "nightly"), ("/b", "anna")]
        with pytest.raises(ConfigurationError, match="actor="):
            client.get("/c", actor="")
