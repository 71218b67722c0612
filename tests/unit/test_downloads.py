"""Downloads: the file is there as a whole or not at all, whatever the server does."""

from __future__ import annotations

import base64
import errno
import gzip
import hashlib
import json
import os
import stat
import zlib
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from tests.fakes.bulk_server import BulkFile, packed

import integrakit as ik
from integrakit.errors import (
    AuthenticationError,
    ConfigurationError,
    DeadlineExceeded,
    DecodeError,
    NotFound,
    ResponseError,
    ServerError,
    TransportError,
    TransportTimeout,
    WriteError,
)
from integrakit.http import BearerToken, Client, Download, Hedge, Retry, downloads, part_file
from integrakit.runtimes import SimulatedRuntime

BODY = b"".join(b"%d,line %d of the file\n" % (n, n) for n in range(12_000))
RETRY = Retry(attempts=3, random=lambda: 0.0)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def fetch(serve: Any, world: Any, tmp_path: Path) -> Any:
    """``fetch(file)``: a download of it in every colour, and the server that was asked."""

    def fetch(file: Any, *, client: dict[str, Any] | None = None, **options: Any) -> tuple[Download, Any]:
        server = serve(file)

        async def main() -> Download:
            async with Client(server.url, **{"retry": RETRY, **(client or {})}) as reaching:
                return await reaching.adownload("/export", tmp_path / "orders.csv", **options)

        return world(main), server

    return fetch


@pytest.fixture
def fetched(serve: Any, tmp_path: Path) -> Any:
    """The same in blocking code only: what is decided about an answer is decided in one place for all colours."""

    def fetched(file: Any, *, client: dict[str, Any] | None = None, **options: Any) -> tuple[Download, Any]:
        server = serve(file)
        with Client(server.url, **{"retry": RETRY, **(client or {})}) as reaching:
            return reaching.download("/export", tmp_path / "orders.csv", **options), server

    return fetched


def test_the_body_becomes_the_file(fetch: Any, tmp_path: Path) -> None:
    done, server = fetch(BulkFile(BODY))
    assert (tmp_path / "orders.csv").read_bytes() == BODY
    assert left(tmp_path) == ["orders.csv"]
    assert (done.path, done.bytes, done.attempts, done.resumed, done.proved) == (tmp_path / "orders.csv", len(BODY), 1, 0, True)
    assert (done.etag, done.content_type, done.sha256) == ('"v1"', "text/csv", hashlib.sha256(BODY).hexdigest())
    assert done.headers["ETAG"] == '"v1"'
    assert "range" not in server.asked[0].headers


def test_blocking_code_downloads_too(serve: Any, tmp_path: Path) -> None:
    with Client(serve(BulkFile(BODY)).url) as client:
        assert client.download("/x", str(tmp_path / "x.csv"), params={"a": 1}).bytes == len(BODY)


@pytest.mark.parametrize("act", [("cut", 100_000), ("drop", 100_000)])
def test_a_body_that_breaks_off_is_gone_on_with(fetch: Any, tmp_path: Path, act: Any) -> None:
    done, server = fetch(BulkFile(BODY, plan=[act]))
    assert (tmp_path / "orders.csv").read_bytes() == BODY
    assert done.sha256 == hashlib.sha256(BODY).hexdigest()
    again = server.asked[1].headers
    start = int(again["range"].removeprefix("bytes=").removesuffix("-"))
    assert again["if-range"] == '"v1"'
    assert start <= 100_000
    if act[0] == "cut":
        assert start == 100_000 - downloads.OVERLAP
        assert done.resumed == 100_000
    assert done.attempts == 2
    assert left(tmp_path) == ["orders.csv"]


@pytest.mark.parametrize(
    "changes",
    [
        {"ranges": False},
        {"etag": 'W/"v1"'},
        {"etag": None},
        {"etag": None, "headers": {"Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:30 GMT"}},
        {"etag": None, "headers": {"Last-Modified": "yesterday", "Date": "today"}},
    ],
    ids=["no ranges", "weak", "nothing", "too new", "no dates"],
)
def test_what_cannot_be_told_apart_begins_anew(fetched: Any, tmp_path: Path, changes: dict[str, Any]) -> None:
    _, server = fetched(BulkFile(BODY, plan=[("cut", 100_000)], **changes))
    assert (tmp_path / "orders.csv").read_bytes() == BODY
    assert "range" not in server.asked[1].headers


