"""Conditions, cases, calls, lists, splits and joins, compiled and careful, against a slow reference written here from the documentation alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.errors import MappingError
from integrakit.transform import Mapping
from integrakit.unset import UNSET

MISSING = object()
REFUSED = "refused"


class Bad(Exception):
    """The reference refuses the record."""


# ---------------------------------------------------------------- the reference of conditions: trees of tuples


def walk(path: str, item: Any, record: Any) -> Any:
    scope = item
    if path.startswith("$"):
        scope, path = record, path[2:]
    steps = [] if path in (".", "") else path.replace("[", ".[").split(".")
    for step in steps:
        if scope is None or scope is MISSING or scope is UNSET:
            return MISSING
        if step.startswith("["):
            if not isinstance(scope, list):
                raise Bad
            index = int(step[1:-1])
            scope = scope[index] if -len(scope) <= index < len(scope) else MISSING
        else:
            if not isinstance(scope, dict):
                raise Bad
            scope = scope.get(step, MISSING)
    return MISSING if scope is UNSET else scope


def nothing(value: Any) -> bool:
    return value is None or value is MISSING


def sort_of(value: Any) -> tuple[str, Any]:
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, str):
        return "text", value
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, int | Decimal):
        if isinstance(value, Decimal) and not value.is_finite():
            raise Bad
        return "number", value
    raise Bad


def pair(left: Any, right: Any) -> tuple[str, Any, Any]:
    (one, left), (other, right) = sort_of(left), sort_of(right)
    if one != other:
        raise Bad
    return one, left, right


def equals(left: Any, right: Any) -> bool:
    if nothing(left) or nothing(right):
        return nothing(left) and nothing(right)
    _, left, right = pair(left, right)
    return bool(left == right)


def number_of(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise Bad from None


def value_of(term: tuple[Any, ...], item: Any, record: Any) -> Any:
    if term[0] == "literal":
        return term[1]
    value = walk(term[-1], item, record)
    if term[0] == "path" or nothing(value):
        return value
    if term[0] == "length":
        if not isinstance(value, str | list | dict):
            raise Bad
        return len(value)
    if term[0] == "number":
        value = number_of(value) if isinstance(value, str) else value
        kind, value = sort_of(value)
        if kind != "number":
            raise Bad
        return value
    assert term[0] == "lower"
    if not isinstance(value, str):
        raise Bad
    return value.lower()


def true(tree: tuple[Any, ...], item: Any, record: Any) -> bool:
    name = tree[0]
    if name == "and":
        return all(true(part, item, record) for part in tree[1:])
    if name == "or":
        return any(true(part, item, record) for part in tree[1:])
    if name == "not":
        return not true(tree[1], item, record)
    if name in ("null", "missing", "present"):
        value = walk(tree[1], item, record)
        return {"null": value is None, "missing": value is MISSING, "present": not nothing(value)}[name]
    if name == "alone":
        value = walk(tree[1], item, record)
        if nothing(value):
            return False
        if not isinstance(value, bool):
            raise Bad
        return value
    if name == "in":
        left = value_of(tree[1], item, record)
        items = tree[2] if isinstance(tree[2], list) else walk(tree[2], item, record)
        if nothing(items):
            return False
        if not isinstance(items, list):
            raise Bad
        return any(equals(left, MISSING if other is UNSET else other) for other in items)
    left, right = (value_of(term, item, record) for term in tree[1:])
    if name == "==":
        return equals(left, right)
    if name == "!=":
        return not equals(left, right)
    if nothing(left) or nothing(right):
        return False
    if name in ("starts with", "ends with", "contains"):
        if not isinstance(left, str) or not isinstance(right, str):
            raise Bad
        return {"starts with": left.startswith(right), "ends with": left.endswith(right), "contains": right in left}[name]
    kind, left, right = pair(left, right)
    if kind == "bool":
        raise Bad
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[name])


# ---------------------------------------------------------------- the same as text


def literal_text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        quote = "'" if "'" not in value else '"'
        return quote + value.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote
    return str(value)


def term_text(term: tuple[Any, ...]) -> str:
    if term[0] == "literal":
        return literal_text(term[1])
    return term[1] if term[0] == "path" else f"{term[0]}({term[1]})"


def text_of(tree: tuple[Any, ...]) -> str:
    name = tree[0]
    if name in ("and", "or"):
        return f" {name} ".join(f"({text_of(part)})" for part in tree[1:])
    if name == "not":
        return f"not ({text_of(tree[1])})"
    if name in ("null", "missing", "present"):
        return f"{tree[1]} is {name}"
    if name == "alone":
        return str(tree[1])
    if name == "in":
        items = tree[2] if isinstance(tree[2], str) else f"[{', '.join(map(literal_text, tree[2]))}]"
        return f"{term_text(tree[1])} in {items}"
    return f"{term_text(tree[1])} {name} {term_text(tree[2])}"


# ---------------------------------------------------------------- random conditions and records

NAMES = ["a", "b", "c", "list", "obj"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.1, 2.0, float("nan"), Decimal("0.1"), Decimal("2.00"), Decimal("NaN"), UNSET])
    | st.sampled_from(["", "x", "X", "xy", "1", "2.0", "ß"])
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), SCALARS, max_size=4)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "a": st.sampled_from([1, 2, "x", "xy", True]) | SCALARS,
        "b": SCALARS,
        "c": SCALARS,
        "obj": OBJECTS | SCALARS,
        "list": st.lists(OBJECTS, max_size=3) | st.lists(st.sampled_from(["x", "xy", None]), max_size=2) | SCALARS,
    },
)
PATHS = st.sampled_from(["a", "a", "b", "c", "obj.a", "obj.b", "obj", "list", "list[0].a", "list[-1].b"])
ITEM_PATHS = st.sampled_from(["a", "b", "c", ".", "$.a", "$.obj.a", "$.list[0].b", "obj.c"])
TEXTS = ["x", "xy", "", "1", "it's", 'a "b"', "\\"]
LITERALS = {"text": st.sampled_from(TEXTS), "number": st.integers(-2, 3) | st.sampled_from([Decimal("0.1"), Decimal("2.00")]), "bool": st.booleans()}


@st.composite
def conditions(draw: st.DrawFn, paths: st.SearchStrategy[str], depth: int = 2) -> tuple[Any, ...]:
    kinds = ["==", "!=", "<", ">=", "in", "null", "missing", "present", "alone", "starts with", "contains", "==", "in path"]
    kind = draw(st.sampled_from(kinds + (["and", "or", "not"] if depth else [])))
    if kind in ("and", "or"):
        return (kind, *draw(st.lists(conditions(paths, depth - 1), min_size=2, max_size=3)))
    if kind == "not":
        return ("not", draw(conditions(paths, depth - 1)))
    path = draw(paths)
    if kind in ("null", "missing", "present", "alone"):
        return (kind, path)
    term = ("path", path)
    if kind == "in path":
        return ("in", term, draw(paths))
    if kind in ("starts with", "contains"):
        return (kind, term, ("literal", draw(LITERALS["text"])))
    function, of = draw(st.sampled_from([("", "text"), ("", "number"), ("", "bool"), ("number", "number"), ("length", "number"), ("lower", "text")]))
    left = (function, path) if function else term
    if kind == "in":
        return ("in", left, draw(st.lists(LITERALS[of], min_size=1, max_size=3)) + draw(st.sampled_from([[], [None]])))
    if draw(st.integers(0, 4)) == 0:
        return (kind, left, ("path", draw(paths)))
    if kind in ("==", "!=") and draw(st.integers(0, 5)) == 0:
        return (kind, left, ("literal", None))
    of = "text" if of == "bool" and kind not in ("==", "!=") else of
    right = ("literal", draw(LITERALS[of]))
    # A literal may stand on either side.
    return (kind, left, right) if draw(st.booleans()) else (kind, right, left)


def of_keys(tree: Any) -> bool:
    """Whether a condition reads a key of the item: else the item may be anything."""
    parts = [part for part in tree if isinstance(part, str | list | tuple)]
    return any(part in ("a", "b", "c", "obj.c") if isinstance(part, str) else of_keys(part) for part in parts)


def outcome(function: Any, record: Any) -> Any:
    try:
        return function(record)
    except MappingError:
        return REFUSED


def expected(function: Any) -> Any:
    try:
        return function()
    except Bad:
        return REFUSED


def check(mapping: Mapping, record: Any, wanted: Any) -> None:
    """Both passes, and the one from users' side, say the same."""
    assert repr(outcome(mapping, record)) == repr(wanted), mapping.source()
    assert repr(outcome(mapping._carefully, record)) == repr(wanted)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=conditions(PATHS), inner=conditions(ITEM_PATHS), records=st.lists(RECORDS, min_size=1, max_size=6))
