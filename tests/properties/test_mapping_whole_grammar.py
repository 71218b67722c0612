"""Random mappings of the whole grammar, on records that mostly fit: where the generated code gives a result, it is the careful pass's.

Every kind of rule, every option and every type of ``to`` is in here; a new one that is not fails the last test.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.errors import ConfigurationError, MappingError
from integrakit.money import Money
from integrakit.transform import Mapping
from integrakit.transform.careful import CarefulPass
from integrakit.transform.conversions import CONVERSIONS
from integrakit.transform.grammar import ALL, KINDS
from integrakit.unset import UNSET

D = Decimal
Tree = dict[str, Any]

# ---------------------------------------------------------------- what may be read, by the place where the paths start

COMMON = {"flag": ["$.flag"], "day": ["$.day"], "at": ["$.at"], "naive": ["$.naive"], "obj": ["$.cust"], "nums": ["$.nums"], "texts": ["$.tags"]}
PATHS: dict[str, dict[str, list[str]]] = {
    "record": {
        "num": ["num", "id", "cust.lat", "nums[0]", "lines[0].net", "'a key.dot'[-1]"],
        "text": ["text", "code", "csv", "cust.city", "lines[0].sku", "note"],
        "list": ["lines", "rows"],
        "any": ["note", "null", "nope", "cust.nope.x", "matrix", "flt", "price"],
    },
    "line": {
        "num": ["net", "qty", "$.num"],
        "text": ["sku", "kind", "$.text", "note"],
        "list": ["subs", "$.rows"],
        "any": ["note", "nope", "code", "$"],
    },
    "sub": {"num": ["v", "n", "$.num"], "text": ["t", "$.code"], "list": ["$.lines"], "any": ["nope", "t"]},
    "row": {"num": ["v", "w"], "text": ["t", "c"], "list": ["$.lines"], "any": ["k", "nope"]},
    "group": {"num": ["w", "$.num"], "text": ["c", "$.text"], "list": ["rows", "$.lines"], "any": ["k", "nope"]},
    "pair": {"num": ["l.net", "s.v"], "text": ["l.sku", "s.t"], "list": ["l.subs"], "any": ["l.note", "s.nope"]},
    "plain": {"num": ["."], "text": ["."], "list": ["$.lines"], "any": ["."]},
}
ITEMS = {"lines": "line", "rows": "row", "subs": "sub"}
WEIGHTS = {"line": "w", "row": "w", "sub": "n", "pair": "s.n"}
CONVERTED: dict[str, list[Tree]] = {
    "num": [
        *(
            {"to": "str", **more}
            for more in ({"max_length": 3, "too_long": "cut"}, {"width": 9, "fill": " "}, {"min_length": 1, "pattern": "[-0-9.]+"})
        ),
        *({"to": "decimal", **more} for more in ({"scale": 2}, {"scale": 0, "rounding": "half-up"}, {"scale": 3, "rounding": "exact"}, {})),
        *({"to": "money", "currency": "EUR", **more} for more in ({}, {"rounding": "half-up"}, {"unit": "minor"})),
        *(
            {"to": "minor", **more}
            for more in ({"currency": {"from": "$.cur"}, "rounding": "up"}, {"currency": "POINTS", "digits": 0, "rounding": "down"})
        ),
        {"to": "int", "decimal_mark": ","},
        {"to": "float"},
    ],
    "text": [{"to": "str", "null_values": ["", "x"]}, {"to": "enum", "one_of": ["a", "foo", "item"], "ignore_case": True}],
    "flag": [{"to": "bool"}, {"to": "bool", "true_values": ["J"], "false_values": ["N", ""]}],
    "day": [{"to": "date"}, {"to": "date", "write": "%d.%m.%Y"}, {"to": "date", "format": ["iso8601", "%d.%m.%Y"]}],
    "at": [{"to": "date", "timezone": "Europe/Berlin"}, {"to": "datetime"}, {"to": "datetime", "timezone": "UTC", "write": "epoch_ms"}],
    "naive": [{"to": "datetime", "timezone": "Europe/Berlin", "fold": "later", "gap": gap} for gap in ("earlier", "error")] + [{"to": "time"}],
}
SPECIAL: list[Tree] = [
    {"from": "$.epoch", "to": "datetime", "epoch": "s", "timezone": "America/New_York"},
    {"from": "$.dur", "to": "duration", "clock": "h:m", "write": "hours", "scale": 2},
    {"from": "$.id", "to": "duration", "unit": "hours"},
    {"from": "$.country", "to": "country", "write": "alpha-3"},
    {"from": "$.cur", "to": "currency", "numeric": True},
    {"from": "$.email", "to": "email"},
    {"from": "$.uuid", "to": "uuid", "write": "hex"},
    {"from": "$.phone", "to": "phone", "region": "DE"},
    {"from": "$.de", "to": "decimal", "decimal_mark": ",", "group_mark": ".", "negative": "trailing"},
    {"from": "$.percent", "to": "decimal", "percent": "fraction"},
    {"from": "$.flt", "to": "decimal", "float": "shortest"},
    {"from": "$.price.amount", "to": "str", "back": "keep"},
]
LOOKED: list[Tree] = [
    {"lookup": "plain", "otherwise": "keep"},
    {"lookup": "wide", "column": "n", "otherwise": {"value": [1]}},
    {"lookup": "dated", "at": "$.day", "otherwise": {"from": "$.nope", "default": 1}},
    {"lookup": "call"},
]
SCHEMA = jsonschema.Draft202012Validator(Mapping.schema())
QUERIES = ["lines[0].sku", "length(lines)", "max_by(lines, &qty).sku", "nope"]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "pair": lambda one, other: [one, other],
    "gone": lambda one, other: UNSET if isinstance(one, str) else None if one == other else one,
    "picky": lambda value: {"x": None, "": UNSET}.get(value, value) if isinstance(value, str) else value + 0,
}
TABLES: Tree = {
    "lookups": {"plain": {"A": "one", "1": 5, "item": None}},
    "tables": {
        "wide": {"key": "k", "ignore_case": True, "rows": [{"k": "a", "n": 1}, {"k": "ITEM", "n": [1, {"x": 2}]}]},
        "dated": {"key": "k", "value": "v", "valid_from": "f", "rows": [{"k": "A", "f": "2020-07-01", "v": "16"}, {"k": "x", "v": 1}]},
    },
}
LOOKUPS = {"call": lambda value: {"at": value} if value != "x" else UNSET}


class Maker:
    """Trees and records out of one source of chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.one: Callable[[Any], Any] = self.chance.choice

    def maybe(self, part: float) -> bool:
        return self.chance.random() < part

    # ------------------------------------------------------------ rules

    def path(self, kind: str, scope: str) -> str:
        known = {**COMMON, **PATHS[scope]}
        return str(self.one(known[kind if self.maybe(0.97) else self.one(list(known))]))

    def condition(self, scope: str) -> str:
        num, text, other = (self.path(kind, scope) for kind in ("num", "text", "any"))
        basic = [
            f"number({num}) > 2.50",
            f"{text} in ['A', 'item']",
            f"{other} is not null",
            "$.flag",
            f"not {text} starts with 'a'",
            "'a' in $.tags",
        ]
        basic += [
            "date($.day) < '2024-01-31'",
            "datetime($.at) >= '2024-02-01T00:00:00Z'",
            f"lower({text}) == 'foo' or length($.tags) > 1",
            f"{num} == 1",
        ]
        return str(self.one(basic)).replace("'a key.dot'", "`a key.dot`")

    def operand(self, kind: str, scope: str, depth: int) -> Any:
        return self.path(kind, scope) if depth <= 0 or self.maybe(0.5) else self.rule(kind, scope, depth - 1, field=False)

    def items(self, scope: str, depth: int, kind: str = "list") -> tuple[Any, str]:
        path = self.path(kind, scope)
        item = ITEMS.get(path.rpartition(".")[2], "plain")
        if depth > 0 and self.maybe(0.2):
            return ({"flatten": [path, "subs"]}, "sub") if item == "line" else ({"values": path}, item)
        return path, item

    def walked(self, tree: Tree, item: str, depth: int, *, sort: bool = True) -> Tree:
        if self.maybe(0.3):
            tree["where"] = self.condition(item)
        if sort and self.maybe(0.4):
            tree["sort"] = [{"from": self.path("num", item), "to": "decimal"}, self.operand("text", item, min(depth, 1))]
            if self.maybe(0.6):
                tree["descending"] = self.one([True, [False, True]])
        return tree

    def over(self, name: str, kind: str, scope: str, depth: int, *, sort: bool = False) -> Tree:
        path, item = self.items(scope, depth)
        tree = {name: path} if name == "count" else {name: path, "of": self.operand(kind, item, depth - 1)}
        return self.walked(tree, item, depth, sort=sort)

    def source(self, kind: str, scope: str, depth: int) -> Tree:
        """A rule without steps."""
        plain = {"from": self.path(kind if kind in (*COMMON, *PATHS[scope]) else "any", scope)}
        made: list[Callable[[], Tree]] = [
            lambda: plain,
            lambda: {"coalesce": [self.operand(self.one([kind, "any"]), scope, depth), self.operand(kind, scope, depth)]},
            lambda: {"cases": [{**plain, "when": self.condition(scope)}, {"from": self.path(kind, scope)}]},
            lambda: {"call": self.one(["pair", "gone"]), "with": [self.operand(kind, scope, depth), self.operand("any", scope, 0)]},
        ]
        if kind == "num":
            names = ("add", "subtract", "multiply", "divide")
            made += [lambda: {self.one(names): [self.operand("num", scope, depth), self.one([2, D("1.10"), self.operand("num", scope, depth)])]}] * 3
            made += [lambda: self.over(self.one(["sum", "average", "min", "max", "count"]), "num", scope, depth)] * 4
            made += [lambda: {**self.over("residue", "num", scope, depth), "scale": 1, "rounding": self.one(["half-up", "down"])}]
        elif kind == "text":
            made += [lambda: {"concat": [self.operand("text", scope, depth), {"value": "-"}, self.operand("num", scope, depth)]}]
            made += [lambda: self.over(self.one(["first", "last"]), "text", scope, depth, sort=True), lambda: {"jmespath": self.one(QUERIES)}]
            made += [lambda: {"split": self.operand("text", scope, depth), "by": ",", "index": self.one([0, -1, 3]), "strip": True, "parts": 3}]
            made += [lambda: {"join": [self.operand("text", scope, depth), self.path("any", scope)], "by": ", ", "skip": self.one(["null", "empty"])}]
        elif kind == "texts":
            made += [lambda: {**self.over("values", "text", scope, depth, sort=True), "distinct": self.maybe(0.5)}]
            made += [lambda: {"list": [self.operand("text", scope, depth), self.path("any", scope)], "skip": self.one(["missing", "null"])}]
            made += [lambda: {"flatten": "$.matrix"}, lambda: {"split": self.path("text", scope), "skip": "empty"}]
        tree: Tree = self.one(made)()
        return tree

    def rule(self, kind: str, scope: str, depth: int, *, field: bool = True) -> Tree:
        tree = dict(self.one(SPECIAL)) if self.maybe(0.08) else {"value": self.one([1, "k", [1, {"a": []}]])} if self.maybe(0.03) else {}
        if not tree:
            tree = self.source(kind, scope, depth)
            if "residue" not in tree:
                tree |= {"apply": [self.one(["strip", "upper", "squeeze", "picky"]), "picky"]} if kind == "text" and self.maybe(0.2) else {}
                tree |= self.one(LOOKED) if kind in ("text", "any") and self.maybe(0.2) else {}
                tree |= copy.deepcopy(self.one(CONVERTED[kind])) if kind in CONVERTED and self.maybe(0.3) else {}
        return tree if "value" in tree else self.ended(tree, scope, field=field)

    def ended(self, tree: Tree, scope: str, *, field: bool = True) -> Tree:
        if self.maybe(0.1) and "share" not in tree:
            tree["when"] = self.condition(scope)
        if field and self.maybe(0.2):
            tree["optional"] = True
        elif self.maybe(0.15):
            tree["default"] = None if "to" in tree or "share" in tree else self.one([None, 7, [1]])
        if self.maybe(0.1):
            tree["nullable"] = self.maybe(0.4)
        return tree | ({"on_error": "null", "doc": "what it is"} if field and self.maybe(0.06) else {})

    def field(self, scope: str, depth: int) -> Any:
        if scope in WEIGHTS and self.maybe(0.15):
            share = self.ended({"share": "$.amount", "by": WEIGHTS[scope], "scale": 2, **({"float": "shortest"} if self.maybe(0.3) else {})}, scope)
            return self.one([share, {"position": 10, "to": "str"}])
        if depth <= 0 or self.maybe(0.65):
            return self.rule(self.one(["num", "num", "text", "text", "texts", "any", *CONVERTED]), scope, depth)
        tree = self.one([self.nested, self.started, self.each, self.each, self.group, self.pairs, self.chosen])(scope, depth - 1)
        return tree if list(tree) == ["fields"] else self.ended(tree, scope)

    def nested(self, scope: str, depth: int) -> Tree:
        return {"fields": self.fields(scope, depth)}

    def started(self, scope: str, depth: int) -> Tree:
        return {"from": "$.cust", "fields": {"city": {"from": "city", "apply": ["strip"]}, "deep": {"fields": {"lat": "lat", "id": "$.id"}}}}

    def each(self, scope: str, depth: int) -> Tree:
        path, item = self.items(scope, depth)
        return self.walked({"each": path, "fields": self.fields(item, depth)}, item, depth)

    def group(self, scope: str, depth: int) -> Tree:
        fields = self.fields("group", depth)
        return self.walked({"group": "$.rows", "by": self.one(["k", ["k", "c"]]), "as": "rows", "fields": fields}, "row", depth)

    def pairs(self, scope: str, depth: int) -> Tree:
        names: Tree = {"as": ["l", "s"], **({"keep_empty": True} if self.maybe(0.3) else {})}
        return self.walked({"flatten": ["$.lines", "subs"], **names, "fields": self.fields("pair", depth)}, "pair", depth)

    def chosen(self, scope: str, depth: int) -> Tree:
        return {"cases": [{"when": self.condition(scope), "fields": {"a": self.path("any", scope)}}, {"from": self.path("num", scope)}]}

    def fields(self, scope: str, depth: int) -> Tree:
        return {name: self.field(scope, depth) for name in self.chance.sample(["a", "b c", "d.e", "ü", "for"], self.one([1, 1, 2, 3]))}

    def tree(self) -> Tree:
        return {"fields": self.fields("record", self.chance.randint(0, 3)), **copy.deepcopy(TABLES)}

    # ------------------------------------------------------------ records

    def number(self) -> Any:
        return self.one([self.chance.randint(-5, 2000), D(self.chance.randint(-5000, 9000)).scaleb(-2), "0.5", "1E+2", D("-0.00"), 1, D("2.50")])

    def some(self, make: Callable[[], Any]) -> list[Any]:
        return [make() for _ in range(self.one([0, 1, 2, 3, 4]))]

    def line(self) -> Tree:
        subs = self.some(lambda: {"n": self.chance.randint(0, 4), "v": self.number(), "t": self.one(["x", " Z "])})
        note = {"note": self.one([None, "x,y"])} if self.maybe(0.5) else {}
        item = {"sku": self.one(["A", "C 1"]), "kind": self.one(["item", "fee"]), "net": self.number(), "qty": self.chance.randint(0, 5)}
        return {**item, "w": self.chance.randint(0, 4), "code": self.one(["A", 1]), "subs": subs, **note}

    def row(self) -> Tree:
        key = self.one([1, D("1.00"), "1", True, None])
        return {"k": key, "c": f"c{type(key) is str}{key is None}{key is True}", "v": self.number(), "w": 1, "t": self.one("xy")}

    def record(self) -> Tree:
        one = self.one
        note = {"note": one(["x", None, ""])} if self.maybe(0.4) else {}
        moment = one(["2024-10-27T00:30:00Z", datetime(2024, 3, 31, 0, 59, tzinfo=UTC), "2024-02-29T23:30:00+02:00"])
        plain = {"id": self.chance.randint(1, 9), "num": self.number(), "text": one(["  Foo ", "x", "a,b,,c"]), "code": one(["A", "1", "Q"])}
        plain |= {"csv": one(["a,b", ""]), "day": one(["2024-02-29", date(2020, 6, 30)]), "at": moment, "flag": self.maybe(0.5), "null": None}
        plain |= {
            "naive": one(["2024-10-27T02:30", "2024-03-31 02:30", datetime(2024, 6, 1)]),
            "epoch": one([-1, "951782400"]),
            "dur": one(["01:30", "P3D"]),
        }
        plain |= {
            "country": one(["DE", "Germany"]),
            "cur": one(["EUR", "JPY", 978]),
            "email": "a@Shop.example",
            "uuid": UUID(int=7),
            "phone": "030 123456",
        }
        plain |= {
            "de": one(["1.234,50", "7,1-"]),
            "percent": "7 %",
            "flt": one([0.1, 1e-7]),
            "price": Money("9.80", "EUR"),
            "amount": one([D("100.00"), "-3.33", 0]),
        }
        lists = {"lines": self.some(self.line), "rows": self.some(self.row), "matrix": [[1], [2, 3], []], "tags": ["a", "b"][: one([0, 1, 2])]}
        return {**plain, **note, **lists, "nums": self.some(self.number), "cust": {"city": " Bonn", "lat": self.number()}, "a key.dot": [1, 2]}

    def spoilt(self) -> Tree:
        record = at = self.record()
        while True:
            key = self.one(list(at) if isinstance(at, dict) else range(len(at)))
            if isinstance(at[key], dict | list) and at[key] and self.maybe(0.8):
                at = at[key]
                continue
            at[key] = self.one(
                [None, UNSET, True, "", "x", -3, 1.5, float("nan"), D("sNaN"), [], [None], {}, {"a": 1}, b"x", 10**450, (1,), time(1), timedelta(1)]
            )
            return record