def test_a_date_that_is_old_enough_tells_versions_apart(fetched: Any, tmp_path: Path) -> None:
    dates = {"Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT", "Date": "Sat, 21 Nov 2026 10:01:00 GMT"}
    done, server = fetched(BulkFile(BODY, etag=None, headers=dates, plan=[("cut", 100_000)]))
    assert server.asked[1].headers["if-range"] == dates["Last-Modified"]
    assert (tmp_path / "orders.csv").read_bytes() == BODY
    assert done.resumed == 100_000


@pytest.mark.parametrize("act", ["wrong range", "other version", "ignore range", "unsatisfiable"])
@pytest.mark.parametrize("retry", [None, RETRY], ids=["no retry", "retry"])
def test_no_file_is_mixed_of_two(serve: Any, tmp_path: Path, act: str, retry: Any) -> None:
    file = BulkFile(BODY, plan=[("cut", 100_000), act])
    with Client(serve(file).url, retry=retry) as client:
        if retry is None:
            with pytest.raises(TransportError) as caught:
                client.download("/export", tmp_path / "orders.csv")
            assert "are kept in" in "".join(caught.value.__notes__)
        client.download("/export", tmp_path / "orders.csv")
    assert (tmp_path / "orders.csv").read_bytes() == file.body
    assert left(tmp_path) == ["orders.csv"]


@pytest.mark.parametrize("lie", [{"ETag": '"v2"'}, {"Content-Range": "bytes 5-9/10"}, {"Content-Range": "bytes */10"}, {}, {"content": True}])
def test_a_range_of_something_else_is_dropped(fetched: Any, tmp_path: Path, lie: dict[str, Any]) -> None:
    """Whatever a careless server answers to a range: the wrong version, the wrong place, no ETag, other bytes."""
    calls: list[Any] = []
    good = BulkFile(BODY, plan=[("cut", 100_000)])

    def script(asked: Any) -> Any:
        calls.append(asked)
        if len(calls) != 2:
            return good(asked)
        start = int(asked.headers["range"][6:-1])
        content = BODY.swapcase() if "content" in lie else BODY
        headers = {"Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}", **({"ETag": '"v1"'} if "content" in lie else {}), **lie}
        headers.pop("content", None)
        return 206, headers, content[start:]

    done, _ = fetched(script)
    assert (tmp_path / "orders.csv").read_bytes() == BODY
    assert len(calls) == 3
    assert "range" not in calls[2].headers
    assert done.attempts == 3


def test_a_server_that_gives_ranges_nobody_asked_for_gives_no_file(fetched: Any, tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="nobody asked for"):
        fetched(BulkFile(BODY, plan=["unasked part"] * 3))
    assert left(tmp_path) == []


def test_a_server_that_never_gives_the_right_range_is_given_up(serve: Any, tmp_path: Path) -> None:
    acts = [("cut", 50_000), "wrong range"] * 5
    with Client(serve(BulkFile(BODY, plan=acts)).url, retry=RETRY) as client, pytest.raises(TransportError, match="asked for the bytes from"):
        client.download("/x", tmp_path / "x")
    assert left(tmp_path) == []


def test_a_range_may_come_in_parts(fetched: Any, tmp_path: Path) -> None:
    good = BulkFile(BODY, plan=[("cut", 100_000)])

    def script(asked: Any) -> Any:
        if asked.headers.get("range") == f"bytes={100_000 - downloads.OVERLAP}-":
            start = 100_000 - downloads.OVERLAP
            return 206, {"Content-Range": f"bytes {start}-119999/{len(BODY)}", "ETag": '"v1"'}, BODY[start:120_000]
        return good(asked)

    done, server = fetched(script)
    assert (tmp_path / "orders.csv").read_bytes() == BODY
    assert [asked.headers.get("range", "") for asked in server.asked][2] == f"bytes={120_000 - downloads.OVERLAP}-"
    assert done.attempts == 3


