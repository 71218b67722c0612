"""What the options of a rule have in common: null_values, the tables for editors, what is said of a conversion."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse

from integrakit.transform.conversions import CONVERSIONS, OPTION_TYPES, TYPES, build
from integrakit.transform.conversions.target_types import Mistake
from integrakit.transform.grammar import KINDS
from integrakit.transform.options import CONVERSION_OPTIONS


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("", None),
        ("N/A", None),
        (0, None),
        (0.0, None),
        (Decimal("0.00"), None),
        ("n/a", "n/a"),
        (" ", " "),
        ("0", "0"),
        (1, 1),
        (True, True),
        (False, False),
        ([], []),
    ],
)
def test_null_values(value: Any, result: Any) -> None:
    assert convert(value, null_values=["", "N/A", 0]) == result


def test_null_values_of_hostile_records() -> None:
    for value in hostile():
        assert convert(value, null_values=["", "N/A", 0]) is value


def test_null_values_come_after_apply_and_before_to() -> None:
    options = {"apply": ["strip"], "null_values": ["0000-00-00"], "to": "date"}
    assert convert(" 0000-00-00 ", **options) is None
    assert str(convert(" 2024-01-01 ", **options)) == "2024-01-01"
    assert str(convert("0000-00-00", **options, default="1970-01-01", nullable=False)) == "1970-01-01"
    assert refuse("0000-00-00", **options, nullable=False) == "null is not allowed here"
    assert convert(Decimal("1e999999"), null_values=[1]) == Decimal("1e999999")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"null_values": ""}, "null_values is a list of what stands for null, not ''"),
        ({"null_values": []}, "not a list of 0"),
        ({"null_values": [None]}, "has null"),
        ({"null_values": [0.5]}, "has 0.5"),
        ({"one_of": ["a"]}, "one_of belongs to to = 'enum', which is missing"),
        ({"to": "int", "format": "%d"}, "format has no meaning with to = 'int'"),
        ({"to": "str", "max_lenght": 4}, "unknown option 'max_lenght': did you mean 'max_length'?"),
        ({"to": "email", "float": "shortest"}, 'float = "shortest"'),
    ],
)
def test_mistakes(options: Any, reason: str) -> None:
    assert reason in mistake(**options)


def test_the_tables_agree() -> None:
    assert {to: tuple(options) for to, options in OPTION_TYPES.items()} == CONVERSIONS
    assert set(CONVERSION_OPTIONS) == {option for options in CONVERSIONS.values() for option in options} | {"null_values"}
    assert json.loads(json.dumps(OPTION_TYPES)) == OPTION_TYPES
    for options in OPTION_TYPES.values():
        for schema in options.values():
            assert schema.keys() & {"type", "enum", "const", "anyOf"}


#: An example of each option, as a mapping would say it.
EXAMPLES: dict[str, dict[str, Any]] = {
    "str": {"float": "shortest", "max_length": 9, "min_length": 1, "too_long": "cut", "width": 4, "fill": "0", "pattern": "x*"},
    "int": {"decimal_mark": ",", "group_mark": ".", "negative": ["trailing"], "percent": "number"},
    "float": {"decimal_mark": ",", "group_mark": ".", "negative": "trailing", "percent": "number"},
    "decimal": {
        "scale": 2,
        "rounding": "half-up",
        "float": "shortest",
        "decimal_mark": ",",
        "group_mark": ".",
        "negative": "trailing",
        "percent": "number",
    },
    "bool": {"true_values": ["J"], "false_values": ["N", 0]},
    "date": {"timezone": "UTC", "format": ["%d.%m.%Y", "iso8601"], "float": "shortest", "write": "%d"},
    "datetime": {"timezone": "UTC", "fold": "later", "gap": "error", "epoch": "s", "float": "shortest", "write": "epoch_ms"},
    "time": {"timezone": "UTC", "format": "%H:%M", "write": "%H"},
    "duration": {"unit": "hours", "clock": "h:m", "float": "shortest", "write": "hours", "scale": 2, "rounding": "up"},
    "enum": {"one_of": ["a", 1], "ignore_case": True},
    "phone": {"region": "DE", "write": "E164"},
    "country": {"write": "alpha-3"},
    "currency": {"numeric": True},
    "email": {},
    "uuid": {"write": "hex"},
}


@pytest.mark.parametrize("to", EXAMPLES)
def test_every_option_can_be_given_and_is_told(to: str) -> None:
    conversion = build(to, EXAMPLES[to])
    assert conversion.words.startswith(to)
    assert len(conversion.words.split(", ")) >= 1 + len(EXAMPLES[to])
    assert conversion.options == EXAMPLES[to]
    assert not conversion.inline or set(EXAMPLES[to]) <= {"scale", "rounding", "float", "timezone"}


@pytest.mark.parametrize("to", EXAMPLES)
def test_every_option_refuses_what_it_does_not_know(to: str) -> None:
    values: list[Any] = [None, [], {}, {"a": 1}, 10**400, Decimal("1.5"), [[]], [{}], "x" * 2_000_000]
    for name, option in TYPES[to].options.items():
        for value in values:
            with pytest.raises(Mistake, match=name) as caught:
                option.read(name, value)
            assert len(str(caught.value)) < 600


def test_plain_forms_may_be_written_inline() -> None:
    assert [to for to in EXAMPLES if to != "enum" and build(to, {}).inline] == ["str", "int", "decimal", "bool", "date"]
    assert build("decimal", {"scale": 2}).inline
    assert (build("decimal", {"scale": 2}).scale, build("decimal", {"scale": 2}).rounding) == (2, "half-even")
    assert build("date", {"timezone": "UTC"}).inline
    for to, options in (("str", {"max_length": 3}), ("int", {"group_mark": ","}), ("date", {"format": "%d%m%Y"}), ("date", {"write": "%d"})):
        assert not build(to, options).inline
    assert build("decimal", {"scale": 2}, shortest=True).words == "decimal, scale 2, rounding half-even, floats by their shortest text"


@pytest.mark.parametrize(
    ("to", "options", "gives"),
    [
        ("date", {}, "date"),
        ("date", {"write": "%d"}, "str"),
        ("datetime", {"write": "epoch_s"}, "int"),
        ("duration", {}, "duration"),
        ("duration", {"write": "hours"}, "int"),
        ("duration", {"write": "hours", "scale": 1}, "decimal"),
        ("enum", {"one_of": [1]}, "int"),
        ("enum", {"one_of": ["a"]}, "str"),
        ("enum", {"one_of": ["a", 1]}, ""),
        ("uuid", {}, "uuid"),
        ("uuid", {"write": "hex"}, "str"),
        ("phone", {}, "str"),
    ],
)
def test_what_comes_out_is_told(to: str, options: Any, gives: str) -> None:
    assert build(to, options).gives == gives


def test_no_option_means_something_else_beside_some_kind_of_rule() -> None:
    own = {option for kind in KINDS.values() for option in kind.options if kind.name != "value"}
    # Arithmetic over lists rounds by the same options with the same meaning.
    assert (set(KINDS) | own) & set(CONVERSION_OPTIONS) <= {"scale", "rounding", "float"}
