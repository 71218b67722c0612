"""JSON on the wire is exact; what stores keep comes back; fingerprints are the same for the same content and for nothing else."""

from __future__ import annotations

import json
import string
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from integrakit._json import canonical, dumps, loads, pack, unpack
from integrakit.unset import UNSET

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False) | st.builds(
    lambda digits, exponent: Decimal((0, digits, exponent)), st.lists(st.integers(0, 9), min_size=1, max_size=60).map(tuple), st.integers(-5000, 5000)
)
TEXT = st.text() | st.text(alphabet=string.hexdigits + '".$\\') | st.just("$")
WIRE = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(alphabet=string.printable) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def is_told_apart(moment: datetime) -> bool:
    """Not one that the clocks show twice or never: Python calls such a moment unlike any other of another zone (PEP 495)."""
    return moment.utcoffset() == moment.replace(fold=1 - moment.fold).utcoffset()


MOMENTS = st.datetimes(timezones=st.none() | st.timezones())
ANY_TEXT = TEXT | st.text(alphabet=st.characters(categories=["Cs", "L"]))
SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | ANY_TEXT
    | st.decimals(allow_nan=False)
    | MOMENTS.filter(is_told_apart)
    | st.dates()
    | st.times()
    | st.timedeltas(timedelta(-(10**6)), timedelta(10**6))
    | st.binary(max_size=8)
    | st.uuids()
    | st.just(UNSET)
)
KEYS = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner), max_leaves=4)
STORED: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(ANY_TEXT, inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.fixed_dictionaries({"$": st.sampled_from(["items", "dict", "tuple", "decimal", "unset", "datetime"]) | inner, "v": inner})
    ),
    max_leaves=12,
)


@given(WIRE)
def test_numbers_go_out_with_exactly_their_value(value: Any) -> None:
    written = dumps(value)
    assert json.loads(written, parse_float=Decimal) == value
    assert loads(written, decimals=True) == value


@given(NUMBERS)
def test_a_decimal_on_its_own(number: Decimal) -> None:
    assert Decimal(dumps(number).decode()) == number
    assert unpack(pack(number)).as_tuple() == number.as_tuple()


@given(MOMENTS)
def test_a_moment_keeps_its_instant_and_its_clock(moment: datetime) -> None:
    again = unpack(pack(moment))
    assert again.replace(tzinfo=None, fold=0) == moment.replace(tzinfo=None, fold=0)
    assert again.utcoffset() == moment.utcoffset()
    assert canonical(again) == canonical(moment)


def shuffled(value: Any) -> Any:
    """The same content, the fields of every object in another order."""
    if isinstance(value, dict):
        return {name: shuffled(item) for name, item in reversed(list(value.items()))}
    return type(value)(map(shuffled, value)) if isinstance(value, list | tuple) else value


@given(STORED)
def test_stores_give_back_what_they_took(value: Any) -> None:
    again = unpack(pack(value))
    assert again == value
    assert pack(again) == pack(value)
    assert type(again) is type(value)


@given(STORED)
def test_a_fingerprint_does_not_depend_on_the_order_of_fields(value: Any) -> None:
    assert canonical(shuffled(value)) == canonical(value)
    assert canonical(unpack(pack(value))) == canonical(value)


@given(STORED, STORED)
def test_a_fingerprint_is_of_one_content_only(one: Any, other: Any) -> None:
    assert unpack(canonical(one)) == one
    if canonical(one) == canonical(other):
        assert one == other


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:0123456789.eE+-nulNaI \\u', max_size=60).map(str.encode))
def test_any_bytes_are_json_or_a_value_error(body: bytes) -> None:
    for decimals in (True, False):
        try:
            value = loads(body, decimals=decimals)
        except ValueError:
            continue
        assert unpack(pack(value)) == value
