"""Files and jobs of a server that lies: nothing is lost in silence, nobody else's exception comes out, and no secret is told."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead, IntegrakitError, PaginationStalled, ReadError
from integrakit.files import CsvFile, JsonFile, JsonLines, ParquetFile
from integrakit.http import Client
from integrakit.model import Checkpoint
from integrakit.reading import BulkJob, JobCall, Locator, RemoteFile
from integrakit.runtimes import drive

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")

LOCATOR = Locator("header:Next", param="locator")


def read(world: Any, url: str, make: Any, since: Checkpoint | None = None, at_most: int = 1000) -> tuple[list[Any], Any]:
    """The pages of one read, and its reader."""

    async def main() -> tuple[list[Any], Any]:
        async with Client(url, retry=None) as client:
            reader = make(client).open_read(since)
            pages: list[Any] = []
            while len(pages) < at_most and (page := await reader.next_page()) is not None:
                pages.append(page)
            reader.close()
            return pages, reader

    found: tuple[list[Any], Any] = world(main)
    return found


def ids(pages: list[Any]) -> list[str]:
    return [record["id"] for page in pages for record in page.records]


def kept(checkpoint: Checkpoint) -> Checkpoint:
    return Checkpoint.from_dict(json.loads(json.dumps(checkpoint.to_dict())))


# ---------------------------------------------------------------------- bodies that are something else


@pytest.mark.parametrize(
    "body",
    [b"<html><body>Please log in</body></html>", b"\n<!DOCTYPE html>\n", b'<?xml version="1.0"?><Error/>', b'{"error":"no such job"}', b'[{"id":1}]'],
)
def test_a_page_for_people_is_no_csv_without_rows(serve: Any, world: Any, body: bytes, tmp_path: Path) -> None:
    server = serve(lambda asked: (200, {}, body))
    with pytest.raises(DecodeError, match="not CSV"):
        read(world, server.url, lambda client: RemoteFile(client, "/x", format="csv", folder=tmp_path))


def test_errors_are_no_records(serve: Any, world: Any, tmp_path: Path) -> None:
    server = serve(lambda asked: {"data": None, "errors": [{"message": "Throttled"}]})
    with pytest.raises(DecodeError, match="'errors'"):
        read(world, server.url, lambda client: RemoteFile(client, "/x", format="json", folder=tmp_path))


@pytest.mark.parametrize("second", [b"3,4\n5,6\n", b"3,4\n"])
def test_a_row_is_not_taken_for_the_header_of_the_next_body(serve: Any, world: Any, second: bytes, tmp_path: Path) -> None:
    """Some servers send the header with the first body only."""

    def script(asked: Any) -> Any:
        return (200, {"Next": "null"}, second) if "locator" in asked.params else (200, {"Next": "b"}, b"id,name\n1,2\n")

    with pytest.raises(DecodeError, match="header"):
        read(world, serve(script).url, lambda client: RemoteFile(client, "/x", format="csv", locator=LOCATOR, folder=tmp_path))


def test_bodies_may_have_other_columns(serve: Any, world: Any, tmp_path: Path) -> None:
    def script(asked: Any) -> Any:
        return (200, {"Next": "null"}, b"note,id\nx,2\n") if "locator" in asked.params else (200, {"Next": "b"}, b"id,name\n1,2\n")

    pages, _ = read(world, serve(script).url, lambda client: RemoteFile(client, "/x", format="csv", locator=LOCATOR, folder=tmp_path))
    assert ids(pages) == ["1", "2"]


# ---------------------------------------------------------------------- lists of files that change


class Listed:
    """A job whose results are several files."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.signature = 0

    def __call__(self, asked: Any) -> Any:
        if asked.method == "POST":
            return {"id": "7"}
        if asked.path == "/jobs/7":
            self.signature += 1
            urls = [f"/files/{name}?Expires={self.signature}&Signature=s{self.signature}" for name in self.names]
            return {"status": "done", "urls": urls, "count": 2 * len(urls)}
        name = asked.path.removeprefix("/files/")
        return 200, {"Content-Type": "text/csv"}, f"id\n{name}1\n{name}2\n".encode()


def listed(folder: Path) -> Any:
    call = JobCall("POST", "/jobs")
    return lambda client: BulkJob(
        client, call, poll="/jobs/{id}", done=["done"], results="urls", count="count", every=0.001, page_size=1, folder=folder
    )


@pytest.mark.parametrize("later", [["c", "b", "a"], ["a", "b", "d", "c"], ["b", "c"], ["a"]])
def test_files_listed_otherwise_than_before_are_read_from_the_first(serve: Any, world: Any, tmp_path: Path, later: list[str]) -> None:
    jobs = Listed("a", "b", "c")
    server = serve(jobs)
    pages, _ = read(world, server.url, listed(tmp_path), at_most=4)
    assert ids(pages) == ["a1", "a2", "b1"]
    jobs.names = later
    rest, reader = read(world, server.url, listed(tmp_path), kept(pages[-1].checkpoint))
    assert ids(rest) == [f"{name}{n}" for name in later for n in (1, 2)]
    assert reader.evidence.complete is True
    assert reader.evidence.began_anew
    assert any("began anew" in note for note in reader.evidence.notes)


