"""JsonLines: reading strictly, resuming, and appending."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, WriteError
from integrakit.files import JsonLines
from integrakit.model import UNSET, Change, Checkpoint
from integrakit.protocols import Readable, Sink, Source
from integrakit.runtimes import drive


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def statuses(outcomes: Any) -> list[str]:
    return [outcome.status for outcome in outcomes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jsonl"


def test_it_fits_the_protocols(path: Path) -> None:
    file = JsonLines(path, key="id")
    assert isinstance(file, Readable)
    assert isinstance(file, Source)
    assert isinstance(file, Sink)
    assert (file.key, file.findable, file.repeatable, file.deletes, file.name, file.limits.batch) == ("id", True, False, False, "a.jsonl", None)
    assert repr(file) == "<JsonLines a.jsonl, key 'id'>"
    assert (JsonLines(path).key, JsonLines(path).findable, repr(JsonLines(path))) == (None, False, "<JsonLines a.jsonl>")


def test_a_read_in_every_world(path: Path, world: Any) -> None:
    write(path, '\ufeff{"id": 0, "t": 1.50}\n\n   \r\n' + "".join(f'{{"id": {n}}}\r\n' for n in range(1, 25)) + '{"id": 25}')
    file = JsonLines(path, page_size=10)

    async def body() -> Any:
        reader = file.open_read()
        sizes = []
        while (page := await reader.next_page()) is not None:
            sizes.append(len(page))
        return sizes, reader.evidence, [row async for row in file]

    sizes, evidence, rows = world(body)
    assert sizes == [10, 10, 6]
    assert (evidence.complete, evidence.records, evidence.stability) == (True, 26, "snapshot")
    assert rows == list(file) == [{"id": 0, "t": Decimal("1.50")}] + [{"id": n} for n in range(1, 26)]
    assert str(rows[0]["t"]) == "1.50"
    assert type(next(iter(JsonLines(path, decimals=False)))["t"]) is float


def test_only_a_line_feed_ends_a_line(path: Path) -> None:
    assert list(JsonLines(write(path, '{"a": "x\u2028y\x85z"}\n'))) == [{"a": "x\u2028y\x85z"}]
    assert list(JsonLines(write(path, ""))) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{'a': 1}", "line 3: not JSON .*Expecting property name"),
        ("[1]", "line 3: list instead of a JSON object"),
        ("null", "line 3: NoneType instead"),
        ('"text"', "line 3: str instead"),
        ('{"a": NaN}', "line 3: not JSON .NaN is not JSON"),
        ('{"a": 1} {"a": 2}', "line 3: not JSON .Extra data"),
        ("[" * 200_000, "line 3: not JSON .nested too deeply"),
        ('{"a": "\0"}', "line 3: a NUL character"),
        (b'{"a": "Zo\xeb"}', "line 3: not utf-8-sig .byte 0xeb"),
    ],
)
def test_bad_lines(path: Path, line: str | bytes, message: str) -> None:
    write(path, b'{"a": 1}\n\n' + (line if isinstance(line, bytes) else line.encode()) + b'\n{"a": 2}\n')
    with pytest.raises(DecodeError, match=f"a.jsonl, {message}") as caught:
        list(JsonLines(path))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("document", ['[{"a": 1}]', '[\n{"a": 1}\n]', '{\n"data": []\n}', "[{\n}]"])
def test_one_json_document_is_told_from_lines(path: Path, document: str) -> None:
    with pytest.raises(DecodeError, match=r"if the file is one JSON document, JsonFile\(path\) reads it"):
        list(JsonLines(write(path, document)))


def test_objects_with_blanks_around_them(path: Path) -> None:
    assert list(JsonLines(write(path, '  {"a": 1} \r\n\t{"a": 2}\t\n{"a": 3}   '))) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_a_last_line_that_was_cut(path: Path) -> None:
    write(path, '{"a": 1}\n{"a": 2, "b')
    with pytest.raises(DecodeError, match=r"line 2: .*the file was cut in the middle of its last line") as caught:
        list(JsonLines(path))
    assert caught.value.path == "line 2"


def test_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    assert list(JsonLines(path)) == [{"a": 1}, {"a": 2}]
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DecodeError, match="damaged or was cut"):
        list(JsonLines(path))
    with pytest.raises(ConfigurationError, match="it is compressed"):
        JsonLines(path).write([Change.create(None, {"a": 1})])


def test_a_resumed_read_is_exact_from_every_checkpoint(path: Path) -> None:
    write(path, "\n".join(f'{{"id": {n}}}\n' for n in range(10)))
    file = JsonLines(path, page_size=3)
    everything, seen = list(file), []
    for page in file.pages():
        seen += page.records
        assert page.checkpoint is not None
        stored = Checkpoint.from_dict(page.checkpoint.to_dict())
        assert seen + [record for more in file.pages(stored) for record in more.records] == everything


def test_what_was_appended_since(path: Path) -> None:
    file = JsonLines(write(path, '{"id": 1}'), key="id")
    *_, last = file.pages()
    file.write([Change.create(2, {})])
    assert path.read_text() == '{"id": 1}\n{"id":2}\n'
    assert [page.records for page in file.pages(last.checkpoint)] == [[{"id": 2}]]
    write(path, '{"id": 5}\n{"id": 6}\n')
    assert last.checkpoint is not None
    with pytest.raises(CheckpointMismatch, match="the first 1 lines"):
        list(file.pages(last.checkpoint))
    with pytest.raises(CheckpointMismatch):
        file.open_read(evolve(last.checkpoint, resource="other"))


def test_a_last_line_that_went_on_is_another_line(path: Path) -> None:
    file = JsonLines(write(path, '{"id": 1}'))
    *_, last = file.pages()
    for more in ("x", " \n", "\r"):
        write(path, '{"id": 1}' + more)
        with pytest.raises(CheckpointMismatch, match="the first 1 lines"):
            list(file.pages(last.checkpoint))


def test_long_lines_among_short_ones_resume(path: Path) -> None:
    write(path, "".join(f'{{"id": {n}, "s": "{"é" * (n % 7 * 40_000)}"}}\n' for n in range(20)))
    file = JsonLines(path, page_size=3)
    everything, seen = list(file), 0
    for page in file.pages():
        seen += len(page)
        assert [record for more in file.pages(page.checkpoint) for record in more.records] == everything[seen:]


def test_writing_in_every_world(path: Path, world: Any) -> None:
    file = JsonLines(path, key="id")
    record = {
        "id": 1,
        "total": Decimal("1.50"),
        "name": "Zoë\n\u2028",
        "lines": [{"n": None}],
        "gone": UNSET,
        "day": date(2024, 1, 31),
        "at": datetime(2024, 1, 31, tzinfo=UTC),
    }

    async def body() -> Any:
        return await file.awrite([Change.upsert(1, record), Change.create(2, {"total": 2}), Change.update(1, {}), Change.delete(1)])

    outcomes = world(body)
    assert statuses(outcomes) == ["applied", "applied", "rejected", "rejected"]
    assert outcomes[3].error == "a.jsonl: a file can only be appended to, so there is no delete"
    assert list(file) == [
        {"id": 1, "total": Decimal("1.50"), "name": "Zoë\n\u2028", "lines": [{"n": None}], "day": "2024-01-31", "at": "2024-01-31T00:00:00+00:00"},
        {"id": 2, "total": 2},
    ]


@pytest.mark.parametrize("value", [float("nan"), Decimal("NaN"), {1}, object(), b"x", "\ud800", {"a": UNSET}])
def test_what_json_cannot_say(path: Path, value: Any) -> None:
    outcomes = JsonLines(path).write([Change.create(None, {"a": value}), Change.create(None, {"a": 1})])
    assert statuses(outcomes) == ["rejected", "applied"]
    assert outcomes[0].error is not None
    assert outcomes[0].error.startswith("a.jsonl: ")
    assert list(JsonLines(path)) == [{"a": 1}]


def test_a_file_that_was_cut_is_not_appended_to(path: Path) -> None:
    write(path, '{"a": 1}\n{"a"')
    with pytest.raises(WriteError, match="ends in the middle of a record"):
        JsonLines(path).write([Change.create(None, {"a": 2})])
    assert path.read_text() == '{"a": 1}\n{"a"'


def test_find(path: Path) -> None:
    file = JsonLines(path, key="id")
    assert file.find([1]) == {}
    assert file.write([]) == []
    file.write([Change.upsert(1, {"n": 1}), Change.upsert("1", {"n": 2}), Change.upsert(1, {"n": 3}), Change.create(None, {"n": 4})])
    assert file.find([1, "1", True, 9, float("nan")]) == {1: {"id": 1, "n": 3}, "1": {"id": "1", "n": 2}}
    with pytest.raises(ConfigurationError, match="needs to know the key"):
        JsonLines(path).find([1])


@pytest.mark.parametrize("arguments", [{"key": 7}, {"key": []}, {"decimals": 1}, {"page_size": 0}])
def test_wrong_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        JsonLines("a.jsonl", **arguments)


def test_a_missing_file(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        drive(JsonLines(path).open_read().next_page())
    with pytest.raises(ConfigurationError, match="takes the path of a file"):
        JsonLines(None)  # type: ignore[arg-type]
