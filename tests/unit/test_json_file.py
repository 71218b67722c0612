"""JsonFile: one document of any size, walked in pieces, and never taken for whole where it is not."""

from __future__ import annotations

import gc
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from integrakit._json import loads
from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, ReadError
from integrakit.files import JsonFile, json_text
from integrakit.model import Checkpoint
from integrakit.protocols import Readable, Source
from integrakit.runtimes import drive


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.json"


@pytest.fixture(params=[1, 7, 1 << 18])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How much is read at once: a byte, some, or everything."""
    monkeypatch.setattr(json_text, "CHUNK", request.param)
    return int(request.param)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def drained(reader: Any) -> None:
    while drive(reader.next_page()) is not None:
        pass


DOCUMENT = '{"meta": {"n": [1, {"x": "]}"}]}, "data": {"items": [\n {"id": 0, "t": 1.50},{"id": 1e2} , {}\n], "x.y": [{"z": []}]}, "more": null} \n'


def test_it_fits_the_protocols(path: Path) -> None:
    file = JsonFile(path, records="data.items", key="id")
    assert isinstance(file, Readable)
    assert isinstance(file, Source)
    assert (file.key, file.name, repr(file)) == ("id", "a.json", "<JsonFile a.json, records 'data.items', key 'id'>")
    assert (JsonFile(path).key, JsonFile(str(path), key=["a", "b"]).key, repr(JsonFile(path))) == (None, ("a", "b"), "<JsonFile a.json>")


def test_a_read_in_every_world(path: Path, world: Any) -> None:
    records = [{"id": n, "t": Decimal("1.50")} for n in range(25)]
    write(path, '{"total": 25, "rows": [' + ", ".join(f'{{"id": {n}, "t": 1.50}}' for n in range(25)) + "]}")
    file = JsonFile(path, page_size=10)

    async def body() -> Any:
        reader = file.open_read()
        sizes = []
        while (page := await reader.next_page()) is not None:
            sizes.append(len(page))
            assert reader.checkpoint == page.checkpoint
            assert reader.evidence.complete is None
        assert (await reader.next_page(), reader.checkpoint) == (None, None)
        return sizes, reader.evidence, [row async for row in file]

    sizes, evidence, rows = world(body)
    assert (sizes, rows, str(rows[0]["t"])) == ([10, 10, 5], records, "1.50")
    assert (evidence.complete, evidence.records, evidence.stability, evidence.ended_by) == (True, 25, "snapshot", "protocol")
    assert type(next(iter(JsonFile(path, decimals=False)))["t"]) is float


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("where", "body", "wanted"),
    [
        ("data.items", DOCUMENT, [{"id": 0, "t": Decimal("1.50")}, {"id": Decimal(100)}, {}]),
        ("data.x.y", DOCUMENT, [{"z": []}]),
        ("more", DOCUMENT, []),
        ("meta.n.1.x", '{"meta": {"n": [1, {"x": [{"a": 1}]}, {"x": 2}]}}', [{"a": 1}]),
        ("1", '[0, [{"a": 1}], {"x": 2}]', [{"a": 1}]),
        (
            "pages.item.orders",
            '{"pages": [{"orders": [{"a": 1}]}, {"n": 1, "orders": null}, {"orders": [{"a": 2}, {"a": 3}]}]}',
            [{"a": n} for n in (1, 2, 3)],
        ),
        ("item.item", '[[], [{"a": [1]}], "no"]'.replace(', "no"', ""), []),
        ("item", '{"item": [{"a": 1}]}', [{"a": 1}]),
        ("value", "\ufeff" + '{"@odata.context": "x", "value": [{"a": "\\ud83d"}]}', [{"a": "\ud83d"}]),
        ("@odata.value", '{"@odata.value": [{"a": 1}]}', [{"a": 1}]),
        (None, "[]", []),
        (None, ' [ {"a" : 1} ] ', [{"a": 1}]),
        (None, '{"a": [1], "b": [{"c": 1}], "d": {"e": [{}]}}', [{"c": 1}]),
        (None, '{"a": []}', []),
        (None, '{"a": [{"a": 1}, {"a": 1, "a": 2}], "b": [[]]}', [{"a": 1}, {"a": 2}]),
    ],
)
def test_where_the_records_are(path: Path, where: str | None, body: str, wanted: Any) -> None:
    if where == "item.item":
        with pytest.raises(DecodeError, match=r"1.0 is an object where a list was agreed"):
            list(JsonFile(write(path, body), records=where))
        return
    file = JsonFile(write(path, body), records=where, page_size=1)
    assert list(file) == wanted
    seen = 0
    for page in file.pages():
        seen += len(page)
        assert page.checkpoint is not None
        stored = Checkpoint.from_dict(page.checkpoint.to_dict())
        assert [record for more in file.pages(stored) for record in more.records] == wanted[seen:]


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("where", "body", "message"),
    [
        ("a.b", '{"a": {"c": 1}, "d": 2}', r"no records at 'a.b'; a has 'c'"),
        ("a", "{}", r"no records at 'a'; the document has nothing in it"),
        ("a", "[1]", r"no records at 'a'; at the top there is a list"),
        ("a.b", '{"a": "text"}', r"no records at 'a.b'; at a there is a text"),
        ("a.b", '{"a": -1}', r"no records at 'a.b'; at a there is a number"),
        ("1", "[[]]", r"no records at '1'; the list at the top is shorter"),
        ("a", '{"a": {"b": []}}', r"a is an object where a list was agreed"),
        ("a", '{"a": false}', r"a is a boolean where a list was agreed"),
        ("a", '{"a": 12}', r"a is a number where a list was agreed"),
        ("a", '{"a": [{}, 5]}', r"record 2, a.1, is int instead of a JSON object: 5"),
        ("a", '{"a": [{}], "a": [{}]}', r"'a' is there twice"),
        ("a.b", '{"a": {"b": [{}]}, "a.b": []}', r"'a.b' is there twice"),
        (None, "{}", r"no list of records in the document, which has nothing in it"),
        (None, '{"a": [1], "b": 2}', r"no list of records in the document, which has 'a', 'b': say where"),
        (None, '"text"', r"no list of records in the document, which is a text"),
        (None, "17", r"no list of records in the document, which is a number"),
        (None, "[[1]]", r"record 1, 0, is list instead of a JSON object"),
        (None, "", r"a.json is empty"),
        (None, "  \n", r"the file ends in the middle of the document"),
        (None, '[{"a": NaN}]', r"after record 0, character 1: not JSON \(NaN is not JSON"),
        (None, '[{"a": 1}, -Infinity]', r"after record 1, .*not JSON \(-Infinity is not JSON"),
        (None, '[{"a": 1},]', r"after record 1, character 10: not JSON \(Expecting value\): '\]'"),
        (None, '[{"a": 1} {"a": 1}]', r"after record 1, character 10: not JSON \(Expecting ',' or '\]'\)"),
        (None, '[{"a": 1}]]', r"after record 1, character 10: not JSON \(there is something after the end of the document\)"),
        (None, '[{"a": 01}]', r"not JSON"),
        (None, '[{"a": 1.}]', r"not JSON"),
        (None, '[{"a": +1}]', r"not JSON"),
        (None, "[{'a': 1}]", r"not JSON \((Expecting property name|Illegal)"),
        (None, '[{"a": "\n"}]', r"not JSON \(Invalid control character"),
        (None, '[{"a": "\\x"}]', r"not JSON \(Invalid \\escape"),
        (None, '[{"a": 1e99999999999999999999}]', r"not JSON \(the exponent of"),
        (None, b'[{"a": "Zo\xeb"}]', r"after record \d, .*: not utf-8"),
        (None, '{"id": 1}\n{"id": 2}\n', r"after the end of the document; if there is one object a line, JsonLines\(path\) reads it"),
        ("a", '{"a": [{}], b: 1}', r"not JSON \(Expecting property name enclosed in double quotes\)"),
        ("a", '{"a": [{}], "b" 1}', r"not JSON \(Expecting ':' delimiter\)"),
        ("a", '{"a": [{}] "b": 1}', r"not JSON \(Expecting ',' or '}'\)"),
        ("a", '{"b": [1, 2], "c": {"d": 1 "e": 2}, "a": []}', r"not JSON"),
        ("a", '{"b": [' + "[" * 200_000 + "]" * 200_000 + '], "a": []}', r"not JSON \(nested too deeply\)"),
        (None, "[" + '{"a":' * 200_000, r"not JSON \(nested too deeply\)|was cut"),
    ],
)
def test_bad_documents(path: Path, where: str | None, body: str | bytes, message: str, chunk: int) -> None:
    if len(body) > 10_000 and chunk < 10_000:
        return  # in small pieces a list inside a list is entered, however deep, and nothing is wrong with it
    reader = JsonFile(write(path, body), records=where).open_read()
    with pytest.raises(DecodeError, match=message) as caught:
        drained(reader)
    assert len(str(caught.value)) < 350
    assert str(caught.value).startswith("a.json")
    assert reader.evidence.complete is None
    with pytest.raises(ReadError, match="failed before its end"):
        drive(reader.next_page())


def test_two_lists_of_objects_are_not_guessed_between(path: Path) -> None:
    write(path, '{"a": [], "n": [1], "b": [{}]}')
    with pytest.raises(ConfigurationError, match=r"a.json has more than one list of objects, 'a', 'b': say which with records='a'"):
        list(JsonFile(path))
    assert list(JsonFile(path, records="b")) == [{}]


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize("where", ["data.items", None])
def test_a_document_cut_at_any_byte_is_an_error(path: Path, where: str | None) -> None:
    body = (
        DOCUMENT if where else '{"n": -1.5e3, "s": "\\ud83d\\ude00é", "rows": [{"a": [true, null]}, {"a": "\\\\"}], "t": {"f": [false]}}'
    ).encode()
    whole = list(JsonFile(write(path, body), records=where))
    assert len(whole) > 1
    for cut in range(len(body.rstrip())):
        reader = JsonFile(write(path, body[:cut]), records=where, page_size=1).open_read()
        with pytest.raises(DecodeError):
            drained(reader)
        assert reader.evidence.complete is None
    # Of a file that was cut the error says so, and what was read is a beginning.
    seen: list[Any] = []
    cut = body.rindex(b"}\n]" if where else b', {"a"')
    pages = JsonFile(write(path, body[:cut]), records=where or "rows", page_size=1).pages()
    with pytest.raises(DecodeError, match=r"after record [12]: the file ends in the middle of the document, it was cut: .* is its end"):
        seen.extend(record for page in pages for record in page.records)
    assert seen == whole[: len(seen)]


@pytest.mark.usefixtures("chunk")
def test_numbers_on_the_edge_of_what_was_read_are_whole(path: Path) -> None:
    for number in ("0", "-0", "12345678901234567890123", "-1.25e+10", "1E5", "0.10"):
        for blanks in range(20):
            body = "{" + " " * blanks + f'"n": {number}, "a": [{{"n": {number}}}], "m":{number}}}'
            assert list(JsonFile(write(path, body), records="a")) == loads(body, decimals=True)["a"]


def test_long_values_beside_the_records_are_passed_over(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "CHUNK", 64)
    side = [{"x": [list(range(50)), {"é": {}, "y": []}]} for _ in range(5)]
    body = json.dumps({"before": side, "a": [{"n": 1}], "after": {"s": side}})
    assert list(JsonFile(write(path, body), records="a")) == [{"n": 1}]
    longest = 0

    class Watching(json_text.JsonText):
        def _more(self) -> bool:
            nonlocal longest
            longest = max(longest, len(self._buffer))
            return super()._more()

    text = Watching(str(path), decimals=True)
    text.skip()
    text.end()
    text.close()
    assert longest < 64 * 4 < len(body) // 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_encodings_and_compression(path: Path, encoding: str) -> None:
    body = '[{"name": "Zoë"}, {"name": "😀"}]'.encode(encoding)
    wanted = loads(body)
    assert list(JsonFile(write(path, body))) == wanted
    packed = gzip.compress(body)
    assert list(JsonFile(write(path, packed))) == wanted
    for cut in (1, 5, len(packed) - 9, len(packed) - 1):
        with pytest.raises(DecodeError):
            list(JsonFile(write(path, packed[:cut])))


def test_checkpoints_of_something_else_are_refused(path: Path) -> None:
    file = JsonFile(write(path, '[{"id": 1}, {"id": 2}, {"id": 3}]'), page_size=2)
    checkpoint = next(file.pages()).checkpoint
    assert checkpoint is not None
    assert checkpoint.mode == "items"
    with pytest.raises(CheckpointMismatch, match="parameters"):
        JsonFile(path, records="a").open_read(checkpoint)
    with pytest.raises(CheckpointMismatch, match="goes on by lines, and this read by items"):
        file.open_read(evolve(checkpoint, mode="lines"))
    for token in (7, [], {}, {"item": "x", "checksum": 1}):
        with pytest.raises(CheckpointMismatch, match="not one of this version"):
            drive(file.open_read(evolve(checkpoint, token=token)).next_page())
    with pytest.raises(CheckpointMismatch, match="not the same up to record -3"):
        drive(file.open_read(evolve(checkpoint, token={"item": -3, "checksum": 1})).next_page())
    for content in ('[{"id": 1}, {"id": 5}, {"id": 3}]', '[{"id": 1}]', "[]"):
        write(path, content)
        with pytest.raises(CheckpointMismatch, match=r"a.json is not the same up to record 2"):
            drive(file.open_read(checkpoint).next_page())


def test_a_file_that_is_written_to_while_it_is_read_proves_nothing(path: Path) -> None:
    reader = JsonFile(write(path, '[{"id": 1}, {"id": 2}]'), page_size=1).open_read()
    drive(reader.next_page())
    with path.open("a") as other:
        other.write("  ")
    while drive(reader.next_page()) is not None:
        pass
    assert (reader.evidence.complete, reader.evidence.reasons) == (None, ("the file was written to while it was read",))


def test_an_early_end_closes_the_file(path: Path) -> None:
    write(path, '[{"id": 1}, {"id": 2}]')
    for _ in JsonFile(path, page_size=1):
        break
    text = json_text.JsonText(str(path), decimals=True)
    text.close()
    text.close()
    with pytest.raises(ReadError, match=r"a.json was closed in the middle of a read"):
        text.peek()
    gc.collect()  # a warning about an open file would fail this test


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"records": ""}, r"JsonFile\(records=…\) takes a dotted path such as 'data.items', or None, not ''"),
        ({"records": "a..b"}, "records"),
        ({"records": len}, "records"),
        ({"key": 5}, r"JsonFile\(key=…\)"),
        ({"decimals": 1}, r"JsonFile\(decimals=…\) takes True or False, not 1"),
        ({"page_size": 0}, r"JsonFile\(page_size=…\)"),
    ],
)
def test_wrong_arguments(arguments: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        JsonFile("a.json", **arguments)


def test_files_that_are_not_there(path: Path) -> None:
    write(path.with_name("b.json"), "[]")
    with pytest.raises(ConfigurationError, match=r"there is no file .*a.json: did you mean b.json"):
        list(JsonFile(path))
    with pytest.raises(ConfigurationError, match=r"JsonFile\(path\) takes the path of a file"):
        JsonFile(7)  # type: ignore[arg-type]