def test_files_signed_anew_are_the_same_files(serve: Any, world: Any, tmp_path: Path) -> None:
    server = serve(Listed("a", "b", "c"))
    pages, _ = read(world, server.url, listed(tmp_path), at_most=4)
    rest, reader = read(world, server.url, listed(tmp_path), kept(pages[-1].checkpoint))
    assert ids(rest) == ["b2", "c1", "c2"]
    assert not reader.evidence.began_anew


# ---------------------------------------------------------------------- reads that begin anew say so


def test_a_place_that_is_gone_is_told_to_those_who_count_pages(serve: Any, world: Any, tmp_path: Path) -> None:
    gone: set[str] = set()

    def script(asked: Any) -> Any:
        if (locator := asked.params.get("locator", "")) in gone:
            return 404, {}, {}
        return 200, {"Next": "null" if locator else "b"}, b"id\n3\n4\n" if locator else b"id\n1\n2\n"

    def make(client: Client) -> RemoteFile:
        return RemoteFile(client, "/x", format="csv", locator=LOCATOR, page_size=1, folder=tmp_path)

    server = serve(script)
    pages, reader = read(world, server.url, make)
    assert not reader.evidence.began_anew
    gone.add("b")
    resumed, reader = read(world, server.url, make, kept(pages[2].checkpoint), at_most=1)
    assert ids(resumed) == ["1"]
    assert reader.evidence.began_anew


def test_another_job_is_told_to_those_who_count_pages(serve: Any, world: Any, tmp_path: Path) -> None:
    created: list[str] = []

    def script(asked: Any) -> Any:
        if asked.method == "POST":
            created.append(f"j{len(created)}")
            return {"id": created[-1]}
        if asked.path.startswith("/jobs/"):
            return {"status": "done"} if asked.path.endswith(created[-1]) else (404, {}, {})
        return 200, {}, b"id\n1\n2\n"

    def make(client: Client) -> BulkJob:
        return BulkJob(client, JobCall("POST", "/jobs"), poll="/jobs/{id}", done=["done"], results="/r", every=0.001, page_size=1, folder=tmp_path)

    server = serve(script)
    pages, _ = read(world, server.url, make, at_most=2)
    created.append("another")
    resumed, reader = read(world, server.url, make, kept(pages[-1].checkpoint), at_most=1)
    assert (len(resumed[0].records), reader.evidence.began_anew) == (0, True)


# ---------------------------------------------------------------------- URLs


SIGNED = "/files/o.csv?X-Amz-Signature=SECRETONE&token=SECRETTWO&part=1"


@pytest.mark.parametrize("headers", [{"Next": "a", "Count": "1"}, {"Next": "null", "Count": "5"}])
def test_a_signed_url_is_told_to_nobody(serve: Any, world: Any, tmp_path: Path, headers: Mapping[str, str]) -> None:
    server = serve(lambda asked: (200, headers, b"id\n1\n"))
    made: list[RemoteFile] = []

    def make(client: Client) -> RemoteFile:
        made.append(RemoteFile(client, server.url + SIGNED, format="csv", locator=LOCATOR, count="header:Count", folder=tmp_path))
        return made[-1]

    pages, _ = read(world, server.url, make, at_most=1)
    with pytest.raises((PaginationStalled, IncompleteRead)) as caught:
        read(world, server.url, make)
    with pytest.raises(IntegrakitError) as other:
        made[0].open_read(Checkpoint(resource="other"))
    assert server.asked[0].params["token"] == "SECRETTWO"
    for text in (repr(made[0]), json.dumps(pages[0].checkpoint.to_dict()), str(caught.value), str(other.value)):
        assert "SECRET" not in text
        assert "part=1" in text


def test_a_read_goes_on_with_a_url_that_was_signed_anew(serve: Any, world: Any, tmp_path: Path) -> None:
    server = serve(lambda asked: (200, {}, b"id\n1\n2\n"))

    def make(token: str) -> Any:
        return lambda client: RemoteFile(client, f"/o.csv?token={token}", format="csv", page_size=1, folder=tmp_path)

    pages, _ = read(world, server.url, make("one"), at_most=1)
    assert ids(read(world, server.url, make("two"), kept(pages[0].checkpoint))[0]) == ["2"]


@pytest.mark.parametrize("url", ["http://[bad", "https://[::1"])
def test_a_url_that_is_none(serve: Any, world: Any, url: str, tmp_path: Path) -> None:
    server = serve(lambda asked: {"id": "7"} if asked.method == "POST" else {"status": "done", "url": url})

    def make(client: Client) -> BulkJob:
        return BulkJob(client, JobCall("POST", "/jobs"), poll="/jobs/{id}", done=["done"], results="url", every=0.001, folder=tmp_path)

    with pytest.raises(DecodeError, match="URL of its results"):
        read(world, server.url, make)
    with pytest.raises(ConfigurationError, match="whole URL"), Client(server.url) as client:
        RemoteFile(client, url, format="csv")