def test_conditions_are_the_reference(tree: tuple[Any, ...], inner: tuple[Any, ...], records: list[Any]) -> None:
    whole = Mapping({"fields": {"x": {"value": 1, "when": text_of(tree)}, "y": {"value": 2, "default": 3, "when": text_of(tree)}}})
    items = Mapping({"fields": {"l": {"each": "list", "optional": True, "fields": {"x": {"value": 1, "when": text_of(inner)}}}}})

    def of_items(record: Any) -> Any:
        found = walk("list", record, record)
        if nothing(found):
            return {} if found is MISSING else {"l": None}
        if not isinstance(found, list) or (of_keys(inner) and not all(isinstance(item, dict) for item in found)):
            raise Bad
        return {"l": [{"x": 1} if true(inner, item, record) else {} for item in found]}

    for record in records:
        check(whole, record, expected(lambda: {"x": 1, "y": 2} if true(tree, record, record) else {"y": 3}))  # noqa: B023 - called at once
        check(items, record, expected(lambda: of_items(record)))  # noqa: B023 - called at once


# ---------------------------------------------------------------- cases, calls, lists, splits, joins


def ref_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    raise Bad


def ref_rule(tree: Any, record: Any, optional: bool) -> Any:
    """The value of a rule; MISSING only where that is no error."""
    value = ref_node({"from": tree} if isinstance(tree, str) else tree, record, optional)
    if value is MISSING and not optional:
        raise Bad
    return value