def test_the_next_run_goes_on_where_the_last_one_was_killed(serve: Any, world: Any, tmp_path: Path) -> None:
    server = serve(BulkFile(BODY, plan=[("cut", 150_000)]))
    url = "/export?X-Amz-Signature={}"

    async def first() -> None:
        async with Client(server.url, retry=None) as client:
            await client.adownload(url.format("one"), tmp_path / "orders.csv")

    async def second() -> Download:
        async with Client(server.url, retry=None) as client:
            return await client.adownload(url.format("two"), tmp_path / "orders.csv")

    with pytest.raises(TransportError) as caught:
        world(first)
    assert left(tmp_path) == ["orders.csv.part", "orders.csv.part.json"]
    assert "150000 bytes are kept in" in "".join(caught.value.__notes__)
    done = world(second)
    assert server.asked[1].headers["range"] == f"bytes={150_000 - downloads.OVERLAP}-"
    assert (done.bytes, done.resumed, done.sha256) == (len(BODY), 150_000, hashlib.sha256(BODY).hexdigest())
    assert left(tmp_path) == ["orders.csv"]


@pytest.mark.parametrize("note", [b"", b"[]", b'{"thing": "another"}', b"\xff"])
def test_a_part_of_something_else_is_replaced(serve: Any, tmp_path: Path, note: bytes) -> None:
    (tmp_path / "orders.csv.part").write_bytes(b"x" * 100)
    (tmp_path / "orders.csv.part.json").write_bytes(note)
    server = serve(BulkFile(BODY))
    with Client(server.url) as client:
        client.download("/export", tmp_path / "orders.csv")
    assert "range" not in server.asked[0].headers
    assert (tmp_path / "orders.csv").read_bytes() == BODY
    assert left(tmp_path) == ["orders.csv"]


def test_a_part_that_is_whole_is_asked_for_its_end_only(serve: Any, tmp_path: Path) -> None:
    server = serve(BulkFile(BODY, plan=[("cut", 150_000)]))
    with Client(server.url, retry=None) as client:
        with pytest.raises(TransportError):
            client.download("/export", tmp_path / "orders.csv")
        (tmp_path / "orders.csv.part").write_bytes(BODY)
        done = client.download("/export", tmp_path / "orders.csv")
    assert server.asked[1].headers["range"] == f"bytes={len(BODY) - downloads.OVERLAP}-"
    assert (done.bytes, done.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())


def test_two_that_write_the_same_file_do_not_mix(serve: Any, tmp_path: Path) -> None:
    """The second one has a part of its own; so has one that finds a stranger's."""
    inner: list[Download] = []
    good = BulkFile(BODY)

    def script(asked: Any) -> Any:
        if asked.path == "/outer":
            inner.append(client.download("/inner", tmp_path / "orders.csv"))
        return good(asked)

    with Client(serve(script).url) as client:
        outer = client.download("/outer", tmp_path / "orders.csv")
        assert (tmp_path / "orders.csv").read_bytes() == BODY
        (tmp_path / "other").write_bytes(b"mine")
        (tmp_path / "orders.csv.part").symlink_to(tmp_path / "other")
        client.download("/again", tmp_path / "orders.csv")
    assert inner[0].bytes == outer.bytes
    assert (tmp_path / "other").read_bytes() == b"mine"


# ---------------------------------------------------------------------- packed bodies, and what they promise


