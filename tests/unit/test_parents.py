"""reassembled: children under their parents, wherever they stand, and what does not fit together is said."""

from __future__ import annotations

import gc
import random
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead, IncompleteReadWarning, ReadError
from integrakit.files import JsonLines
from integrakit.model import Checkpoint, Evidence, Page, Tombstone
from integrakit.protocols import Readable, Source
from integrakit.reading import family, reassembled
from integrakit.reading.family import Family
from integrakit.runtimes import drive


def order(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"gid://shopify/Order/{number}", **more}


def line(number: int, of: int | str, **more: Any) -> dict[str, Any]:
    return {"id": f"gid://shopify/LineItem/{number}", "__parentId": f"gid://shopify/Order/{of}" if isinstance(of, int) else of, **more}


def tax(number: int, of: int) -> dict[str, Any]:
    return {"id": f"gid://shopify/Tax/{number}", "__parentId": f"gid://shopify/LineItem/{of}", "rate": Decimal("0.20")}


RULES = {"LineItem": "lines", "Tax": "taxes"}
FLAT = [order(1, n=Decimal("1.50")), line(10, 1), tax(100, 10), line(11, 1), order(2), order(3), line(12, 3), tax(101, 12), tax(102, 12)]
NESTED = [
    order(1, n=Decimal("1.50"), lines=[line(10, 1, taxes=[tax(100, 10)]), line(11, 1)]),
    order(2),
    order(3, lines=[line(12, 3, taxes=[tax(101, 12), tax(102, 12)])]),
]


def drained(reader: Any) -> list[Any]:
    records = []
    while (page := drive(reader.next_page())) is not None:
        records += page.records
    return records


def test_it_fits_the_protocols(tmp_path: Path) -> None:
    source = reassembled(JsonLines(tmp_path / "a.jsonl"), children="lines")
    assert isinstance(source, Readable)
    assert isinstance(source, Source)
    assert (source.key, repr(source)) == ("id", "<<JsonLines a.jsonl> with children under their parents>")