def ref_node(tree: Any, record: Any, optional: bool) -> Any:
    if "value" in tree:
        return tree["value"]
    if "from" in tree:
        return walk(tree["from"], record, record)
    if "cases" in tree:
        for case in tree["cases"]:
            if "tree" not in case or true(case["tree"], record, record):
                return ref_rule(case["rule"], record, optional)
        return MISSING
    if "split" in tree:
        value = ref_rule(tree["split"], record, optional)
        if nothing(value):
            return value
        if not isinstance(value, str):
            raise Bad
        parts = value.split(tree["by"]) if value else []
        if "index" not in tree:
            return parts
        return parts[tree["index"]] if -len(parts) <= tree["index"] < len(parts) else MISSING
    name = next(name for name in ("list", "call", "join") if name in tree)
    skip = tree.get("skip", "")
    operands = tree["with"] if name == "call" else tree[name]
    values = [ref_rule(operand, record, optional or bool(skip)) for operand in operands]
    if skip:
        values = [value for value in values if value is not MISSING and not (value is None and skip != "missing")]
    if any(value is MISSING for value in values):
        return MISSING
    if name == "call":
        result = called(*values)
        return MISSING if result is UNSET else result
    if name == "join":
        values = [ref_text(value) for value in values]
    values = [value for value in values if not (skip == "empty" and value == "" and isinstance(value, str))]
    return tree["by"].join(values) if name == "join" else values


def called(left: Any, right: Any) -> Any:
    return UNSET if left == "x" else None if right is None else [left, right]


def as_mapping(tree: Any) -> Any:
    """The rule as a mapping writes it."""
    if isinstance(tree, str):
        return tree
    if "cases" in tree:
        cases = []
        for case in tree["cases"]:
            rule = as_mapping(case["rule"])
            rule = {"from": rule} if isinstance(rule, str) else rule
            cases.append({**rule, "when": text_of(case["tree"])} if "tree" in case else rule)
        return {"cases": cases}
    return {key: [as_mapping(one) for one in entry] if key in ("list", "join", "with") else entry for key, entry in tree.items()} | (
        {"split": as_mapping(tree["split"])} if "split" in tree else {}
    )


@st.composite
def rules(draw: st.DrawFn, depth: int) -> Any:
    kind = draw(st.sampled_from(["path", "value"] + ["cases", "call", "list", "split", "join"] * bool(depth)))
    inner = rules(depth - 1)
    if kind == "path":
        return draw(st.sampled_from(["a", "a", "b", "c", "obj.a", "list[0].a", "$.b"]))
    if kind == "value":
        return {"value": draw(st.sampled_from([1, "x", "x,y", "", True]))}
    if kind == "cases":
        cases = [{"tree": draw(conditions(PATHS, 1)), "rule": draw(inner)} for _ in range(draw(st.integers(1, 3)))]
        return {"cases": cases + ([{"rule": draw(inner)}] if draw(st.booleans()) else [])}
    if kind == "call":
        return {"call": "called", "with": [draw(inner), draw(inner)]}
    if kind == "split":
        return {"split": draw(inner), "by": draw(st.sampled_from([",", "x"])), **draw(st.sampled_from([{}, {"index": 0}, {"index": -2}]))}
    skip = draw(st.sampled_from([{}, {"skip": "missing"}, {"skip": "null"}, {"skip": "empty"}]))
    return {kind: draw(st.lists(inner, min_size=1, max_size=3)), **({"by": "-"} if kind == "join" else {}), **skip}


def without_unset(record: Any) -> Any:
    """UNSET inside what is handed on whole stays what it is; the reference takes it for missing only where a path ends."""
    if isinstance(record, dict):
        return {key: without_unset(value) for key, value in record.items() if value is not UNSET}
    return [without_unset(value) for value in record] if isinstance(record, list) else record


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=rules(3), optional=st.booleans(), records=st.lists(RECORDS, min_size=1, max_size=5))
def test_rules_are_the_reference(tree: Any, optional: bool, records: list[Any]) -> None:
    rule = as_mapping(tree)
    rule = {"from": rule} if isinstance(rule, str) else rule
    if optional and "value" not in rule:
        rule = {**rule, "optional": True}
    mapping = Mapping({"fields": {"x": rule}}, functions={"called": called})
    for record in map(without_unset, records):
        value = expected(lambda: ref_rule(tree, record, optional))  # noqa: B023 - called at once
        check(mapping, record, REFUSED if value is REFUSED else {} if value is MISSING else {"x": value})