def test_a_packed_body_is_unpacked(fetched: Any, tmp_path: Path) -> None:
    done, server = fetched(BulkFile(packed(BODY), headers={"Content-Encoding": "gzip"}))
    assert server.asked[0].headers["accept-encoding"] == "gzip"
    assert (tmp_path / "orders.csv").read_bytes() == BODY
    assert (done.bytes, done.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert left(tmp_path) == ["orders.csv"]


@pytest.mark.parametrize("coding", ["x-gzip", "deflate", "raw deflate", "members"])
def test_other_ways_of_packing(fetched: Any, tmp_path: Path, coding: str) -> None:
    raw = zlib.compressobj(wbits=-15)
    body = {
        "x-gzip": packed(BODY),
        "deflate": zlib.compress(BODY),
        "raw deflate": raw.compress(BODY) + raw.flush(),
        "members": packed(BODY[:1000]) + packed(BODY[1000:]),
    }[coding]
    header = {"members": "gzip", "raw deflate": "deflate"}.get(coding, coding)
    fetched(BulkFile(body, headers={"Content-Encoding": header}))
    assert (tmp_path / "orders.csv").read_bytes() == BODY


def test_a_packed_body_is_gone_on_with_packed(fetch: Any, tmp_path: Path) -> None:
    body = gzip.compress(BODY + os.urandom(100_000), 1)
    done, server = fetch(BulkFile(body, headers={"Content-Encoding": "gzip"}, plan=[("cut", 60_000)]))
    assert server.asked[1].headers["range"] == f"bytes={60_000 - downloads.OVERLAP}-"
    assert (tmp_path / "orders.csv").read_bytes() == gzip.decompress(body)
    assert done.resumed == 60_000


def test_a_packed_body_that_breaks_off_for_good_is_asked_for_unpacked(fetched: Any, tmp_path: Path) -> None:
    bodies = [packed(BODY)[:-10], BODY]

    def script(asked: Any) -> Any:
        body = bodies.pop(0)
        return 200, {"Content-Encoding": "gzip"} if bodies else {}, body

    _, server = fetched(script)
    assert server.asked[1].headers["accept-encoding"] == "identity"
    assert (tmp_path / "orders.csv").read_bytes() == BODY


@pytest.mark.parametrize("body", [b"", b"no gzip", packed(BODY)[:-4], packed(BODY)[:-9] + b"123456789", packed(BODY) + b"rubbish"])
def test_a_packed_body_that_is_damaged_is_an_error(fetch: Any, tmp_path: Path, body: bytes) -> None:
    with pytest.raises(TransportError, match="cannot be unpacked") as caught:
        fetch(BulkFile(body, headers={"Content-Encoding": "gzip"}))
    assert caught.value.attempts == 3
    assert left(tmp_path) == []


def test_a_file_that_is_packed_by_itself_stays_so(fetched: Any, tmp_path: Path) -> None:
    fetched(BulkFile(packed(BODY), headers={"Content-Type": "application/gzip"}))
    assert (tmp_path / "orders.csv").read_bytes() == packed(BODY)
    fetched(BulkFile(packed(BODY), headers={"Content-Type": "application/x-gzip; x=y", "Content-Encoding": "gzip"}))
    assert (tmp_path / "orders.csv").read_bytes() == packed(BODY)


def test_a_coding_that_nobody_asked_for_is_an_error(fetched: Any, tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="'br'"):
        fetched(BulkFile(BODY, headers={"Content-Encoding": "br"}))
    assert left(tmp_path) == []


def b64(name: str, body: bytes = BODY) -> str:
    return base64.b64encode(hashlib.new(name, body).digest()).decode()


def test_digests_that_hold(fetched: Any) -> None:
    headers = {
        "Repr-Digest": f"crc32c=:AAAA:, sha-256=:{b64('sha256')}:",
        "Content-Digest": f"sha-512=:{b64('sha512')}:",
        "Digest": f"unixsum=30637, SHA-256={b64('sha256')}",
        "Content-MD5": b64("md5"),
        "x-goog-hash": f"crc32c=n03x6A==, md5={b64('md5')}",
    }
    done, _ = fetched(BulkFile(BODY, headers=headers, plan=[("cut", 100_000)]))
    assert done.resumed == 100_000


@pytest.mark.parametrize("name", ["Repr-Digest", "Content-Digest", "Digest", "Content-MD5", "x-goog-hash"])
def test_digests_that_do_not(fetched: Any, tmp_path: Path, name: str) -> None:
    wrong = {"Content-MD5": b64("md5", b"x"), "Digest": f"sha-256={b64('sha256', b'x')}", "x-goog-hash": f"md5={b64('md5', b'x')}"}
    header = wrong.get(name, f"sha-256=:{b64('sha256', b'x')}:")
    with pytest.raises(TransportError, match="not the one that was promised"):
        fetched(BulkFile(BODY, headers={name: header}))
    assert left(tmp_path) == []


def test_digests_that_cannot_be_read_or_are_of_something_else(fetched: Any) -> None:
    headers = {"Digest": "sha-256=YWJj, sha-256=a, md5=====", "x-goog-stored-content-encoding": "gzip", "x-goog-hash": f"md5={b64('md5', b'x')}"}
    fetched(BulkFile(BODY, headers=headers))


def test_a_digest_may_be_of_what_was_packed(fetched: Any) -> None:
    fetched(BulkFile(packed(BODY), headers={"Content-Encoding": "gzip", "Content-MD5": b64("md5")}))
    fetched(BulkFile(packed(BODY), headers={"Content-Encoding": "gzip", "Content-MD5": b64("md5", packed(BODY))}))


def test_a_body_without_an_end_is_not_proved(fetched: Any) -> None:
    def bare(headers: str) -> Any:
        return lambda asked: lambda connection: connection.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode() + BODY)

    done, _ = fetched(bare(""))
    assert (done.bytes, done.proved) == (len(BODY), False)
    done, _ = fetched(bare(f"Digest: sha-256={b64('sha256')}\r\n"))
    assert done.proved


