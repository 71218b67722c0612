"""The compiled mapping against a slow reference, written here from the documentation alone, on random mappings and random records."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.errors import MappingError
from integrakit.transform import Mapping
from integrakit.unset import UNSET

NAMES = ["a", "b", "c", "list", "obj"]
MISSING = object()


class Bad(Exception):
    """The reference refuses the record."""


# ---------------------------------------------------------------- the reference


def ref_walk(path: list[Any], scope: Any) -> Any:
    for step in path:
        if scope is None or scope is UNSET:
            return MISSING
        if isinstance(step, str):
            if not isinstance(scope, dict):
                raise Bad
            scope = scope.get(step, UNSET)
        else:
            if not isinstance(scope, list):
                raise Bad
            scope = scope[step] if -len(scope) <= step < len(scope) else UNSET
    return MISSING if scope is UNSET else scope


def ref_number(value: Any, shortest: bool) -> Decimal:
    if isinstance(value, bool) or value is None or value is MISSING:
        raise Bad
    if isinstance(value, float):
        if not shortest:
            raise Bad
        value = Decimal(repr(value))
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except ArithmeticError:
            raise Bad from None
    if not isinstance(value, int | Decimal) or (isinstance(value, Decimal) and not value.is_finite()):
        raise Bad
    return Decimal(value)


def ref_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    raise Bad


def ref_path(text: str) -> list[Any]:
    if text == ".":
        return []
    return [int(part) if part.lstrip("-").isdigit() else part for part in text.replace("[", ".").replace("]", "").split(".")]


def ref_items(tree: Any, scope: Any, lenient: bool, shortest: bool) -> Any:
    items = ref_rule(tree, scope, lenient, shortest)
    if items is MISSING:
        if lenient:
            return MISSING
        raise Bad
    if not isinstance(items, list):
        raise Bad
    return items


def ref_rule(tree: Any, scope: Any, lenient: bool, shortest: bool) -> Any:
    if isinstance(tree, int | Decimal):
        return tree
    if isinstance(tree, str):
        tree = {"from": tree}
    shortest = shortest or "float" in tree
    lenient_here = lenient or "default" in tree
    value = ref_node(tree, scope, lenient_here, shortest)
    if value is not MISSING and value is not None:
        value = ref_steps(tree, value, shortest)
    if value is MISSING and "default" in tree:
        return ref_default(tree)
    if value is None and tree.get("nullable") is False:
        if "default" in tree:
            return ref_default(tree)
        raise Bad
    if value is MISSING and not lenient:
        raise Bad
    return value


def ref_default(tree: dict[str, Any]) -> Any:
    default = tree["default"]
    if tree.get("to") == "decimal":
        return Decimal(default).quantize(Decimal(1).scaleb(-tree.get("scale", 0)))
    return default


def ref_steps(tree: dict[str, Any], value: Any, shortest: bool) -> Any:
    for name in tree.get("apply", []):
        if name == "flip":
            if not isinstance(value, str):
                raise Bad
            value = value[::-1] or None
        elif not isinstance(value, str):
            raise Bad
        else:
            value = getattr(value, name)()
        if value is None:
            return None
    if "lookup" in tree:
        if isinstance(value, float | list | dict) or (isinstance(value, Decimal) and (not value.is_finite() or value != int(value))):
            raise Bad
        key = str(int(value)) if isinstance(value, Decimal) else ref_text(value)
        if key in TABLE:
            value = TABLE[key]
        elif tree["otherwise"] == "error":
            raise Bad
        elif tree["otherwise"] != "keep":
            value = tree["otherwise"]["value"]
    if tree.get("to") == "decimal":
        exact = ref_number(value, shortest)
        if "scale" in tree:
            return exact.quantize(Decimal(1).scaleb(-tree["scale"]), ROUND_HALF_EVEN)
        return exact
    if tree.get("to") == "str":
        return ref_text(value)
    if tree.get("to") == "int":
        if isinstance(value, str) and not value.strip().lstrip("+-").isdigit():
            raise Bad
        exact = ref_number(value, True)
        if exact != exact.to_integral_value():
            raise Bad
        return int(exact)
    return value


def ref_node(tree: dict[str, Any], scope: Any, lenient: bool, shortest: bool) -> Any:
    if "value" in tree:
        return tree["value"]
    if "from" in tree:
        value = ref_walk(ref_path(tree["from"]), scope)
        if value is MISSING and not lenient:
            raise Bad
        if "fields" in tree and value is not MISSING and value is not None:
            if not isinstance(value, dict):
                raise Bad
            return ref_fields(tree["fields"], value, shortest)
        return value
    if "fields" in tree and "each" not in tree:
        return ref_fields(tree["fields"], scope, shortest)
    for name in ("add", "subtract", "multiply", "concat"):
        if name in tree:
            values = [ref_rule(operand, scope, lenient, shortest) for operand in tree[name]]
            prepare = ref_text if name == "concat" else lambda value: ref_number(value, shortest)
            values = [value if value is MISSING else prepare(value) for value in values]
            if any(value is MISSING for value in values):
                return MISSING
            result = values[0]
            for value in values[1:]:
                result = result - value if name == "subtract" else result * value if name == "multiply" else result + value
            return result
    if "coalesce" in tree:
        result: Any = MISSING
        for operand in tree["coalesce"]:
            value = ref_rule(operand, scope, True, shortest)
            if value is not MISSING:
                result = value
            if value is not MISSING and value is not None:
                break
        if result is MISSING and not lenient:
            raise Bad
        return result
    if "each" in tree:
        items = ref_rule(tree["each"], scope, lenient, shortest)
        if items is MISSING or items is None:
            return items
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Bad
        return [ref_fields(tree["fields"], item, shortest) for item in items]
    return ref_aggregate(tree, scope, lenient, shortest)


def ref_aggregate(tree: dict[str, Any], scope: Any, lenient: bool, shortest: bool) -> Any:
    name = next(name for name in ("sum", "count", "first", "last") if name in tree)
    items = ref_items(tree[name], scope, lenient, shortest)
    if items is MISSING:
        return MISSING
    if name == "count":
        return len(items)
    of = tree.get("of", ".")
    if name == "sum":
        return sum((ref_number(ref_rule(of, item, False, shortest), shortest) for item in items), Decimal(0))
    if not items:
        if lenient:
            return MISSING
        raise Bad
    return ref_rule(of, items[0 if name == "first" else -1], lenient, shortest)


def ref_fields(fields: dict[str, Any], scope: Any, shortest: bool) -> dict[str, Any]:
    result = {}
    for name, tree in fields.items():
        value = ref_rule(tree, scope, isinstance(tree, dict) and tree.get("optional", False), shortest)
        if value is not MISSING:
            result[name] = value
    return result


# ---------------------------------------------------------------- random mappings and records

TABLE = {"1": "one", "x": "ex", "true": "yes", "": None}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-50, 10**20)
    | st.sampled_from([0.1, 2.5, 3.0, float("nan"), Decimal("1.10"), Decimal("-0.005"), Decimal("NaN"), Decimal("Infinity"), Decimal("7"), UNSET])
    | st.sampled_from(["", "x", " x ", "1", "1.25", "-3", "abc", "NaN", "ß", "é\n"])
)


def objects(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(NAMES), children, max_size=5)


VALUES = st.recursive(SCALARS, lambda children: st.lists(children, max_size=3) | objects(children), max_leaves=12)
NUMBERS = st.integers(-5, 10**6) | st.decimals(-1000, 1000, places=2) | st.sampled_from(["1.5", "2"])
FRIENDLY_ITEM = st.fixed_dictionaries({"a": NUMBERS, "b": NUMBERS}, optional={"c": SCALARS})
FRIENDLY = st.fixed_dictionaries(
    {"a": NUMBERS, "b": st.sampled_from(["x", "1", " 1"]), "list": st.lists(FRIENDLY_ITEM, max_size=3)},
    optional={"c": SCALARS, "obj": st.none() | st.fixed_dictionaries({"a": NUMBERS, "b": NUMBERS}, optional={"list": st.lists(NUMBERS, max_size=2)})},
)
RECORDS = FRIENDLY | objects(VALUES)
PATHS = st.sampled_from(["a", "b", "c", "list", "obj", "obj.a", "obj.b", "obj.list", "list[0]", "list[0].a", "list[-1].b", "obj.list[1]"])
ITEM_PATHS = st.sampled_from([".", "a", "b", "c", "obj.a", "a", "b"])
STEPS = st.fixed_dictionaries(
    {},
    optional={
        "apply": st.lists(st.sampled_from(["strip", "lower", "upper", "casefold", "title", "flip"]), max_size=3),
        "lookup": st.just("table"),
        "to": st.sampled_from(["decimal", "str", "int", "decimal"]),
        "default": st.integers(0, 3),
        "nullable": st.booleans(),
    },
)


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    tree = dict(draw(st.just({}) | STEPS))
    if "lookup" in tree:
        tree["otherwise"] = draw(st.sampled_from(["error", "keep", {"value": 5}]))
    if tree.get("to") == "decimal" and draw(st.booleans()):
        tree["scale"] = draw(st.integers(0, 3))
    if tree.get("to") == "decimal" and draw(st.booleans()):
        tree["float"] = "shortest"
    if "default" in tree and tree.get("to") == "str":
        tree["default"] = str(tree["default"])
    return tree


@st.composite
def rules(draw: st.DrawFn, paths: st.SearchStrategy[str], depth: int, field: bool) -> Any:
    kinds = ["path", "from", "value"] + (["add", "subtract", "multiply", "concat", "coalesce", "sum", "count", "first", "last"] if depth else [])
    kinds += ["each", "nested", "based"] if field and depth else []
    kind = draw(st.sampled_from(kinds))
    if kind == "path":
        return draw(paths)
    if kind == "value":
        return {"value": draw(st.integers(0, 9) | st.sampled_from(["7", "0.5"]))}
    tree: dict[str, Any] = draw(steps())
    if kind == "from":
        tree["from"] = draw(paths)
    elif kind in ("add", "subtract", "multiply", "concat", "coalesce"):
        tree[kind] = draw(st.lists(rules(paths, depth - 1, False) | st.integers(0, 9), min_size=2, max_size=3))
    elif kind in ("sum", "count", "first", "last"):
        tree[kind] = draw(paths | rules(paths, depth - 1, False).filter(lambda rule: isinstance(rule, dict)))
        if kind != "count" and draw(st.booleans()):
            tree["of"] = draw(rules(ITEM_PATHS, depth - 1, False))
    else:
        tree = {key: tree[key] for key in tree if key in ("nullable",)}
        inner = ITEM_PATHS.filter(lambda path: path != ".") if kind != "nested" else paths.filter(lambda path: path != ".")
        tree["fields"] = draw(mappings(inner, depth - 1))
        if kind == "each":
            tree["each"] = draw(paths)
        elif kind == "based":
            tree["from"] = draw(paths)
        else:
            tree = {"fields": tree["fields"]}
            return tree
    if field and "default" not in tree and draw(st.booleans()):
        tree["optional"] = True
    return tree


def mappings(paths: st.SearchStrategy[str], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(["x", "y", "z"]), rules(paths, depth, True), min_size=1, max_size=3)


def flip(text: Any) -> Any:
    if not isinstance(text, str):
        raise TypeError(text)
    return text[::-1] or None


def same(left: Any, right: Any) -> bool:
    """By value and type, and by the digits of a Decimal. NaN equals NaN."""
    if isinstance(right, dict):
        return isinstance(left, dict) and list(left) == list(right) and all(same(left[key], right[key]) for key in right)
    if isinstance(right, list):
        return isinstance(left, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(right, float | Decimal) and right != right:
        return bool(left != left)
    return type(left) is type(right) and str(left) == str(right)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(fields=mappings(PATHS, 3), records=st.lists(RECORDS, min_size=1, max_size=5))
def test_compiled_is_the_reference(fields: dict[str, Any], records: list[dict[str, Any]]) -> None:
    mapping = Mapping({"fields": fields, "lookups": {"table": TABLE}}, functions={"flip": flip})
    for record in records:
        try:
            with localcontext(Context(prec=3000)):
                expected = ref_fields(fields, record, False)
        except Bad:
            with pytest.raises(MappingError) as caught:
                mapping(record)
            assert caught.value.errors
            assert all(error.reason and error.target for error in caught.value.errors)
        else:
            assert same(mapping(record), expected), mapping.source()
            # The careful pass alone gives the same: it is what decides when the fast one gives up.
            assert same(mapping._carefully(record), expected)


@settings(max_examples=200, deadline=None)
@given(fields=mappings(PATHS, 3), records=st.lists(RECORDS, max_size=4))
def test_documents_and_covers_everything(fields: dict[str, Any], records: list[dict[str, Any]]) -> None:
    mapping = Mapping({"fields": fields, "lookups": {"table": TABLE}}, functions={"flip": flip})
    assert "```mermaid" in mapping.document()
    found = mapping.coverage(records)
    assert found.records == len(records)
    assert str(found).startswith(f"{len(records)} records")


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(st.tuples(st.decimals(0, 10**9, places=4), st.integers(0, 10**6), st.decimals(0, 1, places=3)), max_size=30),
    precision=st.integers(1, 40),
)
def test_totals_are_exact_whatever_the_context(lines: list[tuple[Decimal, int, Decimal]], precision: int) -> None:
    of = {"multiply": ["price", "quantity", {"subtract": [1, "discount"]}]}
    mapping = Mapping({"fields": {"exact": {"sum": "lines", "of": of}, "total": {"sum": "lines", "of": of, "to": "decimal", "scale": 2}}})
    record = {"lines": [{"price": price, "quantity": quantity, "discount": discount} for price, quantity, discount in lines]}
    true = sum((Fraction(price) * quantity * (1 - Fraction(discount)) for price, quantity, discount in lines), Fraction(0))
    with localcontext(Context(prec=precision)):
        result = mapping(record)
    assert Fraction(result["exact"]) == true
    assert Fraction(result["total"]) == Fraction(round(true * 100), 100)
    assert result["total"] == result["exact"].quantize(Decimal("0.01"), ROUND_HALF_EVEN, Context(prec=100))


@given(segments=st.lists(st.text(min_size=1) | st.integers(-999, 999), min_size=1, max_size=4), value=st.integers())
def test_any_key_can_be_named_in_a_path(segments: list[Any], value: int) -> None:
    path = "".join(
        f"[{segment}]" if isinstance(segment, int) else ("." if index else "") + '"' + segment.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for index, segment in enumerate(segments)
    )
    record: Any = value
    for segment in reversed(segments):
        record = {segment: record} if isinstance(segment, str) else [record] * abs(segment + (segment >= 0))
    mapping = (
        Mapping({"fields": {"it": {"from": "root", "fields": {"it": {"coalesce": [path, {"value": "missing"}]}}}}})
        if isinstance(segments[0], str)
        else None
    )
    if mapping is not None:
        assert mapping({"root": record}) == {"it": {"it": value}}


@given(names=st.lists(st.text(), min_size=1, max_size=4, unique=True))
def test_any_name_is_only_ever_a_name(names: list[str]) -> None:
    fields = {name: {"value": index} for index, name in enumerate(names)}
    mapping = Mapping({"fields": fields, "source": names[0], "target": names[-1]})
    assert mapping({}) == {name: index for index, name in enumerate(names)}
    assert mapping.version == Mapping({"target": names[-1], "source": names[0], "fields": dict(reversed(fields.items()))}).version
    assert mapping.document()