def built(tree: Tree) -> Mapping | None:
    """None for what the parser refuses: a few combinations are not allowed."""
    try:
        return Mapping(copy.deepcopy(tree), functions=FUNCTIONS, lookups=LOOKUPS)
    except ConfigurationError:
        return None


def spelled(value: Any) -> Any:
    """With types, digits and order."""
    if type(value) in (dict, list):
        return [(key, spelled(item)) for key, item in value.items()] if isinstance(value, dict) else [spelled(item) for item in value]
    if isinstance(value, Money):
        return Money, repr(value.amount), value.currency
    return (type(value), value.isoformat(), value.fold, str(value.tzinfo)) if isinstance(value, datetime) else (type(value), repr(value))


def outcome(mapping: Mapping, record: Any) -> str:
    """``fast`` and ``refused`` are as it should be; ``slow`` is right, and not what should be usual."""
    before = spelled(record)
    careful = CarefulPass()
    expected = careful.run(mapping._fields, record)
    try:
        found = mapping._mapped(record)
    except Exception:  # noqa: BLE001 - it may raise anything: that is its way to leave a record to the other pass
        return "refused" if careful.errors or careful.nulled else "slow"
    finally:
        assert spelled(record) == before
    assert not careful.errors, (careful.errors, record, mapping.source())
    assert not careful.nulled, (careful.nulled, record, mapping.source())
    assert spelled(found) == spelled(expected), (record, mapping.source())
    return "fast"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**48))