def test_a_read_in_every_world(tmp_path: Path, world: Any) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"id": {n}, "__parentId": {n // 10 or "null"}}}\n' for n in range(1, 100)))
    source = reassembled(JsonLines(path, page_size=7), children="below", page_size=4)

    async def body() -> Any:
        reader = source.open_read()
        records, sizes = [], []
        assert reader.evidence.complete is None
        while (page := await reader.next_page()) is not None:
            sizes.append(len(page))
            records += page.records
            assert (page.checkpoint, reader.checkpoint, reader.evidence.complete) == (None, None, None)
        assert await reader.next_page() is None
        return sizes, reader.evidence, records, [record async for record in source]

    sizes, evidence, records, again = world(body)
    assert (sizes, again) == ([4, 4, 1], records)
    assert [record["id"] for record in records] == list(range(1, 10))
    assert all([child["id"] // 10 for child in record["below"]] == [record["id"]] * 10 for record in records)
    assert (evidence.complete, evidence.records, evidence.pages, evidence.stability) == (True, 9, 3, "snapshot")
    assert evidence.notes == ("put together from 99 records",)


@pytest.mark.parametrize("seed", range(20))
def test_children_may_stand_anywhere(seed: int) -> None:
    shuffled = list(FLAT)
    random.Random(seed).shuffle(shuffled)
    records = list(reassembled(shuffled, children=RULES, page_size=1 + seed % 3))
    assert [record["id"] for record in records] == [record["id"] for record in shuffled if "Order" in record["id"]]

    def in_order(record: Any) -> Any:
        return {
            name: sorted(map(in_order, value), key=lambda each: each["id"]) if isinstance(value, list) else value for name, value in record.items()
        }

    assert sorted(map(in_order, records), key=lambda each: each["id"]) == NESTED


def test_the_order_of_children_is_that_in_which_they_came() -> None:
    flat = [line(3, 1), line(1, 1), order(1), line(2, 1)]
    assert [child["id"][-1] for child in next(iter(reassembled(flat, children="lines")))["lines"]] == ["3", "1", "2"]


def test_what_the_lists_are_called() -> None:
    assert list(reassembled(FLAT, children=RULES)) == NESTED
    assert list(reassembled(FLAT, children=lambda child: RULES[child["id"].split("/")[3]])) == NESTED
    flat = [order(1), order(2), line(1, 2)]
    assert list(reassembled(flat, children="lines")) == [order(1, lines=[]), order(2, lines=[line(1, 2)])]
    exact = {"Order": {"LineItem": "lines", "Metafield": "metafields"}, "LineItem": {"Tax": "taxes"}}
    assert list(reassembled([*flat, tax(5, 1)], children=exact)) == [
        order(1, lines=[], metafields=[]),
        order(2, lines=[line(1, 2, taxes=[tax(5, 1)])], metafields=[]),
    ]
    typed = [{"n": 1, "__typename": "A"}, {"n": "x", "up": 1, "__typename": "B"}, {"up": 1, "__typename": "C"}]
    assert list(reassembled(typed, children={"B": "bs", "C": "cs"}, parent="up", id="n")) == [{**typed[0], "bs": [typed[1]], "cs": [typed[2]]}]


@pytest.mark.parametrize(
    ("flat", "children", "message"),
    [
        ([order(1), line(1, 1)], {"Tax": "taxes"}, r"children= has no rule for LineItem \(the record 'gid://shopify/LineItem/1'\)"),
        ([order(1), line(1, 1)], {"LineItem": {"Tax": "t"}}, r"no rule for LineItem under Order \(the record"),
        ([{"id": 1}, {"id": 2, "__parentId": 1}], {"LineItem": "l"}, r"the record 2 says no type, neither as __typename nor in an id"),
        ([{"id": 1}, line(1, "x") | {"__parentId": 1}], {"Order": {"LineItem": "l"}}, r"the record 1 says no type"),
        ([{"id": 1}, {"__parentId": 1, "b": 2}], {"LineItem": "l"}, r"a record with the fields '__parentId', 'b' says no type"),
        ([order(1), line(1, 1)], lambda child: None, r"children= gave None for the record .*LineItem/1', not the name of a field"),
        ([order(1, lines=5), line(1, 1)], "lines", r"the record 'gid://shopify/Order/1' has a field 'lines' already"),
        ([order(1, lines=5), line(1, 1)], {"LineItem": "lines"}, r"has a field 'lines' already, and children are to stand there"),
        ([order(1, lines=5)], {"Order": {"LineItem": "lines"}}, r"has a field 'lines' already"),
        ([order(1), {"name": 1}], "lines", r"record 2 has no 'id', and no parent either"),
        ([order(1), {"id": None, "__parentId": None}], "lines", r"record 2 has no 'id', and no parent either"),
        ([order(1), 7], "lines", r"record 2 is a int, and only objects can be children and parents"),
        ([Tombstone(1)], "lines", r"record 1 is a Tombstone"),
        ([{"id": [1]}], "lines", r"record 1 has a list as its 'id', which names no record"),
        ([{"id": 1, "__parentId": {}}], "lines", r"record 1 has a dict as its '__parentId'"),
        ([{"id": 1, "__parentId": 1}], "lines", r"1 records are their own ancestors, or stand below such: '__parentId' goes round in a circle"),
        (
            [order(1), line(1, "b"), line(2, "x") | {"__parentId": "a"}, {"id": "a", "__parentId": "b"}, {"id": "b", "__parentId": "a"}],
            "l",
            "4 records are",
        ),
        ([{"id": 1, "__parentId": 9}, {"id": 2, "__parentId": 1}, {"id": 3, "__parentId": 3}], "l", "1 records are their own"),
    ],
)
def test_records_that_cannot_be_put_together(flat: list[Any], children: Any, message: str) -> None:
    reader = reassembled(flat, children=children).open_read()
    with pytest.raises(DecodeError, match=message):
        drained(reader)
    assert reader.evidence.complete is not True


def test_orphans_make_the_evidence_false(tmp_path: Path) -> None:
    flat = [order(1), line(1, 7), line(2, 1), tax(3, 1), *(line(n, 8) for n in range(10, 13))]
    reader = reassembled(flat, children=RULES).open_read()
    with pytest.raises(
        IncompleteRead, match=r"the parents of 4 records never came, 5 are missing with those below them: 'gid://shopify/LineItem/1' of "
    ) as caught:
        drained(reader)
    assert "LineItem/12" not in str(caught.value)
    assert (caught.value.evidence, reader.evidence.complete, reader.checkpoint) == (reader.evidence, False, None)
    with pytest.warns(IncompleteReadWarning, match="the parents of 4 records never came"):
        assert list(reassembled(flat, children=RULES, incomplete="warn")) == [order(1, lines=[line(2, 1)])]


def test_ids_of_different_types_do_not_meet() -> None:
    with pytest.raises(IncompleteRead, match="2 of '1'"):
        list(reassembled([{"id": 1}, {"id": 2, "__parentId": "1"}], children="l"))


def test_records_that_come_twice_make_the_evidence_false() -> None:
    with pytest.warns(IncompleteReadWarning, match="1 records came twice"):
        twice = list(reassembled([order(1), line(1, 1), order(1), line(2, 1)], children="lines", incomplete="warn"))
    assert twice == [order(1, lines=[line(1, 1), line(2, 1)]), order(1, lines=[])]
    for flat in (
        [order(1), line(1, 1), line(1, 1)],
        [order(1), order(2), line(1, 1), line(1, 2), tax(5, 1)],  # whose is the tax?
    ):
        reader = reassembled(flat, children=RULES).open_read()
        with pytest.raises(IncompleteRead, match="1 records came twice"):
            drained(reader)
        assert (reader.evidence.duplicates, reader.evidence.complete) == (1, False)


def test_one_record_under_two_parents_is_there_twice() -> None:
    """A product in two collections is a line for each of them in Shopify's files."""
    source = reassembled([order(1), order(2), line(1, 1), line(1, 2)], children="lines")
    reader = source.open_read()
    assert drained(reader) == [order(1, lines=[line(1, 1)]), order(2, lines=[line(1, 2)])]
    assert (reader.evidence.duplicates, reader.evidence.reasons) == (0, ("the source cannot prove that this was everything",))


class Stumbling:
    """Fails once in its midst, and goes on with the same page; its own evidence is whatever it is told."""

    def __init__(self, complete: bool | None = True) -> None:
        self.pages = [Page([order(1)], Checkpoint(resource="a", token=1)), Page([line(1, 1), line(2, 1)], Checkpoint(resource="a", token=2))]
        self.stumbled = False
        self.evidence = Evidence(complete=complete, reasons=("x",) if not complete else (), declared_total=3)
        self.checkpoint: Checkpoint | None = None
        self.since: Checkpoint | None = None

    def open_read(self, since: Checkpoint | None = None, /) -> Stumbling:
        self.since = since
        return self

    async def next_page(self) -> Page | None:
        if len(self.pages) == 1 and not self.stumbled:
            self.stumbled = True
            raise ReadError("the connection was lost")
        if not self.pages:
            self.checkpoint = Checkpoint(resource="a", watermark=7)
            return None
        return self.pages.pop(0)


@pytest.mark.parametrize("complete", [True, False, None])
def test_a_read_goes_on_after_an_error_and_keeps_the_evidence_of_its_source(complete: bool | None) -> None:
    source = Stumbling(complete)
    since = Checkpoint(resource="a", watermark=3)
    reader = reassembled(source, children="lines").open_read(since)
    with pytest.raises(ReadError, match="the connection was lost"):
        drained(reader)
    assert drained(reader) == [order(1, lines=[line(1, 1), line(2, 1)])]
    assert (reader.evidence.complete, reader.evidence.declared_total, reader.evidence.records) == (complete, None, 1)
    assert (source.since, reader.checkpoint) == (since, Checkpoint(resource="a", watermark=7))


def test_beyond_its_cache_it_is_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family, "CACHE", 10)
    flat = [order(n, text="x" * 500) for n in range(1500)] + [line(n, n % 1500) for n in range(3000)]
    records = list(reassembled(flat, children="lines", page_size=700))
    assert [len(record["lines"]) for record in records] == [2] * 1500


def test_a_full_disk_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Family()
    kept._run("PRAGMA max_page_count = 20")
    with pytest.raises(ReadError, match=r"could not be kept in a temporary file \(.*full\): SQLITE_TMPDIR or TMPDIR names"):
        kept.add([family.Member(n, b"1", None, {"a": "x" * 5000}) for n in range(100)])
    kept.close()
    kept.close()
    with pytest.raises(ReadError, match="closed before its end"):
        kept.settle()


def test_a_read_that_is_dropped_leaves_nothing_open() -> None:
    for _ in reassembled(FLAT, children=RULES, page_size=1):
        break
    gc.collect()  # a warning about an open database would fail this test
    assert sqlite3.sqlite_version


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": 7}, r"reassembled\(source\) takes a file, stream, resource, table or iterable of records, not int"),
        ({"parent": ""}, r"reassembled\(parent=…\) takes the name of a field, not ''"),
        ({"id": 3}, r"reassembled\(id=…\)"),
        ({"page_size": 0}, r"reassembled\(page_size=…\)"),
        ({"incomplete": "ignore"}, r'reassembled\(incomplete=…\) takes "raise" or "warn", not \'ignore\''),
        *(
            ({"children": wrong}, r"reassembled\(children=…\) takes the name of a field, ")
            for wrong in (None, "", {}, 5, {"A": 1}, {"A": ""}, {"A": {"B": 2}}, {1: "a"})
        ),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        reassembled(arguments.pop("source", []), **{"children": "lines", **arguments})