def test_a_body_in_chunks_is_proved_by_its_last_chunk(fetch: Any, tmp_path: Path) -> None:
    chunks = b"%x\r\n%b\r\n" % (len(BODY), BODY)
    ends = [b"", b"0\r\n\r\n"]

    def script(asked: Any) -> Any:
        end = ends.pop(0)
        return lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + end)

    done, server = fetch(script)
    assert (done.bytes, done.proved, len(server.asked)) == (len(BODY), True, 2)


def test_a_client_of_the_users_own_counts_the_bytes_too(world: Any, tmp_path: Path) -> None:
    """Transports that are no sockets do not compare what came with the length."""
    lengths = [str(len(BODY) + 5), str(len(BODY) - 5), str(len(BODY))]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-length": lengths.pop(0)}, content=BODY)

    inner = (httpx.Client(transport=httpx.MockTransport(answer)), httpx.AsyncClient(transport=httpx.MockTransport(answer)))

    async def main() -> Download:
        async with Client("https://shop.example", http=inner, retry=RETRY) as client:
            return await client.adownload("/x", tmp_path / "x")

    assert world(main).attempts == 3
    inner[0].close()


# ---------------------------------------------------------------------- refusals


def test_an_error_is_raised_with_what_it_says_and_leaves_no_file(fetched: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such export"):
        fetched(lambda asked: (404, {}, {"error": "no such export"}))
    assert left(tmp_path) == []


def test_an_endless_error_page_is_not_read(fetch: Any) -> None:
    sent: list[int] = []

    def script(asked: Any) -> Any:
        def send(connection: Any) -> None:
            connection.sendall(b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n")
            while len(sent) < 100_000:
                connection.sendall(b"400\r\n" + b"oops" * 256 + b"\r\n")
                sent.append(1)

        return send

    with pytest.raises(ServerError, match="oopsoops") as caught:
        fetch(script)
    assert caught.value.response is not None
    assert len(caught.value.response.content) == 65_536
    assert len(sent) < 50_000


@pytest.mark.parametrize("status", [202, 300, 304])
def test_an_answer_that_is_no_file_is_refused(fetched: Any, tmp_path: Path, status: int) -> None:
    with pytest.raises(ResponseError, match=f"{status}, and not with the file"):
        fetched(lambda asked: (status, {}, b"" if status == 304 else b"not yet"))
    assert left(tmp_path) == []


def test_nothing_is_a_file_too(fetched: Any, tmp_path: Path) -> None:
    done, _ = fetched(lambda asked: (204, {}, b""))
    assert (done.bytes, done.proved) == (0, True)
    assert (tmp_path / "orders.csv").read_bytes() == b""
    done, _ = fetched(BulkFile(b""))
    assert done.bytes == 0


def test_an_error_in_a_200_is_found_where_the_body_is_short(fetch: Any, tmp_path: Path) -> None:
    def classify(response: Any) -> Any:
        return ServerError("not ok") if b'"ok":false' in response.content.replace(b" ", b"") else None

    with pytest.raises(ServerError, match="not ok") as caught:
        fetch(lambda asked: {"ok": False}, client={"classify": classify})
    assert caught.value.attempts == 3
    assert left(tmp_path) == []
    fetch(BulkFile(BODY), client={"classify": classify})
    assert (tmp_path / "orders.csv").read_bytes() == BODY


def test_a_redirect_to_others_takes_no_credentials_along(serve: Any, world: Any, tmp_path: Path) -> None:
    file = serve(BulkFile(BODY, plan=[("cut", 100_000)]))
    server = serve(lambda asked: (302, {"Location": f"{file.url}/signed?sig=1"}, b""))

    async def main() -> Download:
        async with Client(server.url, auth=BearerToken("t0ps3cr3t"), headers={"x-key": "s3cr3t"}, retry=RETRY) as client:
            return await client.adownload("/export", tmp_path / "orders.csv")

    assert world(main).resumed == 100_000
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer t0ps3cr3t"] * 2
    for asked in file.asked:
        assert "authorization" not in asked.headers
        assert "x-key" not in asked.headers
    assert file.asked[1].headers["if-range"] == '"v1"'


def test_every_attempt_passes_the_policies(serve: Any, world: Any, tmp_path: Path) -> None:
    server = serve(BulkFile(BODY, plan=[(401, {}, b"who are you"), ("cut", 5)]))
    tries: list[Any] = []

    async def each(request: Any, call_next: Any) -> Any:
        tries.append(request.method)
        return await call_next(request)

    async def main() -> None:
        async with Client(server.url, retry=RETRY, policies=[ik.PerAttempt(each)], concurrency=1, rate_limit="1000/second") as client:
            with pytest.raises(AuthenticationError):
                await client.adownload("/export", tmp_path / "orders.csv")
            await client.adownload("/export", tmp_path / "orders.csv")

    world(main)
    assert tries == ["GET"] * 3


def test_a_post_is_not_sent_again_in_the_middle(fetched: Any, tmp_path: Path) -> None:
    with pytest.raises(TransportError) as caught:
        fetched(BulkFile(BODY, plan=[("cut", 100_000)]), method="POST", json={"format": "csv"})
    assert caught.value.attempts == 1
    assert left(tmp_path) == []
    done, server = fetched(BulkFile(BODY), method="post", json={"format": "csv"})
    assert done.bytes == len(BODY)
    assert (server.asked[0].method, server.asked[0].json()) == ("POST", {"format": "csv"})


def test_a_hedge_does_not_write_the_file_twice(serve: Any, tmp_path: Path) -> None:
    server = serve(BulkFile(BODY, plan=[("slow", 50_000, 0.01)]))

    async def main() -> None:
        async with Client(server.url, hedge=Hedge(after=0.001)) as client:
            await client.adownload("/x", tmp_path / "x")

    import asyncio

    asyncio.run(main())
    assert len(server.asked) == 1


# ---------------------------------------------------------------------- time


def test_a_body_that_moves_outlives_the_limit_of_an_attempt(serve: Any, world: Any, tmp_path: Path) -> None:
    server = serve(BulkFile(BODY, plan=[("slow", 20_000, 0.045)]))

    async def main() -> Download:
        timeout = ik.Timeout(read=5.0, attempt=0.5)
        async with Client(server.url, timeout=timeout, retry=None) as client:
            return await client.adownload("/x", tmp_path / "x")

    assert world(main).bytes == len(BODY)


@pytest.mark.parametrize("options", [{"timeout": 0.1}, {"deadline": 0.1}])
def test_a_limit_of_the_call_ends_it(fetch: Any, tmp_path: Path, options: Any) -> None:
    with pytest.raises(DeadlineExceeded if "deadline" in options else TransportTimeout):
        fetch(BulkFile(BODY, plan=[("slow", 20_000, 0.03)] * 3, etag=None), client={"retry": None}, **options)
    assert left(tmp_path) == []


def test_a_body_that_stands_still_is_given_up(serve: Any, world: Any, tmp_path: Path) -> None:
    server = serve(BulkFile(BODY, plan=[("slow", 250_000, 0.3)]))

    async def main() -> None:
        async with Client(server.url, timeout=ik.Timeout(read=0.05), retry=None) as client:
            await client.adownload("/x", tmp_path / "x")

    with pytest.raises(TransportTimeout):
        world(main)


def drip(head: bytes, piece: bytes) -> Any:
    """Something comes all the time, and no byte of the body."""
    import time

    def send(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head)
        for _ in range(100):
            connection.sendall(piece)
            time.sleep(0.02)

    return lambda asked: send


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n\r\n1;x="], ids=["headers", "chunks"])
def test_headers_and_frames_that_drip_are_given_up(serve: Any, world: Any, tmp_path: Path, head: bytes) -> None:
    server = serve(drip(head, b"x" if head else b"x: y\r\n"))

    async def main() -> None:
        async with Client(server.url, timeout=ik.Timeout(read=0.2, attempt=0.2), retry=None) as client:
            await client.adownload("/x", tmp_path / "x")

    with pytest.raises(TransportTimeout):
        world(main)
    assert left(tmp_path) == []


def test_a_body_that_crawls_is_given_up(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PACE_OVER", 0.05)
    monkeypatch.setattr(downloads, "SLOWEST", 100_000)
    with pytest.raises(TransportTimeout, match=r"stalled: .* bytes came in"):
        fetch(BulkFile(BODY, plan=[("slow", 100, 0.01)]), client={"retry": None})


def test_an_error_page_that_drips_is_given_up(serve: Any, world: Any, tmp_path: Path) -> None:
    def script(asked: Any) -> Any:
        def send(connection: Any) -> None:
            import time

            connection.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.02)

        return send

    server = serve(script)

    async def main() -> None:
        async with Client(server.url, timeout=ik.Timeout(read=0.2, attempt=0.3), retry=None) as client:
            await client.adownload("/x", tmp_path / "x")

    with pytest.raises(TransportTimeout):
        world(main)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_download_leaves_what_can_be_gone_on_with(serve: Any, tmp_path: Path, backend: str) -> None:
    server = serve(BulkFile(BODY, plan=[("slow", 30_000, 0.04)]))

    async def main() -> None:
        async with Client(server.url) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.adownload, "/x", tmp_path / "x")
                while not (tmp_path / "x.part.json").exists():  # noqa: ASYNC110 - a file tells nobody that it is there
                    await anyio.sleep(0.005)
                await anyio.sleep(0.05)
                group.cancel_scope.cancel()
            assert left(tmp_path) == ["x.part", "x.part.json"]
            assert (await client.adownload("/x", tmp_path / "x")).resumed >= 30_000

    anyio.run(main, backend=backend)
    assert left(tmp_path) == ["x"]


def test_a_deadline_leaves_what_can_be_gone_on_with(fetched: Any, tmp_path: Path) -> None:
    with pytest.raises(DeadlineExceeded) as caught:
        fetched(BulkFile(BODY, plan=[("slow", 20_000, 0.04)] * 3), deadline=0.3)
    assert "bytes are kept in" in "".join(caught.value.__notes__)
    assert left(tmp_path) == ["orders.csv.part", "orders.csv.part.json"]


def test_what_is_gone_leaves_nothing(fetched: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        fetched(BulkFile(BODY, plan=[("cut", 100_000), (404, {}, b"gone")]))
    assert left(tmp_path) == []
    with pytest.raises(ServerError) as caught:
        fetched(BulkFile(BODY, plan=[("cut", 100_000), (503, {}, b""), (503, {}, b"")]))
    assert "100000 bytes are kept in" in "".join(caught.value.__notes__)


# ---------------------------------------------------------------------- the place


def test_the_file_that_was_there_stays_until_the_new_one_is_whole(fetched: Any, tmp_path: Path) -> None:
    target = tmp_path / "orders.csv"
    target.write_bytes(b"old")
    target.chmod(0o640)
    with pytest.raises(NotFound):
        fetched(lambda asked: (404, {}, b""))
    assert target.read_bytes() == b"old"
    fetched(BulkFile(BODY))
    assert target.read_bytes() == BODY
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_link_stays_one(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_bytes(b"old")
    (tmp_path / "orders.csv").symlink_to(tmp_path / "real.csv")
    with Client(serve(BulkFile(BODY)).url) as client:
        assert client.download("/x", tmp_path / "orders.csv").path == tmp_path / "real.csv"
    assert (tmp_path / "orders.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == BODY


@pytest.mark.parametrize("path", ["", "a\0b", 7, None, b"x", ".", "/dev/null", "nowhere/x.csv"])
def test_what_cannot_be_a_file_is_said_before_anything_is_sent(serve: Any, path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server = serve(BulkFile(BODY))
    with Client(server.url) as client, pytest.raises(ConfigurationError):
        client.download("/x", path)
    assert not server.asked


@pytest.mark.parametrize("options", [{"method": "HEAD"}, {"check": False}, {"method": 7}, {"nonsense": 1}])
def test_wrong_arguments(tmp_path: Path, options: Any) -> None:
    with Client("http://localhost:1") as client, pytest.raises(ConfigurationError):
        client.download("/x", tmp_path / "x", **options)


def test_a_place_where_nothing_may_be_written(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(BulkFile(BODY))

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(part_file.os, "open", refuse)
    with Client(server.url) as client, pytest.raises(WriteError, match=r"x\.csv cannot be written: Permission denied"):
        client.download("/x", tmp_path / "x.csv")
    assert not server.asked


@pytest.mark.parametrize("packing", [False, True])
def test_a_full_disk_is_named_and_not_left_full(fetch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: bool) -> None:
    write, room = os.write, [120_000]

    def full(descriptor: int, data: Any) -> int:
        room[0] -= len(data)
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(part_file.os, "write", full)
    file = BulkFile(packed(BODY), headers={"Content-Encoding": "gzip"}) if packing else BulkFile(BODY)
    with pytest.raises(WriteError, match=r"orders\.csv cannot be written: No space left on device"):
        fetch(file)
    assert left(tmp_path) == []


@pytest.mark.parametrize("verb", ["replace", "fsync", "ftruncate"])
def test_a_disk_that_fails_at_the_end_is_named(fetched: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    def fail(*arguments: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(part_file.os, verb, fail)
    with pytest.raises(WriteError, match="Input/output error"):
        fetched(BulkFile(BODY))


def test_a_note_that_cannot_be_written_is_named(fetched: Any, tmp_path: Path) -> None:
    (tmp_path / "orders.csv.part.json").mkdir()
    with pytest.raises(WriteError, match="cannot be written"):
        fetched(BulkFile(BODY))


def test_errors_name_the_request_and_no_secret(serve: Any, tmp_path: Path) -> None:
    server = serve(BulkFile(BODY, headers={"Digest": f"sha-256={b64('sha256', b'x')}"}))
    with Client(server.url, retry=None, auth=BearerToken("t0ps3cr3t")) as client, pytest.raises(TransportError) as caught:
        client.download("/x?token=abc123", tmp_path / "x")
    assert "GET http://127.0.0.1" in str(caught.value)
    assert "abc123" not in str(caught.value)


def test_a_length_that_is_too_short_is_seen_by_the_digest_only(fetched: Any, tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="not the one that was promised"):
        fetched(BulkFile(BODY, headers={"Digest": f"sha-256={b64('sha256')}"}, plan=["long"] * 3))
    assert left(tmp_path) == []


# ---------------------------------------------------------------------- simulated hosts


def test_a_host_of_a_simulation_is_downloaded_from(tmp_path: Path) -> None:
    world = SimulatedRuntime()
    answers: list[Any] = [(503, [("Retry-After", "30")], b"later"), (200, [("Content-Encoding", "gzip")], packed(BODY)), (200, [], b'{"ok": false}')]

    async def host(request: Any, simulation: Any) -> Any:
        await simulation.sleep(60.0)
        return answers.pop(0)

    world.hosts[("https", "shop.example", 443)] = host
    with Client("https://shop.example", classify=lambda response: response.json().get("ok", True) or ServerError("no")) as client:
        done = world.run(client.adownload("/x", tmp_path / "x"))
        assert (done.bytes, world.now() > 100) == (len(BODY), True)
        with (
            Client("https://shop.example", retry=None, classify=lambda r: None if r.json()["ok"] else ServerError("no")) as other,
            pytest.raises(ServerError),
        ):
            world.run(other.adownload("/x", tmp_path / "x"))
    assert json.loads('{"ok": true}')["ok"]