def test_both_passes_agree(seed: int) -> None:
    make = Maker(seed)
    mapping = built(make.tree())
    for record in [make.record(), make.record(), make.spoilt(), make.spoilt()] if mapping else []:
        outcome(mapping, record)  # type: ignore[arg-type]  # it is there


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**48))
def test_what_is_made_of_a_mapping_is_the_same_mapping(seed: int) -> None:
    make = Maker(seed)
    tree = make.tree()
    mapping = built(tree)
    if mapping is None:
        return
    plain = json.loads(json.dumps(tree, default=float))
    assert not list(SCHEMA.iter_errors(plain)), tree
    assert isinstance(mapping.document(), str)
    mirrored = Mapping(_turned(tree), functions=FUNCTIONS, lookups=LOOKUPS)
    assert mirrored.version == mapping.version
    assert not mapping.diff(mirrored)
    record = make.record()
    assert answer(mirrored, record)[1] == answer(mapping, record)[1] == answer(copy.deepcopy(mapping), record)[1]
    report = mapping.coverage([record])
    for name in [name for name in record if name in report.unused]:
        assert answer(mapping, {**record, name: UNSET})[0] == answer(mapping, record)[0], name


def _turned(tree: Any) -> Any:
    """The same with every table in the opposite order."""
    if isinstance(tree, dict):
        return {key: _turned(tree[key]) for key in reversed(tree)}
    return [_turned(item) for item in tree] if isinstance(tree, list) else tree


