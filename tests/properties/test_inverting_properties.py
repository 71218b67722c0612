"""inverse(map(x)) = x on random invertible mappings and records that hold what they read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.transform import Mapping

NAMES = st.text(alphabet="ab.$[\"' é", min_size=1, max_size=4)
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
STATUS = {"paid": "PAID", "void": "VOID", "": "none", "1": 1, "yes": True}


def quoted(*names: str) -> str:
    return ".".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)


@st.composite
def fields(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of a mapping, and a record that it can map."""
    rules: dict[str, Any] = {}
    record: dict[str, Any] = {}
    targets = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    for name, target in zip(draw(st.lists(NAMES, min_size=len(targets), max_size=len(targets), unique=True)), targets, strict=True):
        kind = draw(st.sampled_from(["plain", "optional", "deep", "lookup", "number", "typed", *(["object", "each"] if depth else [])]))
        if kind == "plain":
            rules[target], record[name] = quoted(name), draw(VALUES)
        elif kind == "optional":
            rules[target] = {"from": quoted(name), "optional": True}
            if draw(st.booleans()):
                record[name] = draw(VALUES)
        elif kind == "deep":
            inner = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
            here = draw(st.dictionaries(st.sampled_from(inner), VALUES))
            rules[target] = {"fields": {each: {"from": quoted(name, each), "optional": True} for each in inner}}
            if here:
                record[name] = here
        elif kind == "lookup":
            rules[target], record[name] = {"from": quoted(name), "lookup": "status"}, draw(st.none() | st.sampled_from(list(STATUS)))
        elif kind == "number":
            constant = draw(st.integers(1, 1000) | st.decimals(1, 1000, places=2))
            operator = draw(st.sampled_from(["add", "subtract", "multiply"]))
            operands = draw(st.permutations([quoted(name), constant])) if operator != "multiply" else [quoted(name), constant]
            rules[target], record[name] = {operator: operands}, draw(st.decimals(-(10**9), 10**9, places=4))
        elif kind == "typed":
            rules[target] = {"from": quoted(name), "to": "decimal", "scale": 2, "back": "str"}
            record[name] = draw(st.none() | st.decimals(-(10**9), 10**9, places=2).map(str))
        elif kind == "object":
            inner_rules, inner = draw(fields(depth - 1))
            rules[target], record[name] = {"from": quoted(name), "fields": inner_rules}, draw(st.sampled_from([inner, None]))
        else:
            inner_rules, inner = draw(fields(depth - 1))
            rules[target], record[name] = {"each": quoted(name), "fields": inner_rules}, draw(st.sampled_from([[inner], [], None, [inner, inner]]))
    return rules, record


def same(left: Any, right: Any) -> bool:
    if isinstance(right, dict):
        return isinstance(left, dict) and left.keys() == right.keys() and all(same(left[key], right[key]) for key in right)
    if isinstance(right, list):
        return isinstance(left, list) and len(left) == len(right) and all(map(same, left, right))
    return left == right and isinstance(left, bool) == isinstance(right, bool) and isinstance(left, Decimal) == isinstance(right, Decimal)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(drawn=fields())
def test_there_and_back(drawn: tuple[dict[str, Any], dict[str, Any]]) -> None:
    rules, record = drawn
    there = Mapping({"fields": rules, "lookups": {"status": STATUS}})
    if len({path for field in there._fields for path, _ in field.rule.node.sources(())}) == 0:
        return
    back = there.inverse()
    assert same(back(there(record)), record), (back._tree, there(record))
