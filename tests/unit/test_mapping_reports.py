"""What a mapping tells about itself and about records: the page and the coverage."""

from __future__ import annotations

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


def test_the_page() -> None:
    page = Mapping(TREE, functions={"own": sku, "other": str.strip, "plain": lambda value: value}).document()
    lines = page.splitlines()
    assert lines[0] == "# shop.orders → books.invoices"
    for row in [
        "| id | id | as it is |",
        "| email | customer.email | read; apply strip, own; never null |",
        "| status | status | read; lookup statuses, else '?' |",
        "| kept | status | read; lookup statuses, else as it is |",
        "| strict | status | read; lookup statuses, else an error |",
        "| note | note | as it is; left out where missing |",
        "| shade | shade | as it is; 'grey' where missing |",
        "| strictly | shade | as it is; 'grey' where missing or null |",
        "| channel | – | always 'web' |",
        "| count | lines | count(lines) |",
        r"| text | id, amounts\[\], lines\[\].sku | concat(id, sum(amounts), first(lines of sku)) |",
        "| when | when | read; to datetime, in Europe/Berlin, fold later |",
        "| price | price | read; to decimal, floats by their shortest text |",
        "| lines | lines | a list, one object for each item |",
        r"| lines\[\].sku | lines\[\].sku | as it is |",
        r"| lines\[\].deep.a | lines\[\].a.b | as it is |",
        "| ship | shipping | an object |",
        "| ship.city | shipping.city | as it is |",
        "- own: Without blanks, in capitals.",
        "- plain: a function of this project",
        "## Lookup statuses",
        "| open | 'OPEN' |",
        "| n | 5 |",
        "```mermaid",
        "flowchart LR",
    ]:
        assert row in lines, row
    net = next(line for line in lines if line.startswith("| net"))
    assert net == (
        r"| net | lines\[\].price, lines\[\].quantity, lines\[\].rate, lines\[\].x | sum(lines of multiply(price, quantity (1 where missing), "
        "coalesce(rate, 1), x (apply strip, to int))); to decimal, scale 2, rounding half-even |"
    )
    nodes = [line.split("[")[0].strip() for line in lines if line.startswith("    ")]
    arrows = [line.split(" --> ") for line in lines if " --> " in line]
    assert arrows
    assert all(left.strip() in nodes and right in nodes for left, right in arrows)


def test_no_name_becomes_markup() -> None:
    name = 'a|b<script>`*_[x](y)"\n# z'
    page = Mapping({"source": name, "fields": {name: {"value": name}, "b": f"'{name}'"}, "lookups": {name: {name: name}}}).document()
    assert "<script>" not in page
    assert "\n# z" not in page
    assert all(line.count("|") - line.count("\\|") in (0, 3, 4) for line in page.splitlines())


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
    found = SMALL.coverage({"id": 1, "status": f"s{index}", "lines": [{"sku": 1, "price": 1}], f"key{index}": 1, 5: 6} for index in range(7000))
    assert found.truncated
    assert len(found.types) == 5000
    assert len(found.missed["statuses"]) == 1000
    assert "there was more than could be kept" in str(found)
    assert "… and" in str(found)


def test_coverage_of_nothing() -> None:
    assert str(SMALL.coverage([])) == "0 records, 0 of them refused"
    for wrong in (5, "text", {"id": 1}):
        with pytest.raises(ConfigurationError, match="takes an iterable of records"):
            SMALL.coverage(wrong)  # type: ignore[arg-type]
