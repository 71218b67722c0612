"""JSON on the wire and in stores: exact, strict, and with nothing that can be mistaken."""

from __future__ import annotations

import enum
import json
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs
import pytest

from integrakit import _json
from integrakit._json import canonical, dumps, loads, pack, unpack
from integrakit.errors import ConfigurationError
from integrakit.unset import UNSET


class Plain(enum.Enum):
    TEXT = "text"
    NUMBER = Decimal("1.50")


class Whole(enum.IntEnum):
    ONE = 1


@attrs.frozen
class Line:
    sku: str
    price: Any = None


class NaT(datetime):
    """As pandas has it."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = datetime.__hash__


NOT_A_TIME = NaT(1, 1, 1)

# ---------------------------------------------------------------------------------------------- the wire


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1.10"), "1.10"),
        (Decimal("-0"), "-0"),
        (Decimal("1E+2"), "100"),
        (Decimal("1E+400"), "1E+400"),
        (Decimal("1.5E-30"), "1.5E-30"),
        (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        ([Decimal("1"), {"a": Decimal("2.0")}], '[1,{"a":2.0}]'),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '"2026-01-02T03:04:05+00:00"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        (time(3, 4), '"03:04:00"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ([Plain.TEXT, Plain.NUMBER, Whole.ONE], '["text",1.50,1]'),
        (Line("a", Line("b", Decimal("1.0"))), '{"sku":"a","price":{"sku":"b","price":1.0}}'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        ((1, "ü", None, True), '[1,"ü",null,true]'),
        ({"b": 1, "a": 2}, '{"b":1,"a":2}'),
        (10**30, "1" + "0" * 30),
        ("", '""'),
    ],
)
def test_what_goes_out(value: Any, written: str) -> None:
    assert dumps(value) == written.encode()


def loop() -> Any:
    around: list[Any] = []
    around.append(around)
    return around


def deep() -> Any:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        {1},
        frozenset(),
        b"x",
        UNSET,
        object(),
        Line,
        timedelta(1),
        "\ud800",
        {"\udc00": 1},
        10**5000,
        {Decimal(1): 1},
        {float("nan"): 1},
        {(1,): 1},
        Line("a", UNSET),
        NOT_A_TIME,
        (each for each in ()),
        loop(),
        deep(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent as JSON"):
        dumps({"a": [value]})


def test_text_cannot_pose_as_a_number() -> None:
    for text in ("1.5", '"1.5"', f'"{"0" * 16}1.5"', '\\"1.5', "\\u0022" + "1", "1.5\x00"):
        body = {text: text, "d": Decimal("1.0")}
        assert json.loads(dumps(body)) == {text: text, "d": 1.0}
    # The marker is random for each process and never leaves it.
    assert re.fullmatch("[0-9a-f]{16}", _json._MARK)
    assert _json._MARK.encode() not in dumps([Decimal("1.0"), {"a": Decimal("1E+99")}])


def test_only_strict_json_comes_in() -> None:
    assert loads(b'{"a": [1, 1.5, null]}') == {"a": [1, 1.5, None]}
    assert loads('"\\ud800"') == "\ud800"
    assert loads("1.10", decimals=True) == Decimal("1.10")
    for text in ("", "NaN", "[Infinity]", "{'a': 1}", "1 2", "01", "1.", "[1,]", '"\t"', "nul"):
        for decimals in (True, False):
            with pytest.raises(ValueError):
                loads(text, decimals=decimals)


# ---------------------------------------------------------------------------------------------- stores

VALUES: list[Any] = [
    *(None, True, False, 0, 10**30, 1.5, float("inf"), "", "ü😀", "\ud800", "\ud83d\ude00", '"$"', "$"),
    *(Decimal("1.10"), Decimal("-0"), Decimal("1E+999"), Decimal("Infinity")),
    *(
        datetime(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, fold=1),
        datetime(1, 1, 1, 0, 0, 0, 1, timezone(timedelta(seconds=61))),
    ),
    *(date(2026, 1, 1), time(1, 2, 3, 4), time(1, tzinfo=UTC), time(1, fold=1), timedelta(-1, 5, 7)),
    *(b"", b"\x00\xff", UUID(int=7), UNSET, (), (1, (2, [3])), [], {}),
    *({"$": 1}, {"$": None}, {"$": "decimal", "v": "1"}, {"$": "dict", "v": {"$": 1}}, {"a": {"$": {"$": (1,)}}}, {"$": "unset"}),
    *({1: 2}, {None: 1, True: 2, "1": 3}, {(1, ("a", b"b")): {"$": 1}}, {Decimal("1.0"): 1}, {date(2026, 1, 1): [()]}, {UNSET: 1}, {"\ud800": 1}),
    [{"a": ({1: Decimal("1.0")},)}],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_stores_give_back_what_they_took(value: Any) -> None:
    again = unpack(pack(value))
    assert again == value
    assert repr(again) == repr(value)
    assert getattr(again, "fold", 0) == getattr(value, "fold", 0)


def test_what_equals_nothing_comes_back_too() -> None:
    assert repr(unpack(pack([float("nan"), -0.0, Decimal("NaN"), Decimal("sNaN12"), Decimal("-0.00")]))) == (
        "[nan, -0.0, Decimal('NaN'), Decimal('sNaN12'), Decimal('-0.00')]"
    )


def test_likenesses_come_back_plain() -> None:
    assert unpack(pack(bytearray(b"x"))) == b"x"
    assert unpack(pack(MappingProxyType({"a": (1,)}))) == {"a": (1,)}
    assert unpack(pack(Line("a", Decimal("1.0")))) == {"sku": "a", "price": Decimal("1.0")}
    assert type(unpack(pack(Whole.ONE))) is int
    assert list(unpack(pack({"b": 1, "a": (2,)}))) == ["b", "a"]


@pytest.mark.parametrize(
    "value",
    [
        *({1}, frozenset({1}), object(), Plain.TEXT, 1j, range(3), memoryview(b"x"), Line, NOT_A_TIME, 10**5000, {Line("a"): 1}, {(Line("a"),): 1}),
        *({frozenset(): 1}, loop(), deep()),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("write", [pack, canonical])
def test_what_stores_cannot_keep_is_said(write: Any, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"kept in a store|what a store keeps"):
        write([value])


def test_order_of_fields_does_not_matter_to_a_fingerprint() -> None:
    for one, other in (
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1, "b": ()}, {"b": (), "a": 1}),
        ({1: 1, 2: 2}, {2: 2, 1: 1}),
        ({"a": 1, 2: {3: 3, 4: [{5: 5, 6: 6}]}}, {2: {4: [{6: 6, 5: 5}], 3: 3}, "a": 1}),
        ({"$": {1: 1, 2: 2}, "x": 1}, {"x": 1, "$": {2: 2, 1: 1}}),
    ):
        assert canonical(one) == canonical(other)
        assert list(unpack(pack(one))) == list(one)


def test_different_values_have_different_fingerprints() -> None:
    values = [
        *VALUES,
        [1, 2],
        [2, 1],
        1,
        1.0,
        "1",
        Decimal("1"),
        Decimal("1.0"),
        {"$": "items", "v": [[2, 1], [1, 2]]},
        {"$": "items", "v": [[1, 2], [2, 1]]},
    ]
    assert len({canonical(value) for value in values}) == len(values)
    assert canonical("\ud83d\ude00") != canonical("😀")