def answer(mapping: Mapping, record: Any) -> tuple[Any, Any]:
    """As it came, and in the order of names."""
    try:
        found = mapping(record)
    except MappingError as problem:
        errors = [(error.target, error.reason) for error in problem.errors]
        return errors, sorted(errors)
    return spelled(found), sorted(map(repr, spelled(_sorted(found))))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_everything_in_the_grammar_is_tried_and_runs_fast() -> None:
    tried: set[str] = set()
    fast: set[str] = set()
    outcomes: Counter[str] = Counter()
    for seed in range(180):
        make = Maker(seed)
        tree = make.tree()
        mapping = built(tree)
        if mapping is not None:
            found = outcome(mapping, make.record())
            outcomes[found] += 1
            words = set(_words(tree["fields"]))
            tried |= words
            fast |= words if found == "fast" else set()
    assert set(KINDS) <= fast, sorted(set(KINDS) - fast)
    assert set(ALL) <= tried, sorted(set(ALL) - tried)
    types = {f"to {name}" for name in CONVERSIONS}
    assert types <= tried, sorted(types - tried)
    assert outcomes["fast"] > 80
    assert outcomes["slow"] <= 2


def _words(tree: Any) -> Iterator[str]:
    """Every key of a tree, and every type of ``to``."""
    if isinstance(tree, dict):
        yield from tree
        yield f"to {tree.get('to')}"
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _words(item)
