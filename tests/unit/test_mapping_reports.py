"""What a mapping tells about itself and about records: the page and the coverage."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.transform import Coverage, Mapping
from integrakit.unset import UNSET


def sku(text: str) -> str:
    """Without blanks, in capitals.

    More of it.
    """
    return text.strip().upper()


TREE: dict[str, Any] = {
    "source": "shop.orders",
    "target": "books.invoices",
    "fields": {
        "id": "id",
        "email": {"from": "customer.email", "apply": ["strip", "own"], "nullable": False},
        "net": {
            "sum": "lines",
            "of": {
                "multiply": [
                    "price",
                    {"from": "quantity", "default": 1},
                    {"coalesce": ["rate", {"value": 1}]},
                    {"from": "x", "apply": ["strip"], "to": "int"},
                ]
            },
            "to": "decimal",
            "scale": 2,
        },
        "status": {"from": "status", "lookup": "statuses", "otherwise": {"value": "?"}},
        "kept": {"from": "status", "lookup": "statuses", "otherwise": "keep"},
        "strict": {"from": "status", "lookup": "statuses"},
        "note": {"from": "note", "optional": True},
        "shade": {"from": "shade", "default": "grey"},
        "strictly": {"from": "shade", "default": "grey", "nullable": False},
        "channel": {"value": "web"},
        "count": {"count": "lines"},
        "text": {"concat": ["id", {"sum": "amounts"}, {"first": "lines", "of": "sku"}]},
        "when": {"from": "when", "to": "datetime", "timezone": "Europe/Berlin", "fold": "later"},
        "price": {"from": "price", "to": "decimal", "float": "shortest"},
        "lines": {"each": "lines", "fields": {"sku": "sku", "deep": {"fields": {"a": "a.b"}}}},
        "ship": {"from": "shipping", "fields": {"city": "city"}},
        "made": {"each": {"coalesce": ["a", {"value": []}]}, "fields": {"x": "x"}},
        "empty": {"each": {"value": []}, "fields": {"x": "x"}},
    },
    "lookups": {"statuses": {"open": "OPEN", "n": 5}},
}


def rows_of(page: str) -> dict[str, list[str]]:
    """Target field → the cells of its row."""
    return {
        cells[0]: cells
        for line in page.splitlines()
        if line.startswith("| ") and len(cells := [part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]]) >= 4
    }


def test_the_page() -> None:
    page = Mapping(TREE, functions={"own": sku, "other": str.strip}).document()
    lines = page.splitlines()
    assert lines[0] == "# shop.orders → books.invoices"
    assert lines[2].startswith("Mapping version ")
    assert lines[2].endswith(". A record that does not fit is set aside with its reasons.")
    for row in [
        "| Field | From | Rule | Type |",
        "| id | id | as it is |  |",
        "| email | customer.email | read; apply strip, own; never null |  |",
        "| status | status | read; lookup statuses, else '?' | int or str |",
        "| kept | status | read; lookup statuses, else as it is |  |",
        "| strict | status | read; lookup statuses, else an error | int or str |",
        "| note | note | as it is; left out where missing |  |",
        "| shade | shade | as it is; 'grey' where missing |  |",
        "| strictly | shade | as it is; 'grey' where missing or null |  |",
        "| channel | – | always 'web' | str |",
        "| count | lines | count(lines) | int |",
        r"| text | id, amounts\[\], lines\[\].sku | concat(id, sum(amounts), first(lines of sku)) | str |",
        "| when | when | read; to datetime, in Europe/Berlin, fold later | datetime |",
        "| price | price | read; to decimal, floats by their shortest text | decimal |",
        "| lines | lines | a list, one object for each item | list of objects |",
        r"| lines\[\].sku | lines\[\].sku | as it is |  |",
        r"| lines\[\].deep.a | lines\[\].a.b | as it is |  |",
        "| ship | shipping | an object | object |",
        "| ship.city | shipping.city | as it is |  |",
        "- own: Without blanks, in capitals.",
        "## Lookup statuses",
        "| open | 'OPEN' |",
        "| n | 5 |",
        "```mermaid",
        "flowchart LR",
    ]:
        assert row in lines, row
    assert "- other" not in page  # it is not used
    net = next(line for line in lines if line.startswith("| net"))
    assert net == (
        r"| net | lines\[\].price, lines\[\].quantity, lines\[\].rate, lines\[\].x "
        "| sum(lines of multiply(price, quantity (1 where missing), coalesce(rate, 1), x (apply strip, to int))); "
        "to decimal, scale 2, rounding half-even | decimal |"
    )
    assert Mapping(TREE, functions={"own": sku})._repr_markdown_() == page


def test_every_kind_of_rule_is_told() -> None:
    mapping = Mapping(
        {
            "on_error": "raise",
            "fields": {
                "when": {"from": "a", "when": "kind == 'x'", "to": "int", "back": "str", "on_error": "null"},
                "case": {"cases": [{"when": "kind == 'x'", "fields": {"x": "ax"}}, {"fields": {"x": "bx", "y": "by"}}]},
                "mixed": {"cases": [{"when": "kind == 'x'", "from": "ax", "to": "int"}, {"value": "?"}]},
                "pair": {"list": ["a", {"fields": {"deep": "d"}}]},
                "flat": {"flatten": "orders[].lines[]", "as": ["o", "l"], "where": "l.kind == 'x'", "fields": {"o": "o.id", "sku": "l.sku"}},
                "groups": {"group": "rows", "by": "id", "fields": {"id": "id", "sum": {"sum": "rows", "of": "net"}, "first": "rows[0].net"}},
                "lines": {
                    "each": "lines",
                    "where": "kind == 'x'",
                    "sort": "day",
                    "fields": {"no": {"position": 1}, "ship": {"share": "shipping", "by": "net", "scale": 2}, "all": "$.currency"},
                },
                "values": {"values": "lines", "of": {"from": "sku", "to": "str"}, "distinct": True},
                "parts": {"split": "text", "by": ","},
                "part": {"split": "text", "by": ",", "index": 0, "default": None},
                "joined": {"join": "tags", "by": " "},
                "called": {"call": "own", "with": ["a", "b"]},
                "top": {"max": "lines", "of": {"from": "day", "to": "date"}},
                "rate": {"from": "country", "lookup": "vat", "at": "day", "otherwise": {"from": "rate"}, "column": "rate"},
                "pay": {"from": "total", "to": "money", "currency": {"from": "cur"}},
            },
            "tables": {
                "vat": {
                    "key": "country",
                    "valid_from": "since",
                    "rows": [{"country": "DE", "since": "2007-01-01", "rate": "19", "name": "full"}],
                }
            },
        },
        functions={"own": lambda a, b: a},
    )
    page = mapping.document()
    assert "A record that does not fit ends the run." in page
    told = {row.field: (row.type, ", ".join(row.sources), row.rule) for row in mapping.described()}
    assert told["when"] == ("int", "a, kind", "read; where kind == 'x'; to int; null where it does not fit; the way back: to str")
    assert told["case"][:2] == ("object", "ax, kind, bx, by")
    assert [row.sources for row in mapping.described() if row.field == "case.x"] == [("ax",), ("bx",)]
    assert told["case.y"][1] == "by"
    assert told["mixed"][0] == "int or str"
    assert told["pair[1].deep"][1] == "d"
    assert told["flat"][1] == "orders[], orders[].lines[], orders[].lines[].kind"
    assert told["flat[].o"][1] == "orders[].id"
    assert told["flat[].sku"][1] == "orders[].lines[].sku"
    assert told["groups[].sum"][1] == "rows[].net"
    assert "with the same id" in told["groups"][2]
    assert set(told["lines"][1].split(", ")) == {"lines", "lines[].kind", "lines[].day"}
    assert told["lines[].ship"][1] == "shipping, lines[].net"
    assert told["lines[].all"][1] == "currency"
    assert told["lines[].no"] == ("int", "", "its position, counted from 1")
    assert told["values"][0] == "list of str"
    assert (told["parts"][0], told["part"][0], told["joined"][0], told["called"][0], told["top"][0]) == ("list of str", "str", "str", "", "date")
    assert told["rate"][1:] == ("country, day, rate", "read; lookup vat, its rate, at day, else rate")
    assert told["pay"][0] == "money"
    assert "beside it cur" in told["pay"][2]
    assert "- own: a function of this project" in page
    assert "2007-01-01" in page
    assert not any("\0" in line for line in page.splitlines())


def test_what_a_field_means() -> None:
    fields: dict[str, Any] = {
        "a": {"from": "a", "doc": "The first\nletter."},
        "lines": {"each": "l", "doc": "What was | sold", "fields": {"b": {"value": 1, "doc": "one"}, "c": "c"}},
        "case": {"cases": [{"when": "x == 1", "fields": {"d": {"from": "d", "doc": "inner"}}}, {"fields": {"d": "d"}}]},
        "value": {"value": {"doc": "content"}, "doc": "not content"},
        "doc": "doc",
    }
    mapping = Mapping({"doc": "# What it is for.\n\n1. And more.", "fields": fields})
    assert mapping.doc == "# What it is for.\n\n1. And more."
    rows = rows_of(mapping.document())
    assert rows["a"][4] == "The first letter."
    assert rows["lines"][4] == r"What was \| sold"
    assert rows[r"lines\[\].b"][4] == "one"
    assert "\n\\# What it is for.\n\n1\\. And more.\n" in mapping.document()
    assert {row.field: row.doc for row in mapping.described() if row.doc}["case.d"] == "inner"
    bare: dict[str, Any] = {
        "a": "a",
        "lines": {"each": "l", "fields": {"b": {"value": 1}, "c": "c"}},
        "case": {"cases": [{"when": "x == 1", "fields": {"d": "d"}}, {"fields": {"d": "d"}}]},
        "value": {"value": {"doc": "content"}},
        "doc": "doc",
    }
    without = Mapping({"fields": bare})
    assert without.version == mapping.version
    assert Mapping({"fields": {**bare, "value": {"value": {"doc": "other"}}}}).version != mapping.version
    assert Mapping({"fields": {**bare, "doc": "other"}}).version != mapping.version
    record = {"a": 1, "l": [{"c": 2}], "x": 1, "d": 3, "doc": 4}
    assert mapping(record) == without(record)
    assert "doc 'The first\\nletter.' added" in str(without.diff(mapping))
    assert "Meaning" not in without.document()


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"fields": {"a": {"from": "a", "doc": 5}}}, r"fields\.a\.doc: tells people what is meant, as text, and is not 5"),
        ({"doc": ["x"], "fields": {"a": "a"}}, "doc: tells people what is meant"),
        ({"fields": {"a": {"sum": "l", "of": {"from": "x", "doc": "y"}}}}, "doc belongs to a whole field"),
        ({"fields": {"a": {"from": "a", "docs": "y"}}}, "did you mean 'doc'"),
    ],
)
def test_a_doc_in_the_wrong_place(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Mapping(tree)


HOSTILE = 'a|b<script>`*_[x](y)"\n# z %%{init}%% end; style x:#f;&lt;\u202e\x1b[31m'


def test_no_name_becomes_markup() -> None:
    name = HOSTILE
    tree = {"source": name, "doc": name, "fields": {name: {"value": name, "doc": name}, "b": f"'{name}'"}, "lookups": {name: {name: name}}}
    page = Mapping(tree).document()
    assert "<" not in page
    assert "\n# z" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert all(line.count("|") - line.count("\\|") in (0, 3, 6) for line in page.split("```")[0].splitlines())
    assert "&amp;lt;" in page


# ---------------------------------------------------------------- the picture

_LABEL = r'"(?:[^"`#;:%{}<>|\\&]|#\d+;)+"'
_LINE = re.compile(
    rf"flowchart LR|  end|  subgraph g\d+\[{_LABEL}\]| {{2,4}}n\d+\[{_LABEL}\]|  n\d+ -->(?:\|{_LABEL}\|)? n\d+"
    rf"|  d\d+\[{_LABEL}\]|  d\d+ -->\|{_LABEL}\| d\d+"
)


def pictures(page: str) -> list[list[str]]:
    return [block.split("\n```")[0].splitlines() for block in page.split("```mermaid\n")[1:]]


def check_picture(lines: list[str]) -> tuple[int, int]:
    """Every line is one of a few that mermaid knows, every arrow is between nodes that are there. How many nodes and arrows there are."""
    assert not any(re.search(r"direction\s+(TB|BT|LR|RL|TD)", line) for line in lines)
    assert all(_LINE.fullmatch(line) for line in lines), [line for line in lines if not _LINE.fullmatch(line)]
    nodes = [line.split("[")[0].strip() for line in lines if re.match(r" +[nd]\d+\[", line)]
    arrows = [line.split() for line in lines if "-->" in line]
    assert len(set(nodes)) == len(nodes)
    assert all(arrow[0] in nodes and arrow[-1] in nodes for arrow in arrows)
    assert sum(line.startswith("  subgraph") for line in lines) == lines.count("  end")
    return len(nodes), len(arrows)


def test_the_picture() -> None:
    (lines,) = pictures(Mapping(TREE, functions={"own": sku}).document())
    assert check_picture(lines) == (43, 25)
    assert '  subgraph g0["shop.orders"]' in lines


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE,
        "end",
        "1. x",
        "- y",
        "`b`",
        "o",
        "x",
        "subgraph",
        "direction TB",
        "click",
        "style:#1;",
        " ",
        '"',
        "ünïcödé",
        "A" * 900,
        "%%{init: {}}%%",
        "\ud800",
    ],
)
def test_any_name_makes_a_picture(name: str) -> None:
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    (lines,) = pictures(Mapping({"source": name, "target": name, "fields": {name: quoted}}).document())
    assert check_picture(lines) == (2, 1)
    assert max(map(len, lines)) < 600


def test_a_picture_that_would_be_too_large_shows_less() -> None:
    groups = Mapping({"fields": {f"f{i}": {"fields": {f"g{j}": f"s{i}.t{j}" for j in range(20)}} for i in range(20)}}).document()
    (lines,) = pictures(groups)
    assert check_picture(lines) == (40, 20)
    assert '-->|"20 arrows"|' in "\n".join(lines)
    assert "drawn together by their first name" in groups
    datasets = Mapping({"fields": {f"f{i}": f"s{i}" for i in range(400)}}).document()
    (lines,) = pictures(datasets)
    assert check_picture(lines) == (2, 1)
    assert "only datasets are drawn" in datasets


def test_the_same_mapping_gives_the_same_page() -> None:
    assert Mapping(TREE, functions={"own": sku}).document() == Mapping(dict(TREE), functions={"own": sku}).document()


def test_long_tables_are_cut() -> None:
    mapping = Mapping({"fields": {"a": {"from": "a", "lookup": "t"}}, "lookups": {"t": {f"k{i}": i for i in range(150)}}})
    assert "… and 50 more." in mapping.document()
    assert "… and 147 more." in mapping.document(rows=3)
    assert "| k2 | 2 |" in mapping.document(rows=3)
    for wrong in (-1, True, "3", 1.5):
        with pytest.raises(ConfigurationError, match=r"document\(rows=…\) is the most rows"):
            mapping.document(rows=wrong)  # type: ignore[arg-type]


def test_a_mapping_without_headings() -> None:
    assert Mapping({"fields": {"a": "a"}}).document().startswith("# source → target\n")


# ---------------------------------------------------------------- coverage

SMALL = Mapping(
    {
        "fields": {
            "id": {"from": "id", "to": "int"},
            "status": {"from": "status", "lookup": "statuses", "otherwise": "keep"},
            "first": "lines[0].sku",
            "total": {"sum": "lines", "of": "price"},
        },
        "lookups": {"statuses": {"open": "OPEN"}},
    }
)


def test_coverage() -> None:
    records = [
        {"id": 1, "status": "open", "lines": [{"sku": "a", "price": 1, "extra": {"x": 1}}], "billing": {"city": "x", "zip": None}},
        {"id": "2", "status": "lost", "lines": [{"sku": "a", "price": None}, {"sku": "b", "price": Decimal(1)}]},
        {"id": None, "status": "lost", "lines": [{"sku": "b", "price": 2}], "billing": None, "absent": UNSET},
        5,
    ]
    found = SMALL.coverage(iter(records))
    assert (found.records, found.failed, found.truncated) == (4, 2, False)
    assert found.unused == {"billing": 2, "lines[].extra": 1}
    assert found.nulls == {"billing": 1, "billing.zip": 1, "id": 1, "lines[].price": 1}
    assert found.types["id"] == {"int": 1, "str": 1, "null": 1}
    assert found.types["lines[]"] == {"dict": 4}
    assert found.missed == {"statuses": {"'lost'": 2}}
    assert found.errors == {"total": 1, ".": 1}
    text = str(found)
    for part in [
        "4 records, 2 of them refused",
        "never used:\n  lines[].extra: 1\n  billing: 2",
        "not in lookup 'statuses':\n  'lost': 2",
        "id: int 1, str 1, null 1",
    ]:
        assert part in text
    assert isinstance(found, Coverage)


def test_how_much_of_the_source_is_used() -> None:
    found = SMALL.coverage([{"id": 1, "status": "open", "lines": [{"sku": "a", "price": 1, "x": 1}], "tags": ["a", "b"], "empty": [], "c": {"d": 1}}])
    assert (found.fields_used, found.fields_seen) == (4, 8)
    assert "used 4 of 8 source fields (50 %)" in str(found)
    query = Mapping({"fields": {"rows": {"group": "rows", "by": "id", "where": "kind == 'x'", "fields": {"n": {"sum": "rows", "of": "net"}}}}})
    found = query.coverage([{"rows": [{"id": 1, "kind": "x", "net": 2, "note": "n"}]}])
    assert found.unused == {"rows[].note": 1}
    assert (found.fields_used, found.fields_seen) == (3, 4)


def test_what_jmespath_reads_is_used() -> None:
    pytest.importorskip("jmespath")
    found = Mapping({"fields": {"a": {"jmespath": "lines[?kind == 'x'].sku | [0]"}}}).coverage(
        [{"lines": [{"kind": "x", "sku": 1, "note": 2}], "b": 1}]
    )
    assert found.unused == {"lines[].note": 1, "b": 1}


def test_what_became_null() -> None:
    mapping = Mapping({"fields": {"a": {"from": "a", "to": "int", "on_error": "null"}, "b": {"from": "b", "to": "int"}}})
    found = mapping.coverage([{"a": "x", "b": 1}, {"a": 1, "b": "x"}, {"a": "y", "b": 2}])
    assert (found.failed, found.errors, found.nulled) == (1, {"a": 2, "b": 1}, {"a": 2})
    assert "null because it did not fit:\n  a: 2" in str(found)
    assert found.always_null == {"a": 2}


CONDITIONS = Mapping(
    {
        "fields": {
            "never": {"from": "a", "when": "kind == 'z'", "default": 0},
            "held": {"from": "a", "when": "kind == 'x'", "default": 0},
            "case": {
                "cases": [{"when": "kind == 'x'", "value": 1}, {"when": "kind == 'y'", "value": 2}, {"when": "kind == 'q'", "value": 3}, {"value": 4}]
            },
            "sum": {"sum": "lines", "of": "net", "where": "net > 100"},
            "lines": {
                "each": "lines",
                "where": "net > 0",
                "sort": "net",
                "fields": {
                    "no": {"position": 1},
                    "share": {"share": "total", "by": "net", "scale": 2},
                    "deep": {"add": [{"from": "net", "when": "net > 50", "default": 0}, 1]},
                },
            },
            "looked": {"from": "kind", "lookup": "kinds", "otherwise": {"from": "a", "when": "kind == 'never'", "default": 7}},
        },
        "lookups": {"kinds": {"x": 1}},
    }
)


def test_conditions_that_never_hold() -> None:
    records = [{"a": 1, "kind": kind, "total": Decimal("10.01"), "lines": [{"net": 3}, {"net": 0}, {"net": 4}]} for kind in "xy"]
    found = CONDITIONS.coverage(records)
    assert found.failed == 0
    assert found.never_held == {
        "never": ("kind == 'z'",),
        "case": ("kind == 'q'", "the last case"),
        "sum": ("net > 100",),
        "lines[].deep": ("net > 50",),
        "looked": ("kind == 'never'",),
    }
    assert "conditions that never held:\n  never: kind == 'z'\n  case: kind == 'q'; the last case" in str(found)
    more = [*records, {**records[0], "kind": "other", "lines": [{"net": 1000}]}]
    assert CONDITIONS.coverage(more).never_held == {"never": ("kind == 'z'",), "case": ("kind == 'q'",), "looked": ("kind == 'never'",)}
    assert CONDITIONS.coverage([]).never_held == {}
    # Counting them changes nothing.
    assert [CONDITIONS(record)["lines"] for record in records] == [
        [{"no": 1, "share": Decimal("4.29"), "deep": 1}, {"no": 2, "share": Decimal("5.72"), "deep": 1}]
    ] * 2


def test_target_fields_without_life() -> None:
    mapping = Mapping(
        {
            "fields": {
                "id": "id",
                "web": {"value": "web"},
                "nothing": {"value": None},
                "note": {"from": "note", "optional": True},
                "fax": "fax",
                "country": "country",
                "lines": {"each": "lines", "fields": {"tax": "tax", "n": "n", "opt": {"from": "opt", "optional": True}}},
                "object": "object",
            }
        }
    )
    records = [{"id": i, "fax": None, "country": "DE", "lines": [{"tax": 19, "n": i}], "object": {"a": 1}} for i in range(10)]
    found = mapping.coverage(records)
    assert found.always_missing == {"note": 10, "lines[].opt": 10}
    assert found.always_null == {"fax": 10}
    assert found.constant == {"country": "'DE'", "lines[].tax": "19"}
    assert "always left out:\n  note: 10" in str(found)
    assert "always the same:\n  country: 'DE'" in str(found)
    assert mapping.coverage(records[:9]).constant == {}
    # 1, True and 1.0 are different; one null is another value too.
    for other in (True, Decimal(19), None, "19"):
        assert "lines[].tax" not in mapping.coverage([*records, {**records[0], "lines": [{"tax": other, "n": 1}]}]).constant
    broken = mapping.coverage([*records, {"id": 5}])
    assert (broken.failed, broken.constant) == (1, found.constant)


def test_coverage_counts_fields_of_items_together() -> None:
    mapping = Mapping({"fields": {"lines": {"each": "l", "fields": {"n": {"from": "n", "to": "int"}}}}})
    assert mapping.coverage([{"l": [{"n": "x"}, {"n": "y"}, {"n": 1}]}, {"l": [{"n": "x"}]}]).errors == {"lines[].n": 2}


def test_a_whole_object_that_is_copied_is_used() -> None:
    assert Mapping({"fields": {"all": "customer"}}).coverage([{"customer": {"a": {"b": 1}}}]).unused == {}
    assert Mapping({"fields": {"all": "."}}).coverage([{"customer": {"a": {"b": 1}}}]).unused == {}
    assert Mapping({"fields": {"n": {"count": "l"}}}).coverage([{"l": [{"a": 1}]}]).unused == {"l[]": 1}
    assert Mapping({"fields": {"n": {"count": "l"}, "s": {"sum": "l", "of": "a"}}}).coverage([{"l": [{"a": 1, "b": 2}]}]).unused == {"l[].b": 1}


def test_coverage_is_bounded() -> None:
    deep: Any = "end"
    for _ in range(10_000):
        deep = {"a": deep}
    found = SMALL.coverage([deep])
    assert found.truncated
    assert len(found.types) <= 32
    found = SMALL.coverage({"id": 1, "status": f"s{index}", "lines": [{"sku": 1, "price": 1}], f"key{index}": 1, 5: 6} for index in range(5100))
    assert found.truncated
    assert len(found.types) == 5000
    assert len(found.missed["statuses"]) == 1000
    assert "there was more than could be kept" in str(found)
    assert "… and" in str(found)


class Bad(dict[str, Any]):
    def keys(self) -> Any:
        raise RuntimeError("no")

    def items(self) -> Any:
        raise RuntimeError("no")


class Text(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        return 1


def test_coverage_of_hostile_records() -> None:
    records: list[Any] = [
        {"id": float("nan"), "status": "x" * 1_000_000, "lines": []},
        {"id": 10**5000, "status": Text("open"), "lines": [{"sku": Text("a"), "price": 1}]},
        {"id": 1, "status": "\ud800", "lines": [{"sku": "a", "price": float("inf")}]},
        {"k" * 1_000_000: 1, ("a", 1): 2, None: 3, "esc\x1b[31m": 4},
        Bad(id=1),
        [],
        None,
        object(),
        {"id": 1, "status": "open", "lines": [{"sku": 1, "price": 1}], "many": [0] * 200_000},
    ]
    found = SMALL.coverage(records)
    assert found.records == len(records)
    text = str(found)
    assert len(text) < 20_000
    assert "\x1b" not in text
    assert max(map(len, found.types)) < 1_100
    assert found.types["many[]"] == {"int": 200_000}
    loop: dict[str, Any] = {"id": 1, "status": "open", "lines": [{"sku": 1, "price": 1}]}
    loop["self"] = loop
    assert SMALL.coverage([loop]).truncated


def test_keys_with_brackets_are_not_items() -> None:
    mapping = Mapping({"fields": {"a[0]": {"from": '"b[1]"', "to": "int"}}})
    found = mapping.coverage([{"b[1]": "x"}])
    assert found.errors == {'"a[0]"': 1}
    assert found.types == {'"b[1]"': {"str": 1}}


def test_coverage_of_nothing() -> None:
    assert str(SMALL.coverage([])) == "0 records, 0 of them refused"
    for wrong in (5, "text", {"id": 1}):
        with pytest.raises(ConfigurationError, match="takes an iterable of records"):
            SMALL.coverage(wrong)  # type: ignore[arg-type]
