"""Records into attrs classes: nothing is bent to fit, and what does not fit is named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import attrs
import pytest
from attrs import validators

from integrakit._convert import structure
from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.records import structured


def fits(kind: Any, value: Any) -> Any:
    return structure({"x": value}, attrs.make_class("Made", {"x": attrs.field(type=kind)}), "record 3").x


@attrs.frozen
class Node:
    name: str
    below: list[Node] = attrs.Factory(list)


@attrs.frozen
class Paid:
    amount: Decimal


@attrs.frozen
class Refused:
    reason: str


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        (list[str], ["a"], ["a"]),
        (list, [1, "a", None], [1, "a", None]),
        (list[list[int]], [[1], []], [[1], []]),
        (Sequence[int], [1], (1,)),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[int], [1, 2], {1, 2}),
        (frozenset[str], ["a"], frozenset("a")),
        (dict[str, Decimal], {"a": 1.1, "b": "2"}, {"a": Decimal("1.1"), "b": Decimal("2")}),
        (int | None, None, None),
        (list[int] | None, [1], [1]),
        (int | str, "1", "1"),
        (Decimal | None, 0.1, Decimal("0.1")),
        (Paid | Refused, {"reason": "x"}, Refused("x")),
        (bytes, "aGk=", b"hi"),
        (bytes, b"hi", b"hi"),
        (float, 1, 1.0),
        (float, Decimal("0.1"), 0.1),
        (date, "2026-01-02", date(2026, 1, 2)),
        (date, date(2026, 1, 2), date(2026, 1, 2)),
        (datetime, datetime(2026, 1, 2), datetime(2026, 1, 2)),
        (time, "10:00", time(10)),
        (Any, {"a": [1]}, {"a": [1]}),
        (Node, {"name": "a", "below": [{"name": "b", "below": [{"name": "c"}]}]}, Node("a", [Node("b", [Node("c")])])),
    ],
)
def test_what_fits(kind: Any, value: Any, made: Any) -> None:
    found = fits(kind, value)
    assert found == made
    assert type(found) is type(made)


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        (list[str], "abc", "x"),
        (list[str], {"a": 1}, "x"),
        (list[str], b"abc", "x"),
        (list[str], ["a", 5], "x[1]"),
        (list, "abc", "x"),
        (Sequence[str], "abc", "x"),
        (set[str], "abc", "x"),
        (set[Any], [[1]], "x"),
        (tuple[str, ...], "abc", "x"),
        (tuple[str, str], "ab", "x"),
        (tuple[int, str], [1], "x"),
        (tuple[int, str], [1, "a", 2], "x"),
        (tuple[int, str], [1, 2], "x[1]"),
        (dict[str, int], [], "x"),
        (dict[str, int], {"a": "1"}, "x[a]"),
        (int | str, 1.5, "x"),
        (Paid | Refused, {"other": 1}, "x"),
        (bytes, "a-b!", "x"),
        (bytes, 5, "x"),
        (float, Decimal("1e400"), "x"),
        (float, 10**400, "x"),
        (date, datetime(2026, 1, 2), "x"),
        (datetime, date(2026, 1, 2), "x"),
        (datetime, 5, "x"),
        (time, None, "x"),
        (Decimal, Decimal("Infinity"), "x"),
        (Decimal, "", "x"),
        (Node, {"name": "a", "below": [{"name": "b", "below": [{"name": 5}]}]}, "x.below[0].below[0].name"),
    ],
)
def test_what_does_not_fit_is_not_bent(kind: Any, value: Any, path: str) -> None:
    with pytest.raises(DecodeError, match="record 3 does not fit Made at ") as caught:
        fits(kind, value)
    assert caught.value.path == path
    assert caught.value.record == {"x": value}
    assert caught.value.__cause__ is not None


@attrs.frozen
class Checked:
    status: str = attrs.field(validator=validators.in_(["open", "paid"]))
    amount: int = attrs.field(default=1, validator=validators.gt(0))


def test_validators_speak_in_words() -> None:
    with pytest.raises(DecodeError) as caught:
        structure({"status": "lost"}, Checked, "record 3")
    assert caught.value.path == "status"
    assert str(caught.value).endswith("at status: 'status' must be in ['open', 'paid'] (got 'lost')")
    with pytest.raises(DecodeError, match="'amount' must be > 0: 0"):
        structure({"status": "open", "amount": 0}, Checked, "record 3")
    with pytest.raises(DecodeError) as caught:
        structure([{"status": "lost"}], list[Checked], "record 3")
    assert caught.value.path == "[0].status"


@pytest.mark.parametrize("kind", [range, object, complex])
def test_a_class_that_nothing_can_be_made_into_is_the_callers_mistake(kind: Any) -> None:
    made = attrs.make_class("Made", {"x": attrs.field(type=kind)})
    with pytest.raises(ConfigurationError, match="into=Made"):
        structure({"x": 1}, made, "record 3")
    with pytest.raises(ConfigurationError, match="into=Made"):
        structured([{"x": 1}], made, 0, lambda record, problem: None)


def test_missing_fields_and_odd_roots() -> None:
    with pytest.raises(DecodeError, match="at name: no 'name'"):
        structure({}, Node, "record 3")
    with pytest.raises(DecodeError, match="at its root: str where int was agreed"):
        structure("5", int, "record 3")
    assert structure({"name": "a", "more": 1}, Node, "record 3") == Node("a")


def test_a_path_goes_through_objects_and_lists() -> None:
    with pytest.raises(DecodeError) as caught:
        fits(dict[str, list[Node]], {"k": [{"name": "a"}, {"name": None}]})
    assert caught.value.path == "x[k][1].name"
