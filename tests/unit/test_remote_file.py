"""Files behind URLs: fetched whole, read page by page, from locator to locator, and gone on with."""

from __future__ import annotations

import gc
import io
import json
import multiprocessing
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from tests.fakes.bulk_server import BulkFile, packed

from integrakit.errors import (
    CheckpointMismatch,
    ConfigurationError,
    DecodeError,
    IncompleteRead,
    NotFound,
    PaginationStalled,
    ReadError,
    TransportError,
)
from integrakit.http import BearerToken, Client, Retry
from integrakit.model import Checkpoint
from integrakit.reading import Locator, RemoteFile
from integrakit.runtimes import drive

LOCATOR = Locator("header:Sforce-Locator", param="locator")
COUNT = "header:Sforce-NumberOfRecords"


def csv(first: int, last: int) -> bytes:
    return b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n) for n in range(first, last))


class Chunks:
    """Bodies of ten records each, as Salesforce's Bulk API 2.0 gives them."""

    def __init__(self, bodies: int = 3) -> None:
        self.bodies = bodies
        self.locators = {"": 0, **{f"L{n}": n for n in range(1, bodies)}}
        self.gone: set[str] = set()
        self.counts: dict[int, str] = {}

    def __call__(self, asked: Any) -> Any:
        locator = asked.params.get("locator", "")
        if locator in self.gone or locator not in self.locators:
            return 404, {}, {"error": "no such locator"}
        number = self.locators[locator]
        following = f"L{number + 1}" if number + 1 < self.bodies else "null"
        headers = {"Content-Type": "text/csv", "Sforce-Locator": following, "Sforce-NumberOfRecords": self.counts.get(number, "10")}
        return 200, headers, csv(number * 10, number * 10 + 10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "bodies"
    path.mkdir()
    return path


@pytest.fixture
def remote(serve: Any, folder: Path) -> Any:
    """``remote(script, **options)``: a RemoteFile, and the server behind it."""
    clients: list[Client] = []

    def make(script: Callable[[Any], Any], **options: Any) -> tuple[RemoteFile, Any]:
        server = serve(script)
        clients.append(Client(server.url, retry=Retry(random=lambda: 0.0)))
        return RemoteFile(clients[-1], "/results", **{"format": "csv", "folder": folder, **options}), server

    yield make
    for client in clients:
        client.close()


def ids(records: Any) -> list[int]:
    return [int(record["id"]) for record in records]


def test_one_body_in_every_colour(remote: Any, world: Any, folder: Path) -> None:
    file, server = remote(BulkFile(csv(0, 25), plan=[("cut", 100)]), key="id", types={"id": int}, page_size=10)

    async def main() -> Any:
        reader, pages = file.open_read(), []
        while (page := await reader.next_page()) is not None:
            pages.append(page)
        await file._bodies.client.aclose()
        return pages, reader

    pages, reader = world(main)
    assert [len(page) for page in pages] == [10, 10, 5]
    assert pages[0].records[3] == {"id": 3, "name": "name 3"}
    evidence = reader.evidence
    assert (evidence.complete, evidence.pages, evidence.records, evidence.stability, evidence.ended_by) == (True, 3, 25, "snapshot", "protocol")
    assert len(server.asked) == 2
    assert list(folder.iterdir()) == []
    assert file.key == "id"


def test_locators_lead_from_body_to_body(remote: Any) -> None:
    file, server = remote(Chunks(), locator=LOCATOR, count=COUNT, params={"maxRecords": 10}, headers={"Accept": "text/csv"})
    read = file.read()
    assert ids(read) == list(range(30))
    assert [asked.params.get("locator") for asked in server.asked] == [None, "L1", "L2"]
    assert all(asked.params["maxRecords"] == "10" and asked.headers["accept"] == "text/csv" for asked in server.asked)
    assert (read.evidence.complete, read.evidence.declared_total) == (True, 30)
    assert ids(file) == list(range(30)), "each iteration is a new read"


@pytest.mark.parametrize("last", ["null", "", None])
def test_what_ends_the_locators(remote: Any, last: str | None) -> None:
    headers = {} if last is None else {"Sforce-Locator": last}
    file, server = remote(lambda asked: (200, headers, csv(0, 3)), locator=LOCATOR)
    assert ids(file) == [0, 1, 2]
    assert len(server.asked) == 1


def test_a_locator_that_comes_twice_is_no_loop(remote: Any) -> None:
    chunks = Chunks(5)
    chunks.locators["L3"] = 1
    file, server = remote(chunks, locator=LOCATOR)
    with pytest.raises(PaginationStalled, match="'L2' a second time") as caught:
        list(file)
    assert caught.value.evidence is not None
    assert caught.value.evidence.records == 40
    file, server = remote(lambda asked: (200, {"Sforce-Locator": "same"}, csv(0, 3)), locator=LOCATOR)
    reader = file.open_read()
    with pytest.raises(PaginationStalled):
        list(file)
    assert len(server.asked) == 2
    reader.close()


def test_a_body_that_has_not_the_records_it_says_is_incomplete(remote: Any) -> None:
    chunks = Chunks()
    chunks.counts[1] = "11"
    file, _ = remote(chunks, locator=LOCATOR, count=COUNT)
    with pytest.raises(IncompleteRead, match="has 10 records, and Sforce-NumberOfRecords says 11"):
        list(file)
    chunks.counts[1] = "eleven"
    read = file.read()
    assert len(list(read)) == 30
    assert read.evidence.complete is None
    assert "without Sforce-NumberOfRecords" in str(read.evidence)


def test_a_body_that_is_cut_gives_no_record(remote: Any, folder: Path) -> None:
    file, _ = remote(BulkFile(csv(0, 1000), ranges=False, plan=[("cut", 5000)] * 3), page_size=10)
    reader = file.read()
    with pytest.raises(TransportError):
        list(reader)
    assert reader.evidence.records == 0
    # Asked again, it tries again.
    assert len(list(reader)) == 1000


def bare(body: bytes) -> Any:
    """A body that ends with its connection, as HTTP/1.0 has them."""
    return lambda asked: lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + body)


