"""What ``to =`` makes of values, and what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from integrakit.errors import MappingError
from integrakit.transform import Mapping


def convert(value: Any, **options: Any) -> Any:
    mapping = Mapping({"fields": {"it": {"from": "a", **options}}})
    result = mapping({"a": value})["it"]
    # Both passes agree, whichever of them answered.
    careful = mapping._carefully({"a": value})["it"]
    assert (type(careful), str(careful)) == (type(result), str(result))
    return result


def refuse(value: Any, **options: Any) -> str:
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"it": {"from": "a", **options}}})({"a": value})
    (error,) = caught.value.errors
    assert (error.path, error.target) == ("a", "it")
    return error.reason


class Text(str):
    __slots__ = ()


class Whole(int):
    __slots__ = ()


class Real(float):
    __slots__ = ()

    def __repr__(self) -> str:
        return "Real"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (Text("a"), "a"),
        ("", ""),
        (5, "5"),
        (Whole(5), "5"),
        (10**1000, "1" + "0" * 1000),
        (True, "true"),
        (False, "false"),
        (Decimal("1.10"), "1.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("1E+500"), "1E+500"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 1, 2, tzinfo=UTC), "2024-02-29T01:02:00+00:00"),
        (time(1, 2), "01:02:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_str(value: Any, text: str) -> None:
    result = convert(value, to="str")
    assert result == text
    assert type(result) is str or isinstance(value, Text)


@pytest.mark.parametrize("value", [1.5, float("nan"), Decimal("NaN"), [], {}, b"x", object(), timedelta(1), pytest.param(10**5000, id="huge")])
def test_not_str(value: Any) -> None:
    assert refuse(value, to="str")


def test_a_float_is_text_only_by_its_shortest_text() -> None:
    assert 'float = "shortest"' in refuse(0.1, to="str")
    assert convert(0.1, to="str", float="shortest") == "0.1"
    assert convert(Real(0.1), to="str", float="shortest") == "0.1"
    assert refuse(float("inf"), to="str", float="shortest")


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (5, 5),
        (Whole(5), 5),
        ("5", 5),
        (" -5 ", -5),
        ("+5", 5),
        ("007", 7),
        (Text("5"), 5),
        (5.0, 5),
        (-0.0, 0),
        (2.0**53, 2**53),
        (Decimal("5.00"), 5),
        (Decimal("5E+2"), 500),
    ],
)
def test_int(value: Any, whole: int) -> None:
    result = convert(value, to="int")
    assert (type(result), result) == (int, whole)


@pytest.mark.parametrize(
    "value",
    [
        True,
        "",
        "5.0",
        "5.5",
        "1e3",
        "0x10",
        "1_000",
        "٣",
        "9" * 401,
        5.5,
        2.0**54,
        float("nan"),
        float("inf"),
        Decimal("5.5"),
        Decimal("NaN"),
        Decimal("1E+500"),
        [],
        b"5",
    ],
)
def test_not_int(value: Any) -> None:
    assert refuse(value, to="int")


@pytest.mark.parametrize(
    ("value", "real"), [(0.5, 0.5), (Real(0.5), 0.5), (5, 5.0), ("0.1", 0.1), ("1e3", 1000.0), (Decimal("0.1"), 0.1), (0, 0.0), ("0.0", 0.0)]
)
def test_float(value: Any, real: float) -> None:
    result = convert(value, to="float")
    assert (type(result), result) == (float, real)


@pytest.mark.parametrize(
    "value", [True, "", "x", "nan", float("nan"), float("inf"), 2**53 + 1, 10**350, 10**400, "1e400", "1e-400", Decimal("NaN"), [], None.__class__]
)
def test_not_float(value: Any) -> None:
    assert refuse(value, to="float")


@pytest.mark.parametrize(
    ("value", "number"), [("1.10", "1.10"), (" 1.10 ", "1.10"), ("1e3", "1E+3"), (5, "5"), (Whole(5), "5"), (Decimal("1.10"), "1.10"), ("-0", "-0")]
)
def test_decimal(value: Any, number: str) -> None:
    result = convert(value, to="decimal")
    assert (type(result), str(result)) == (Decimal, number)


@pytest.mark.parametrize(
    "value",
    [True, "", "x", "1,5", "1_0", "nan", "-inf", "sNaN", "٣", Decimal("NaN"), Decimal("-Infinity"), [], {}, b"1", "9" * 401, date(2024, 1, 1)],
)
@pytest.mark.parametrize("options", [{}, {"scale": 2}, {"float": "shortest"}])
def test_not_decimal(value: Any, options: Any) -> None:
    assert refuse(value, to="decimal", **options)


def test_a_float_is_a_decimal_only_by_its_shortest_text() -> None:
    assert 'float = "shortest"' in refuse(0.1, to="decimal")
    assert 'float = "shortest"' in refuse(0.1, to="decimal", scale=2)
    assert str(convert(0.1, to="decimal", float="shortest")) == "0.1"
    assert str(convert(Real(0.1), to="decimal", float="shortest")) == "0.1"
    assert str(convert(2.675, to="decimal", float="shortest", scale=2, rounding="half-up")) == "2.68"
    assert refuse(float("nan"), to="decimal", float="shortest")


@pytest.mark.parametrize(
    ("rounding", "results"),
    [
        ("half-even", "0.12 0.14 -0.12 0.13 0.12"),
        ("half-up", "0.13 0.14 -0.13 0.13 0.12"),
        ("half-down", "0.12 0.13 -0.12 0.13 0.12"),
        ("up", "0.13 0.14 -0.13 0.13 0.13"),
        ("down", "0.12 0.13 -0.12 0.12 0.12"),
        ("ceiling", "0.13 0.14 -0.12 0.13 0.13"),
        ("floor", "0.12 0.13 -0.13 0.12 0.12"),
    ],
)
def test_roundings(rounding: str, results: str) -> None:
    values = ["0.125", "0.135", "-0.125", "0.1251", "0.1249"]
    for value, result in zip(values, results.split(), strict=True):
        assert str(convert(value, to="decimal", scale=2, rounding=rounding)) == result
        assert str(convert(Decimal(value), to="decimal", scale=2, rounding=rounding)) == result
    assert refuse("0.125", to="decimal", scale=2, rounding="exact") == "'0.125' cannot be written with 2 digits after the point exactly"


def test_scale() -> None:
    assert str(convert(5, to="decimal", scale=2)) == "5.00"
    assert str(convert("5.5", to="decimal", scale=0)) == "6"
    assert str(convert("0.1200", to="decimal", scale=2, rounding="exact")) == "0.12"
    assert "cannot be written with 2 digits" in refuse("1e399", to="decimal", scale=2)
    assert "cannot be written with 2 digits" in refuse(Decimal("1e999999"), to="decimal", scale=2)


# ---------------------------------------------------------------- dates and times

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("value", "options", "day"),
    [
        ("1996-07-04 00:00:00.000", {}, "1996-07-04"),
        ("1996-07-04", {}, "1996-07-04"),
        (" 1996-07-04T23:59 ", {}, "1996-07-04"),
        ("19960704", {}, "1996-07-04"),
        ("1996-07-04T23:59", {"timezone": BERLIN}, "1996-07-04"),
        ("2024-01-31T23:30:00Z", {"timezone": BERLIN}, "2024-02-01"),
        ("2024-02-01T00:30:00+01:00", {"timezone": "UTC"}, "2024-01-31"),
        (date(2024, 1, 2), {}, "2024-01-02"),
        (date(2024, 1, 2), {"timezone": BERLIN}, "2024-01-02"),
        (datetime(2024, 1, 2, 23), {}, "2024-01-02"),
        (datetime(2024, 1, 2, 23, 30, tzinfo=UTC), {"timezone": BERLIN}, "2024-01-03"),
    ],
)
def test_date(value: Any, options: Any, day: str) -> None:
    result = convert(value, to="date", **options)
    assert type(result) is date
    assert str(result) == day


def test_an_instant_has_a_day_only_somewhere() -> None:
    assert "say timezone" in refuse("2024-01-31T23:30:00Z", to="date")
    assert "say timezone" in refuse(datetime(2024, 1, 2, tzinfo=UTC), to="date")
    assert "outside the years" in refuse("0001-01-01T00:00:00+05:00", to="date", timezone="UTC")
    assert "outside the years" in refuse("9999-12-31T23:00:00Z", to="date", timezone=BERLIN)


@pytest.mark.parametrize("value", ["", "x", "04.07.1996", "1996-02-30", "1996-07-04" * 9, 5, 1.5, [], b"1996-07-04", time(1), True, "١٩٩٦-٠٧-٠٤"])
def test_not_date(value: Any) -> None:
    assert refuse(value, to="date")
    assert refuse(value, to="datetime", timezone=BERLIN)


@pytest.mark.parametrize(
    ("value", "options", "moment"),
    [
        ("2024-07-01 12:00", {"timezone": BERLIN}, "2024-07-01T12:00:00+02:00"),
        ("2024-07-01T12:00:00Z", {"timezone": BERLIN}, "2024-07-01T14:00:00+02:00"),
        ("2024-07-01T12:00:00-05:00", {}, "2024-07-01T12:00:00-05:00"),
        (datetime(2024, 7, 1, tzinfo=timezone(timedelta(hours=1))), {"timezone": "UTC"}, "2024-06-30T23:00:00+00:00"),
        (datetime(2024, 7, 1, 12, fold=1), {"timezone": BERLIN}, "2024-07-01T12:00:00+02:00"),
        # The clock is set back at 03:00 on 27 October 2024: 02:30 comes twice.
        ("2024-10-27T02:30", {"timezone": BERLIN, "fold": "earlier"}, "2024-10-27T02:30:00+02:00"),
        ("2024-10-27T02:30", {"timezone": BERLIN, "fold": "later"}, "2024-10-27T02:30:00+01:00"),
        # It is set forward at 02:00 on 31 March 2024: 02:30 does not exist.
        ("2024-03-31T02:30", {"timezone": BERLIN, "fold": "earlier"}, "2024-03-31T01:30:00+01:00"),
        ("2024-03-31T02:30", {"timezone": BERLIN, "fold": "later"}, "2024-03-31T03:30:00+02:00"),
        ("2024-10-27T00:30:00Z", {"timezone": BERLIN}, "2024-10-27T02:30:00+02:00"),
        ("2024-10-27T01:30:00Z", {"timezone": BERLIN}, "2024-10-27T02:30:00+01:00"),
    ],
)
def test_datetime(value: Any, options: Any, moment: str) -> None:
    assert convert(value, to="datetime", **options).isoformat() == moment


def test_not_datetime() -> None:
    assert "has no zone: say timezone" in refuse("2024-07-01 12:00", to="datetime")
    assert "comes twice there" in refuse("2024-10-27T02:30", to="datetime", timezone=BERLIN)
    assert "comes twice there" in refuse(datetime(2024, 10, 27, 2, 30, fold=1), to="datetime", timezone=BERLIN)
    assert "does not exist there" in refuse("2024-03-31T02:30", to="datetime", timezone=BERLIN)
    for day in ("2024-07-01", " 20240701", "2024-W27-1", date(2024, 7, 1)):
        assert "is a date without a time of day" in refuse(day, to="datetime", timezone=BERLIN)
    assert "outside the years" in refuse("9999-12-31T23:00:00Z", to="datetime", timezone=BERLIN)
