"""CsvFile: reading strictly, resuming, and appending."""

from __future__ import annotations

import asyncio
import csv
import enum
import gc
import gzip
import io
import os
import zipfile
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, ReadError, WriteError
from integrakit.files import CsvFile
from integrakit.files.lines import Lines
from integrakit.model import UNSET, Change, Checkpoint
from integrakit.protocols import Readable, Sink, Source
from integrakit.runtimes import drive


class Colour(enum.Enum):
    RED = "red"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def statuses(outcomes: Any) -> list[str]:
    return [outcome.status for outcome in outcomes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


# ---------------------------------------------------------------- reading


def test_it_fits_the_protocols(path: Path) -> None:
    file = CsvFile(path, key="id")
    assert isinstance(file, Readable)
    assert isinstance(file, Source)
    assert isinstance(file, Sink)
    assert (file.key, file.untyped, file.repeatable, file.findable, file.deletes, file.name, file.limits.batch) == (
        "id",
        True,
        False,
        True,
        False,
        "a.csv",
        None,
    )
    assert repr(file) == "<CsvFile a.csv, key 'id'>"
    other = CsvFile(str(path), key=["a", "b"], types={"n": int})
    assert (other.key, other.untyped) == (("a", "b"), False)
    assert (CsvFile(path).key, CsvFile(path).findable, repr(CsvFile(path))) == (None, False, "<CsvFile a.csv>")


def test_a_read_in_every_world(path: Path, world: Any) -> None:
    write(path, "id,name\n" + "".join(f"{n},n{n}\n" for n in range(25)))
    file = CsvFile(path, page_size=10)

    async def body() -> Any:
        reader = file.open_read()
        sizes = []
        while (page := await reader.next_page()) is not None:
            sizes.append(len(page))
            assert reader.checkpoint == page.checkpoint
            assert reader.evidence.complete is None
        assert await reader.next_page() is None
        assert reader.checkpoint is None
        records = aiter(file)
        return sizes, reader.evidence, [row async for row in aiter(records)]

    sizes, evidence, rows = world(body)
    assert sizes == [10, 10, 5]
    assert (evidence.complete, evidence.reasons, evidence.records, evidence.pages, evidence.stability) == (True, (), 25, 3, "snapshot")
    assert (evidence.ended_by, evidence.started.tzinfo) == ("protocol", UTC)
    assert rows == list(file) == [{"id": str(n), "name": f"n{n}"} for n in range(25)]


def test_what_csv_can_hold(path: Path) -> None:
    write(path, '\ufeff id ,"na""me"\r\n1,"two\r\nlines, and a comma"\n\n  ,\n"",x\n')
    assert list(CsvFile(path)) == [{" id ": "1", 'na"me': "two\r\nlines, and a comma"}, {" id ": "  ", 'na"me': ""}, {" id ": "", 'na"me': "x"}]
    assert list(CsvFile(write(path, "id;n\n1;'a;b'"), delimiter=";", quote="'")) == [{"id": "1", "n": "a;b"}]
    assert list(CsvFile(write(path, "1,2\n3,4\n"), header=("a", "b"))) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert list(CsvFile(write(path, ""), header=["a"])) == []
    assert list(CsvFile(write(path, ",a\n0,1\n"))) == [{"": "0", "a": "1"}]


def test_a_header_alone_is_a_complete_read(path: Path) -> None:
    reader = CsvFile(write(path, "id,name\n")).open_read()
    assert drive(reader.next_page()) is None
    assert reader.evidence.complete is True


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-8", "UTF8"])
def test_encodings(path: Path, encoding: str) -> None:
    write(path, "id,name\n1,Zoë\n".encode(encoding))
    assert list(CsvFile(path, encoding=encoding)) == [{"id": "1", "name": "Zoë"}]


def test_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id\n1\n") + gzip.compress(b"2\n"))
    file = CsvFile(path, page_size=1)
    assert list(file) == [{"id": "1"}, {"id": "2"}]
    first = next(file.pages()).checkpoint
    assert [page.records for page in file.pages(first)] == [[{"id": "2"}]]
    with pytest.raises(ConfigurationError, match="it is compressed"):
        file.write([Change.create(None, {"id": 1})])
    content = gzip.compress(("id\n" + "".join(f"{n}\n" for n in range(5000))).encode())
    for damaged in (content[:-10], content[: len(content) // 2], b"not compressed", content[:100] + b"\xff" * 50 + content[150:]):
        path.write_bytes(damaged)
        with pytest.raises(DecodeError, match=r"a.csv.gz, after line \d+: the compressed file is damaged or was cut"):
            list(file)


def zipped(**members: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return archive.getvalue()


def test_compression_is_told_by_the_first_bytes(path: Path) -> None:
    plain = ("id,n\n" + "".join(f"{n},{n * n}\n" for n in range(3000))).encode()
    wanted = list(CsvFile(write(path, plain)))
    for packed in (gzip.compress(plain), zipped(**{"report.csv": plain, "__MACOSX/x": b"1"})):
        file = CsvFile(write(path, packed), key="id", page_size=1000)
        assert list(file) == wanted
        first = next(file.pages()).checkpoint
        assert first is not None
        assert "offset" not in first.token
        assert sum(len(page) for page in file.pages(first)) == 2000
        with pytest.raises(ConfigurationError, match="it is compressed"):
            file.write([Change.create(1, {"n": 1})])
        assert path.read_bytes() == packed
        for cut in (5, len(packed) // 2, len(packed) - 1):
            with pytest.raises(DecodeError, match=r"a.csv, .*the compressed file is damaged or was cut"):
                list(CsvFile(write(path, packed[:cut])))


def test_archives_that_cannot_be_read(path: Path) -> None:
    with pytest.raises(DecodeError, match="a zip with 2 files in it"):
        list(CsvFile(write(path, zipped(a=b"id\n", b=b"id\n"))))
    with pytest.raises(DecodeError, match="a zip with 0 files in it"):
        list(CsvFile(write(path, zipped(**{"a/": b""}))))
    locked = bytearray(zipped(a=b"id\n1\n"))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DecodeError, match=r"cannot be unpacked: .*password"):
        list(CsvFile(write(path, bytes(locked))))
    wrong = bytearray(zipped(a=b"id\n1\n2\n3\n"))
    wrong[wrong.index(b"PK\x01\x02") + 16] ^= 1  # the checksum
    with pytest.raises(DecodeError, match="damaged or was cut"):
        list(CsvFile(write(path, bytes(wrong))))
    with pytest.raises(DecodeError, match=r"a.csv.gz, at its start: .*not a byte in it"):
        list(CsvFile(write(path.with_name("a.csv.gz"), b"")))


def test_types(path: Path) -> None:
    write(
        path,
        'total,n,f,ok,day,at,tod,js,s,other\n1.50,-7,1e3,TRUE,2024-02-29,2024-01-31 12:00:00+01:00,09:30,"[1.10]",x,5\n,,,,,,,,,\n.5,07,-1,0,,,,,,\n',
    )
    types = {"total": Decimal, "n": int, "f": float, "ok": bool, "day": date, "at": datetime, "tod": time, "js": "json", "s": str}
    rows = list(CsvFile(path, types=types))
    assert rows[0] == {
        "total": Decimal("1.50"),
        "n": -7,
        "f": 1000.0,
        "ok": True,
        "day": date(2024, 2, 29),
        "at": datetime.fromisoformat("2024-01-31T12:00:00+01:00"),
        "tod": time(9, 30),
        "js": [Decimal("1.10")],
        "s": "x",
        "other": "5",
    }
    assert str(rows[0]["total"]) == "1.50"
    assert rows[1] == dict.fromkeys(types) | {"s": "", "other": ""}
    assert (rows[2]["total"], rows[2]["n"], rows[2]["ok"]) == (Decimal("0.5"), 7, False)


@pytest.mark.parametrize(
    ("cell", "wanted", "reason"),
    [
        ("1,234.5", Decimal, "a number such as 1234.50"),
        (" 1", Decimal, "not a number"),
        ("NaN", Decimal, "not a number"),
        ("1_0", Decimal, "not a number"),
        ("١", int, "not a whole number such as 42"),
        ("1.0", int, "not a whole number"),
        ("1" * 5000, int, "Exceeds the limit"),
        ("inf", float, "not a number"),
        ("1e999", float, "beyond the range of a float"),
        ("yes", bool, "not true, false, 1 or 0"),
        ("31.01.2024", date, "not a date such as 2024-01-31"),
        ("2024-02-30", date, "day is out of range"),
        ("2024-01-31", datetime, "not a time such as 2024-01-31T12:00:00"),
        ("9:30", time, "not a time of day"),
        ("{", "json", "Expecting property name"),
    ],
)
def test_types_are_strict(path: Path, cell: str, wanted: Any, reason: str) -> None:
    write(path, f'id,v\n1,\n2,"{cell}"\n')
    with pytest.raises(DecodeError, match=rf"a.csv, line 3, column 'v': .* is .*{reason}") as caught:
        list(CsvFile(path, types={"v": wanted}))
    assert caught.value.path == "v"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.csv is empty: there is not even a header"),
        ("\n\n", "is empty"),
        ("id,name\n1,a\n2\n", "line 3: 1 cells, and the header has 2"),
        ("id,name\n1,a,b\n", "line 2: 3 cells, and the header has 2"),
        ('id,name\n"1\n2",a\n3\n', "line 4: 1 cells"),
        ("id,name,id\n1,a,2\n", "columns 1 and 3 of the header are both 'id'"),
        ("a,,\n", "columns 2 and 3 of the header are both ''"),
        ('id,name\n1,a\n2,"cut in the mid', "line 3: the quotes that open here are not closed: the file was cut"),
        ('id,"na', "line 1: the quotes that open here are not closed"),
        ('id,name\n1,"a"x\n', "line 2: ',' expected after '\"'"),
        ("id,name\n1,a\0b\n", "line 2: a NUL character"),
        ("id,name\n1,a\n2,Zo\xeb\n".encode("latin-1"), r"line 3: not utf-8-sig \(byte 0xeb\): give the file's encoding="),
        ("id\n" + '"' + "x" * 200_000 + '"\n', "line 2: field larger than field limit .*csv.field_size_limit"),
        (b"\xff\xfei\x00d\x00\n\x00", "line 1: not utf-8-sig"),
    ],
)
def test_malformed_files(path: Path, content: str | bytes, message: str, world: Any) -> None:
    write(path, content)

    async def body() -> None:
        reader = CsvFile(path).open_read()
        with pytest.raises(DecodeError, match=message):
            await reader.next_page()
        assert reader.evidence.complete is None
        with pytest.raises(ReadError, match="failed before its end"):
            await reader.next_page()

    world(body)


def test_a_line_end_of_old(path: Path) -> None:
    assert list(CsvFile(write(path, "id,n\r1,2\r3,4\r"))) == [{"id": "1", "n": "2"}, {"id": "3", "n": "4"}]


def test_pages_before_a_malformed_line_are_delivered(path: Path) -> None:
    write(path, "id\n" + "".join(f"{n}\n" for n in range(25)) + "25,x\n")
    pages = CsvFile(path, page_size=10).pages()
    assert [len(next(pages)), len(next(pages))] == [10, 10]
    with pytest.raises(DecodeError, match="line 27"):
        next(pages)


def test_a_bad_byte_far_into_a_block_has_its_own_line(path: Path) -> None:
    write(path, b"id\n" + b"".join(b"%d\n" % n for n in range(3000)) + b"\xe9\n")
    with pytest.raises(DecodeError, match="line 3002: not utf-8"):
        list(CsvFile(path))
    write(path, "id\n1\n2\n".encode("utf-16-le")[:-1])
    with pytest.raises(DecodeError, match="line 3: not utf-16-le"):
        list(CsvFile(path, encoding="utf-16-le"))
    with pytest.raises(DecodeError, match=r"line 1: not utf-16.*BOM"):
        list(CsvFile(write(path, b"id\n1\n"), encoding="utf-16"))


def test_what_is_not_there(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no file .*a.csv$"):
        list(CsvFile(path))
    write(path.with_name("a2.csv"), "id\n")
    with pytest.raises(ConfigurationError, match=r"did you mean a2.csv\?"):
        list(CsvFile(path))
    with pytest.raises(ConfigurationError, match="there is no directory"):
        list(CsvFile(path.parent / "away" / "a.csv"))
    with pytest.raises(ConfigurationError, match="is a directory"):
        list(CsvFile(path.parent))
    with pytest.raises(ConfigurationError, match="cannot be read: File name too long"):
        list(CsvFile(path.parent / ("x" * 300)))
    write(path, "id;name\n1;2\n")
    with pytest.raises(
        ConfigurationError, match=r"CsvFile\(key=…\): a.csv has no column 'id': the header is one cell, 'id;name'; is the delimiter ';'\?"
    ):
        list(CsvFile(path, key="id"))
    with pytest.raises(ConfigurationError, match=r"CsvFile\(types=…\): .*'nam' \(did you mean 'name'\?\)"):
        list(CsvFile(path, delimiter=";", types={"nam": str}))
    with pytest.raises(ConfigurationError, match="no column 'zzz'; it has 'id', 'name'"):
        list(CsvFile(path, delimiter=";", key="zzz"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": ""}, "path of a file"),
        ({"path": 7}, "path of a file"),
        ({"path": b"a.csv"}, "path of a file"),
        ({"path": "a\0"}, "path of a file"),
        ({"key": ()}, "key=…"),
        ({"key": ("a", "a")}, "key=…"),
        ({"key": 7}, "key=…"),
        ({"types": [("a", int)]}, "types=…"),
        ({"types": {"a": complex}}, "types={'a': …}.*Decimal, int, float, bool, date, datetime, time, json, str"),
        ({"delimiter": ""}, "delimiter=…"),
        ({"delimiter": ";;"}, "delimiter=…"),
        ({"delimiter": "\n"}, "delimiter=…"),
        ({"delimiter": None}, "delimiter=…"),
        ({"delimiter": '"'}, "both"),
        ({"quote": ""}, "quote=…"),
        ({"encoding": "nonsense"}, "encoding=…"),
        ({"encoding": "base64"}, "encoding=…"),
        ({"encoding": None}, "encoding=…"),
        ({"header": "id"}, "header=…"),
        ({"header": ["a", "a"]}, "header=…"),
        ({"page_size": 0}, "page_size=…"),
        ({"page_size": True}, "page_size=…"),
        ({"page_size": "5"}, "page_size=…"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    given = {"path": "a.csv", **arguments}
    with pytest.raises(ConfigurationError, match=message):
        CsvFile(given.pop("path"), **given)


def test_a_column_may_have_a_blank_name(path: Path) -> None:
    # pandas leaves the name of its index blank.
    assert CsvFile(write(path, ",a\n7,1\n"), key="").find(["7"]) == {"7": {"": "7", "a": "1"}}


# ---------------------------------------------------------------- resuming


def test_a_resumed_read_is_exact_from_every_checkpoint(path: Path) -> None:
    write(path, "id,n\n" + "".join(f'{n},"a\nb{n}"\n\n' for n in range(10)))
    file = CsvFile(path, page_size=3)
    everything, seen = list(file), []
    for page in file.pages():
        seen += page.records
        assert page.checkpoint is not None
        stored = Checkpoint.from_dict(page.checkpoint.to_dict())
        reader = file.open_read(stored)
        rest = []
        while (more := drive(reader.next_page())) is not None:
            rest += more.records
        assert seen + rest == everything
        assert (reader.evidence.records, reader.evidence.complete, reader.evidence.started) == (10, True, stored.born)
    with path.open("a") as more_of_it:
        more_of_it.write("10,new\n")
    assert page.checkpoint is not None
    assert [record["id"] for more in file.pages(page.checkpoint) for record in more.records] == ["10"]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16-le", "shift_jis"])
def test_a_resumed_read_in_every_encoding(path: Path, encoding: str, mark: str) -> None:
    name = "ｱ" if encoding == "shift_jis" else "Zoë"
    content = (mark if encoding == "utf-8-sig" else "") + "id,n\r\n" + "".join(f'{n},"{name}\r\n\n{n}"\r\n\r\n' for n in range(9)) + f"9,{name}"
    write(path, content.encode(encoding if encoding != "utf-8-sig" else "utf-8"))
    file = CsvFile(path, encoding=encoding, page_size=2)
    wanted, seen = list(file), []
    for page in file.pages():
        seen += page.records
        assert page.checkpoint is not None
        assert ("offset" in page.checkpoint.token) is (encoding in ("utf-8-sig", "cp1252"))
        assert seen + [record for more in file.pages(page.checkpoint) for record in more.records] == wanted
    assert len(seen) == 10
    file.write([Change.create(None, {"id": "10", "n": name})])
    assert page.checkpoint is not None
    assert [record["id"] for more in file.pages(page.checkpoint) for record in more.records] == ["10"]
    changed = path.read_bytes().replace("3,".encode(encoding.removesuffix("-sig")), "4,".encode(encoding.removesuffix("-sig")), 1)
    write(path, changed)
    with pytest.raises(CheckpointMismatch, match="are not those"):
        list(file.pages(page.checkpoint))


def test_a_last_line_that_went_on_is_another_line(path: Path) -> None:
    file = CsvFile(write(path, "id,n\n1,2"))
    *_, last = file.pages()
    for more, then in (("", []), ("\n", []), ("\r\n", []), ("\r", []), ("\n3,4", [{"id": "3", "n": "4"}]), ("\r3,4", [{"id": "3", "n": "4"}])):
        write(path, "id,n\n1,2" + more)
        assert [record for page in file.pages(last.checkpoint) for record in page.records] == then, more
    for more in ("3\n", " \n", ",\n", '"'):
        write(path, "id,n\n1,2" + more)
        with pytest.raises(CheckpointMismatch, match=r"the first 2 lines of a.csv are not those"):
            list(file.pages(last.checkpoint))


def test_a_resumed_read_names_lines_as_a_whole_one_does(path: Path) -> None:
    file = CsvFile(write(path, 'id,n\n1,"a\nb"\n2,3\n4\n'), page_size=1)
    for since in (None, *(page.checkpoint for _, page in zip(range(2), file.pages(), strict=False))):
        with pytest.raises(DecodeError, match="line 5: 1 cells"):
            list(file.pages(since))


def test_records_before_a_bad_line_come_first(path: Path) -> None:
    for bad in (b"\xff,1\n", b"\0,1\n"):
        pages = CsvFile(write(path, b"id,n\n1,1\n2,2\n" + bad), page_size=1).pages()
        if bad == b"\0,1\n":
            assert [next(pages).records, next(pages).records] == [[{"id": "1", "n": "1"}], [{"id": "2", "n": "2"}]]
        with pytest.raises(DecodeError, match=r"a.csv, line 4"):
            next(pages)


def test_checkpoints_of_something_else_are_refused(path: Path) -> None:
    write(path, "id,n\n1,1\n2,2\n3,3\n")
    file = CsvFile(path, page_size=2)
    checkpoint = next(file.pages()).checkpoint
    assert checkpoint is not None
    for other in (CsvFile(path, delimiter=";"), CsvFile(path.with_name("b.csv")), CsvFile(path, encoding="cp1252")):
        with pytest.raises(CheckpointMismatch):
            other.open_read(checkpoint)
    with pytest.raises(CheckpointMismatch, match="no cursor"):
        file.open_read(evolve(checkpoint, watermark=7))
    for token in (7, [], {}, {"line": "x", "checksum": 1}):
        with pytest.raises(CheckpointMismatch, match="not one of this version"):
            drive(file.open_read(evolve(checkpoint, token=token)).next_page())
    for token in ({"line": 3, "checksum": 1, "offset": 9}, {"line": 3, "checksum": 1}, {"line": 3, "checksum": 1, "offset": -4}):
        with pytest.raises(CheckpointMismatch, match="are not those"):
            drive(file.open_read(evolve(checkpoint, token=token)).next_page())
    with pytest.raises(CheckpointMismatch, match="goes on by items, and this read by lines"):
        file.open_read(evolve(checkpoint, mode="items"))
    for content in ("id,n\n1,1\n2,9\n3,3\n", "id,n\n1,1\n"):
        write(path, content)
        with pytest.raises(CheckpointMismatch, match=r"the first 3 lines of a.csv are not those"):
            drive(file.open_read(checkpoint).next_page())


def test_a_file_that_is_written_to_while_it_is_read_proves_nothing(path: Path) -> None:
    write(path, "id\n1\n2\n")
    reader = CsvFile(path, page_size=1).open_read()
    drive(reader.next_page())
    with path.open("a") as other:
        other.write("3\n")
    while drive(reader.next_page()) is not None:
        pass
    assert reader.evidence.complete is None
    assert reader.evidence.reasons == ("the file was written to while it was read",)


def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(path: Path) -> None:
    write(path, "id\n" + "1\n" * 100_000)
    pages = CsvFile(path, page_size=50_000).pages()
    next(pages)
    write(path.with_name("new"), "id\n").replace(path)
    assert sum(len(page) for page in pages) == 50_000


def test_an_early_end_closes_the_file(path: Path) -> None:
    write(path, "id\n1\n2\n")
    for _ in CsvFile(path, page_size=1):
        break
    reader = CsvFile(path, page_size=1).open_read()
    drive(reader.next_page())
    reader.close()
    reader.close()
    del reader
    for asked in (False, True):
        closed = CsvFile(path, page_size=1).open_read()
        if asked:
            drive(closed.next_page())
        closed.close()
        with pytest.raises(ReadError, match="closed before its end"):
            drive(closed.next_page())
    lines = Lines(str(path), encoding="utf-8", newline="")
    lines.close()
    with pytest.raises(ReadError, match=r"a.csv was closed in the middle of a read"):
        next(iter(lines))
    gc.collect()  # a warning about an open file would fail this test


def test_a_file_that_goes_away_under_the_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, "id\n" + "1\n" * 100_000)
    reader = CsvFile(path, page_size=10).open_read()
    drive(reader.next_page())
    assert reader._file is not None
    raw = reader._file._file.raw
    assert raw is not None
    os.close(raw.fileno())
    descriptor = os.open(path.parent, os.O_RDONLY)  # takes its number: reading a directory fails
    assert descriptor == raw.fileno()
    with pytest.raises(ReadError, match=r"a.csv, after line .*directory"):
        [drive(reader.next_page()) for _ in range(10_000)]


# ---------------------------------------------------------------- appending


def test_writing_in_every_world(path: Path, world: Any) -> None:
    file = CsvFile(path, key="id", types={"total": Decimal, "day": date, "ok": bool, "lines": "json"})
    record = {"id": "1", "name": 'Zoë "Z", \r\n', "total": Decimal("1.50"), "day": date(2024, 1, 31), "ok": True, "lines": [{"a": None}]}

    async def body() -> Any:
        first = await file.awrite([Change.upsert("1", record), Change.create("2", {"name": "=1+1", "total": UNSET, "day": None})])
        return first, await file.awrite([Change.update("1", {"name": "x"}), Change.delete("1"), Change.upsert("3", {"nam": "x"})])

    first, second = world(body)
    assert statuses(first) == ["applied", "applied"]
    assert statuses(second) == ["rejected"] * 3
    assert second[0].error == "a.csv: a file can only be appended to, so there is no update"
    assert second[2].error == "a.csv: there is no column 'nam' in the header (did you mean 'name'?)"
    assert list(file) == [record, {"id": "2", "name": "=1+1", "total": None, "day": None, "ok": None, "lines": None}]
    assert path.read_text().startswith("id,name,total,day,ok,lines\n")
    assert b"\xef\xbb\xbf" not in path.read_bytes()


def test_an_append_to_a_file_of_others(path: Path) -> None:
    write(path, "\ufeffid,name\r\n1,a")
    file = CsvFile(path, key="id")
    assert statuses(file.write([Change.create("2", {"name": "b"}), Change.create("3", {})])) == ["applied", "applied"]
    assert path.read_bytes() == "\ufeffid,name\r\n1,a\n2,b\n3,\n".encode()
    assert statuses(file.write([Change.delete("1")])) == ["rejected"]
    assert len(list(file)) == 3


def test_a_file_that_was_cut_is_not_appended_to(path: Path) -> None:
    for content in ('id,name\n1,"a', "id,name\n1"):
        write(path, content)
        with pytest.raises(WriteError, match="ends in the middle of a record, an earlier write was cut") as caught:
            CsvFile(path).write([Change.create(None, {"id": "2"})])
        assert isinstance(caught.value.__cause__, DecodeError)
        assert path.read_text() == content


def test_a_given_header(path: Path) -> None:
    file = CsvFile(path, header=["b", "a"])
    assert statuses(file.write([Change.create(None, {"a": 1}), Change.create(None, {"c": 1}), Change.create(None, {"b": ""})])) == [
        "applied",
        "rejected",
        "applied",
    ]
    assert path.read_text() == ",1\n,\n"
    assert list(file) == [{"b": "", "a": "1"}, {"b": "", "a": ""}]


def test_one_column_that_is_blank_is_still_a_row(path: Path) -> None:
    file = CsvFile(path, key="id")
    file.write([Change.create("", {}), Change.create(None, {"id": None})])
    assert list(file) == [{"id": ""}, {"id": ""}]


def test_a_header_comes_from_the_first_record_that_is_accepted(path: Path) -> None:
    file = CsvFile(path)
    outcomes = file.write([Change.create(None, {"bad": object()}), Change.create(None, {}), Change.create(None, {"a": 1})])
    assert statuses(outcomes) == ["rejected", "rejected", "applied"]
    assert outcomes[0].error == "a.csv: bad: a object cannot be written to a CSV file"
    assert path.read_text() == "a\n1\n"
    write(path, "")
    file.write([Change.create(None, {"b": 2})])
    assert path.read_text() == "b\n2\n"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-30"), "1E-30"),
        (0.1, "0.1"),
        (7, "7"),
        (True, "true"),
        (False, "false"),
        (Colour.RED, "red"),
        (datetime(2024, 1, 31, tzinfo=UTC), "2024-01-31T00:00:00+00:00"),
        (time(9), "09:00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ((1, 2), '"[1,2]"'),
    ],
)
def test_cells(path: Path, value: Any, cell: str) -> None:
    CsvFile(path).write([Change.create(None, {"a": value})])
    assert path.read_text() == f"a\n{cell}\n"


@pytest.mark.parametrize(
    "value", [float("nan"), float("-inf"), Decimal("sNaN"), Decimal("Infinity"), "a\0", "\ud800", b"x", {"a": {1}}, {1}, object()]
)
def test_what_no_cell_can_hold(path: Path, value: Any) -> None:
    assert statuses(CsvFile(path).write([Change.create(None, {"a": value}), Change.create(None, {"a": 1})])) == ["rejected", "applied"]
    assert path.read_text() == "a\n1\n"


def test_other_encodings_are_kept(path: Path) -> None:
    file = CsvFile(path, encoding="cp1252", delimiter=";")
    outcomes = file.write([Change.create(None, {"a": "Zoë", "b": 1}), Change.create(None, {"a": "订单", "b": 1})])
    assert statuses(outcomes) == ["applied", "rejected"]
    assert outcomes[1].error == "a.csv: '订' cannot be written in cp1252"
    assert path.read_bytes() == b"a;b\nZo\xeb;1\n"
    little = CsvFile(path.with_name("b.csv"), encoding="utf-16-le")
    for _ in range(2):
        little.write([Change.create(None, {"a": "Zoë"})])
    assert list(little) == [{"a": "Zoë"}] * 2
    with pytest.raises(ConfigurationError, match="has a mark at the start"):
        CsvFile(path, encoding="utf-16").write([Change.create(None, {"a": 1})])


def test_keys(path: Path) -> None:
    file = CsvFile(path, key=("a", "b"))
    outcomes = file.write(
        [
            Change.create((1, 2), {"n": 1}),
            Change.create([1, 3], {"n": 2}),
            Change.create((1,), {}),
            Change.create((1, 2), {"a": 9}),
            Change.upsert((1, 2), {"n": 3}),
        ]
    )
    assert statuses(outcomes) == ["applied", "applied", "rejected", "rejected", "applied"]
    assert outcomes[3].error == "a.csv: the record has a = 9, and the change is for the key (1, 2)"
    found = file.find([(1, 2), ["1", "3"], (1, 9), (object(), 1)])
    assert found == {(1, 2): {"a": "1", "b": "2", "n": "3"}, ("1", "3"): {"a": "1", "b": "3", "n": "2"}}
    assert CsvFile(path.with_name("none.csv"), key="id").find(["1"]) == {}
    with pytest.raises(ConfigurationError, match="needs to know the key"):
        CsvFile(path).find(["1"])


def test_writing_where_one_cannot(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="there is no directory"):
        CsvFile(path.parent / "away" / "a.csv").write([Change.create(None, {"a": 1})])
    with pytest.raises(ConfigurationError, match=r"write\(\) takes changes"):
        CsvFile(path).write([{"a": 1}])  # type: ignore[list-item]
    with pytest.raises(ConfigurationError, match="is a directory"):
        CsvFile(path.parent).write([Change.create(None, {"a": 1})])
    with pytest.raises(WriteError, match="File name too long; nothing of this call was written"):
        CsvFile(path.parent / ("x" * 300)).write([Change.create(None, {"a": 1})])
    assert CsvFile(path).write([]) == []
    assert not path.exists()


def test_a_disk_that_fills_up_in_the_middle_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CsvFile(path)
    file.write([Change.create(None, {"a": 1})])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"a.csv: No space left on device; nothing of this call was written"):
        file.write([Change.create(None, {"a": 2})])
    assert path.read_text() == "a\n1\n"


def test_excel_s_own_reader_agrees(path: Path) -> None:
    rows = [{"a": value, "b": "x"} for value in ('"', ",", "\r", "\n", "\r\n", " lead", "'", "\\", ";", "\t", "")]
    CsvFile(path).write([Change.create(None, row) for row in rows])
    with path.open(newline="", encoding="utf-8") as plain:
        assert list(csv.DictReader(plain)) == rows
    assert list(CsvFile(path)) == rows


def test_sync_iteration_works_inside_a_running_loop(path: Path) -> None:
    write(path, "id\n1\n")

    async def notebook() -> Any:
        return list(CsvFile(path))

    assert asyncio.run(notebook()) == [{"id": "1"}]