def by_location(client: Client, folder: Path) -> BulkJob:
    call = JobCall("POST", "/async/jobs")
    return BulkJob(client, call, id="header:Location", done=["done"], results="/r", every=0.001, folder=folder)


def test_a_location_that_is_none(serve: Any, world: Any, tmp_path: Path) -> None:
    server = serve(lambda asked: (202, {"Location": "http://[bad"}, {}))
    with pytest.raises(DecodeError, match="Location"):
        read(world, server.url, lambda client: by_location(client, tmp_path))


def test_a_location_without_a_slash_is_one_beside_the_request(serve: Any, world: Any, tmp_path: Path) -> None:
    def script(asked: Any) -> Any:
        if asked.method == "POST":
            return 202, {"Location": "42"}, {}
        return {"status": "done"} if asked.path == "/async/42" else (200, {}, b"id\n1\n") if asked.path == "/r" else (404, {}, {})

    pages, _ = read(world, serve(script).url, lambda client: by_location(client, tmp_path))
    assert ids(pages) == ["1"]
    assert pages[0].checkpoint.token["job"] == "42"


def test_a_job_that_has_no_address_is_not_cancelled_at_the_address_of_all(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (204, {}, b""))

    async def main() -> None:
        async with Client(server.url) as client:
            job = BulkJob(client, JobCall("POST", "/jobs"), id="header:Location", done=["done"], cancel=JobCall("DELETE", "{url}"))
            await job.acancel("42")

    with pytest.raises(ConfigurationError, match="a path with"):
        world(main)
    assert server.asked == []
    with pytest.raises(ConfigurationError, match="JobCall"):
        JobCall("GET", "{url}/status")


# ---------------------------------------------------------------------- the end


@pytest.mark.parametrize("pages", [0, 1, 2])
def test_a_read_that_was_closed_is_not_at_its_end(serve: Any, world: Any, tmp_path: Path, pages: int) -> None:
    server = serve(Listed("a"))
    _, reader = read(world, server.url, listed(tmp_path), at_most=pages)

    async def main() -> None:
        await reader.next_page()

    with pytest.raises(ReadError, match="closed before its end"):
        world(main)
    assert reader.evidence.complete is None
    assert reader.checkpoint.token is None if pages == 0 else reader.checkpoint.token["job"] == "7"


def test_whoever_clears_temporary_files_does_no_harm(serve: Any, world: Any, tmp_path: Path) -> None:
    def cleared() -> None:
        for file in tmp_path.glob("*/*"):
            file.unlink()

    server = serve(lambda asked: (200, {}, b"id\n1\n2\n"))

    async def main() -> list[str]:
        async with Client(server.url, retry=None) as client:
            reader = RemoteFile(client, "/x", format="csv", page_size=1, folder=tmp_path).open_read()
            found = []
            while (page := await reader.next_page()) is not None:
                found += ids([page])
                cleared()
            return found

    assert world(main) == ["1", "2"]


def _exits_with(reader: Any) -> None:
    try:
        drive(reader.next_page())
    except ReadError as problem:
        os._exit(7 if "before a fork" in str(problem) else 8)
    os._exit(9)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_a_forked_child_takes_nothing_from_its_parents_read(tmp_path: Path, kind: str) -> None:
    """Both have one place in the file: the parent would come to its end, and call it complete."""
    path = tmp_path / "rows"
    rows = [{"id": number, "pad": f"{number:0>100}"} for number in range(9000)]
    if kind == "csv":
        path.write_text("id,pad\n" + "".join(f"{row['id']},{row['pad']}\n" for row in rows))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=1000)
    else:
        lines = list(map(json.dumps, rows))
        path.write_text("\n".join(lines) if kind == "jsonl" else f"[{','.join(lines)}]")
    source = {"csv": CsvFile, "jsonl": JsonLines, "json": JsonFile, "parquet": ParquetFile}[kind]
    reader = source(path, page_size=100).open_read()
    read = len(drive(reader.next_page()).records)
    child = multiprocessing.get_context("fork").Process(target=_exits_with, args=(reader,))
    child.start()
    child.join()
    assert child.exitcode == 7
    while (page := drive(reader.next_page())) is not None:
        read += len(page.records)
    assert (read, reader.evidence.complete) == (9000, True)


@pytest.mark.parametrize(("source", "start"), [(CsvFile, "id\n1\n"), (JsonLines, '{"id": 1}\n'), (JsonFile, '[{"id": 1}, {"id": "')])
def test_bytes_without_an_end_do_not_take_all_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Any, start: str) -> None:
    monkeypatch.setattr("integrakit.files.lines.LONGEST", 1_000_000)
    monkeypatch.setattr("integrakit.files.json_text.LONGEST", 1_000_000)
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(start)
        for _ in range(60):
            file.write("x" * 1_000_000)
    reader = source(path, page_size=1).open_read()
    tracemalloc.start()
    try:
        assert len(drive(reader.next_page()).records) == 1
        with pytest.raises(DecodeError, match=r"(more|longer) than 1000000"):
            drive(reader.next_page())
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