def test_a_body_whose_end_nothing_told_is_not_proved(remote: Any) -> None:
    file, _ = remote(bare(csv(0, 5)))
    read = file.read()
    assert len(list(read)) == 5
    assert read.evidence.complete is None
    assert "may have been cut" in str(read.evidence)


def test_what_has_an_end_of_its_own_is_proved(remote: Any) -> None:
    file, _ = remote(bare(packed(csv(0, 5))))
    read = file.read()
    assert len(list(read)) == 5
    assert read.evidence.complete is True
    file, _ = remote(bare(packed(csv(0, 5))[:-4]))
    with pytest.raises(DecodeError, match="damaged or was cut"):
        list(file)
    file, _ = remote(bare(b'{"a": [{"id": 1}, {"id": 2}]}'), format="json", records="a")
    read = file.read()
    assert ids(read) == [1, 2]
    assert read.evidence.complete is True


def test_a_packed_file_that_was_cut_before_it_was_served_gives_no_record(remote: Any) -> None:
    whole = packed(csv(0, 5000))
    file, _ = remote(lambda asked: (200, {"Content-Type": "application/gzip"}, whole[: len(whole) // 2]), page_size=10)
    read = file.read()
    with pytest.raises(DecodeError, match="damaged or was cut"):
        list(read)
    assert read.evidence.records == 0


@pytest.mark.parametrize(
    ("format", "body", "options"),
    [
        ("csv", csv(0, 3), {"types": {"id": int}}),
        ("csv", "id;name\n0;ü\n1;x\n2;y\n".encode("utf-16"), {"types": {"id": int}, "delimiter": ";", "encoding": "utf-16"}),
        ("csv", packed(csv(0, 3)), {"types": {"id": int}}),
        ("jsonl", b'{"id": 0}\n{"id": 1}\n{"id": 2, "price": 1.10}\n', {}),
        ("json", b'{"data": {"items": [{"id": 0}, {"id": 1}, {"id": 2, "price": 1.10}]}}', {"records": "data.items"}),
    ],
    ids=["csv", "utf-16", "gzip", "jsonl", "json"],
)
def test_the_formats(remote: Any, format: str, body: bytes, options: Any) -> None:
    file, _ = remote(lambda asked: (200, {"Content-Type": "application/octet-stream"}, body), format=format, **options)
    records = list(file)
    assert ids(records) == [0, 1, 2]
    if "price" in records[2]:
        assert records[2]["price"] == Decimal("1.10")


def test_parquet(remote: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"id": [0, 1, 2]}), buffer)
    file, _ = remote(bare(buffer.getvalue()), format="parquet")
    read = file.read()
    assert ids(read) == [0, 1, 2]
    assert read.evidence.complete is True


def test_content_that_is_encoded_or_packed(remote: Any) -> None:
    file, _ = remote(lambda asked: (200, {"Content-Encoding": "gzip"}, packed(csv(0, 3))))
    assert len(list(file)) == 3
    file, _ = remote(lambda asked: (200, {}, packed(csv(0, 3))), compression="gzip")
    assert len(list(file)) == 3
    file, _ = remote(lambda asked: (200, {}, csv(0, 3)), compression="gzip")
    with pytest.raises(DecodeError, match=r"results\.csv is not compressed with gzip"):
        list(file)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("results.csv", csv(0, 3))
    file, _ = remote(bare(buffer.getvalue()), compression="zip")
    assert len(list(file)) == 3


def test_nothing_is_an_empty_read(remote: Any) -> None:
    file, _ = remote(lambda asked: (200, {}, b"id,name\n"))
    read = file.read()
    assert list(read) == []
    assert read.evidence.complete is True
    file, _ = remote(lambda asked: (204, {}, b""), format="jsonl")
    assert list(file) == []


def test_a_damaged_body_names_file_and_line(remote: Any) -> None:
    file, _ = remote(lambda asked: (200, {}, b"id,name\n1,a\n2\n"))
    reader = file.read()
    for _ in range(2):
        with pytest.raises(DecodeError, match=r"results\.csv, line 3"):
            list(reader)


def test_a_read_by_post(remote: Any) -> None:
    file, server = remote(lambda asked: (200, {}, csv(0, 3)), method="post", json={"columns": ["id"]}, timeout=5.0, purpose="backfill")
    assert len(list(file)) == 3
    assert (server.asked[0].method, server.asked[0].json()) == ("POST", {"columns": ["id"]})


# ---------------------------------------------------------------------- checkpoints


def pages_of(file: RemoteFile, since: Checkpoint | None = None, at_most: int = 1000) -> tuple[list[Any], Any]:
    reader, pages = file.open_read(since), []
    while len(pages) < at_most and (page := drive(reader.next_page())) is not None:
        pages.append(page)
    return pages, reader


def kept(checkpoint: Checkpoint) -> Checkpoint:
    return Checkpoint.from_dict(json.loads(json.dumps(checkpoint.to_dict())))


@pytest.mark.parametrize("stop", range(1, 10))
def test_a_read_goes_on_at_any_page(remote: Any, stop: int) -> None:
    file, server = remote(Chunks(), locator=LOCATOR, count=COUNT, page_size=4)
    pages, reader = pages_of(file, at_most=stop)
    reader.close()
    before = len(server.asked)
    checkpoint = kept(pages[-1].checkpoint)
    assert checkpoint.mode == "bulk"
    assert checkpoint.expires is not None
    rest, reader = pages_of(file, checkpoint)
    assert ids(record for page in [*pages, *rest] for record in page.records) == list(range(30))
    assert len(server.asked) - before <= 3 - (stop - 1) // 3, "only the body it stopped in is fetched again"
    evidence = reader.evidence
    assert (evidence.complete, evidence.records, evidence.pages) == (True, 30, 9)
    assert reader.checkpoint.token is None


@pytest.mark.parametrize("why", ["gone", "expired", "mode", "token", "changed"])
def test_a_place_that_is_gone_is_given_up_once(remote: Any, why: str) -> None:
    chunks = Chunks()
    file, server = remote(chunks, locator=LOCATOR, page_size=4)
    pages, reader = pages_of(file, at_most=5)
    reader.close()
    checkpoint = pages[-1].checkpoint
    if why == "gone":
        chunks.gone.add("L1")
        chunks.locators["new"] = 1
        # The first body names another one now.
        server.script = lambda asked: _renamed(chunks(asked))
    elif why == "expired":
        checkpoint = evolve(checkpoint, expires=datetime(2026, 1, 1, tzinfo=UTC))
    elif why == "mode":
        checkpoint = evolve(checkpoint, mode="cursor")
    elif why == "token":
        checkpoint = evolve(checkpoint, token={"url": 7, "locator": 1, "at": None})
    else:
        server.script = lambda asked: chunks(asked) if asked.params.get("locator") != "L1" else _swapped(chunks(asked))
    rest, reader = pages_of(file, checkpoint)
    assert ids(record for page in rest for record in page.records) == list(range(30))
    assert (reader.evidence.complete, len(reader.evidence.notes)) == (True, 1)


def _renamed(answer: Any) -> Any:
    status, headers, body = answer
    return status, {name: value.replace("L1", "new") for name, value in headers.items()}, body


def _swapped(answer: Any) -> Any:
    status, headers, body = answer
    return status, headers, body.replace(b"name 1", b"NAME 1")


def test_a_place_that_is_gone_in_the_middle_is_an_error(remote: Any) -> None:
    chunks = Chunks()
    chunks.gone.add("L1")
    file, _ = remote(chunks, locator=LOCATOR)
    with pytest.raises(NotFound):
        list(file)


def test_a_checkpoint_of_something_else_is_refused(remote: Any) -> None:
    file, _ = remote(Chunks(), locator=LOCATOR)
    other, _ = remote(Chunks(), locator=LOCATOR, params={"x": 1})
    pages, reader = pages_of(file, at_most=1)
    reader.close()
    with pytest.raises(CheckpointMismatch):
        other.open_read(pages[0].checkpoint)


def test_a_lifetime_of_none_does_not_expire(remote: Any) -> None:
    file, _ = remote(Chunks(), token_lifetime=None)
    pages, _ = pages_of(file)
    assert pages[0].checkpoint.expires is None


# ---------------------------------------------------------------------- what is left behind


def test_an_abandoned_read_leaves_nothing(remote: Any, folder: Path) -> None:
    file, _ = remote(Chunks(), locator=LOCATOR, page_size=2)
    for _ in file:
        assert [path.name for each in folder.iterdir() for path in each.iterdir()] == ["results.csv"]
        break
    gc.collect()
    assert list(folder.iterdir()) == []
    _, reader = pages_of(file, at_most=2)
    reader.close()
    assert list(folder.iterdir()) == []
    with pytest.raises(ReadError, match="closed before its end"):
        pages_of_reader(reader)
    reader.close()


def pages_of_reader(reader: Any) -> Any:
    return drive(reader.next_page())


def test_a_forked_child_does_not_remove_what_its_parent_reads(remote: Any, folder: Path) -> None:
    file, _ = remote(Chunks(), page_size=2)
    _, reader = pages_of(file, at_most=2)
    child = multiprocessing.get_context("fork").Process(target=reader.close)
    child.start()
    child.join()
    assert [len(os.listdir(each)) for each in folder.iterdir()] == [1]
    assert len(pages_of_reader(reader)) == 2
    reader.close()


def test_credentials_stay_home(serve: Any, folder: Path) -> None:
    stranger = serve(lambda asked: (200, {}, csv(0, 3)))
    with Client("https://shop.example", auth=BearerToken("t0ps3cr3t")) as client:
        assert len(list(RemoteFile(client, f"{stranger.url}/x.csv?sig=1", format="csv", folder=folder))) == 3
    assert "authorization" not in stranger.asked[0].headers


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "xml"},
        {"format": None},
        {"url": ""},
        {"url": 7},
        {"client": None},
        {"locator": "header:X"},
        {"count": "total"},
        {"count": 7},
        {"compression": None},
        {"compression": "rar"},
        {"folder": "/no/such/place"},
        {"page_size": 0},
        {"token_lifetime": 0},
        {"token_lifetime": True},
        {"params": "x"},
        {"timeout": 0},
        {"nonsense": 1},
        {"delimiter": "ab"},
        {"key": ()},
        {"format": "jsonl", "delimiter": ";"},
    ],
)
def test_wrong_arguments(wrong: dict[str, Any], folder: Path) -> None:
    arguments = {"client": Client("http://localhost:1"), "url": "/x", "format": "csv", **wrong}
    with pytest.raises(ConfigurationError):
        RemoteFile(arguments.pop("client"), arguments.pop("url"), **arguments)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Locator("X", param="p"),
        lambda: Locator("header:", param="p"),
        lambda: Locator("header:X", param=""),
        lambda: Locator("header:X", param="p", last=None),  # type: ignore[arg-type]
    ],
)
def test_wrong_locators(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_it_says_what_it_is(remote: Any) -> None:
    file, _ = remote(Chunks())
    assert repr(file).startswith("<RemoteFile /results of <Client http://127.0.0.1")
