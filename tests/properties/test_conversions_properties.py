"""Conversions on anything at all: a result or a Misfit; and what one writes, another reads back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrakit.transform.cleaning import BUILT_IN, built_in
from integrakit.transform.conversions import CONVERSIONS, build
from integrakit.transform.conversions.texts import cut
from integrakit.transform.misfit import Misfit

pytest.importorskip("phonenumbers")
pytest.importorskip("pycountry")

MANY = settings(max_examples=150)

#: What some types cannot do without.
NEEDED: dict[str, dict[str, Any]] = {"enum": {"one_of": ["a", 1]}, "money": {"currency": "EUR"}, "minor": {"currency": "EUR"}}
#: Every type with no options, and with many.
RULES: list[tuple[str, dict[str, Any]]] = [
    *((to, NEEDED.get(to, {})) for to in CONVERSIONS),
    ("str", {"float": "shortest", "max_length": 5, "too_long": "cut", "pattern": "[a-z0-9]*"}),
    ("str", {"width": 9}),
    ("int", {"group_mark": " ", "negative": ["trailing", "parentheses"]}),
    ("decimal", {"decimal_mark": ",", "group_mark": ".", "percent": "fraction", "scale": 2, "float": "shortest"}),
    ("float", {"group_mark": "'", "percent": "number"}),
    ("bool", {"true_values": ["J", 1], "false_values": [""]}),
    ("date", {"format": ["%d.%m.%Y", "rfc2822", "dotnet", "iso8601"], "timezone": "UTC", "write": "%j %y %a %B"}),
    ("date", {"epoch": "ms", "timezone": "Asia/Tokyo", "float": "shortest"}),
    ("datetime", {"timezone": "Europe/Berlin", "fold": "later", "write": "rfc2822"}),
    ("datetime", {"epoch": "ns", "write": "epoch_us", "float": "shortest"}),
    ("datetime", {"format": ["%a, %d %b %Y %I:%M %p", "%Y%m%d%H%M%S.%f%z"], "timezone": "America/New_York"}),
    ("time", {"format": ["%H:%M:%S.%f", "%I %p"], "write": "%-H:%M"}),
    ("duration", {"unit": "hours", "clock": "m:s", "float": "shortest", "write": "minutes", "scale": 3, "rounding": "half-up"}),
    ("enum", {"one_of": ["a", "straße"], "ignore_case": True}),
    ("phone", {"region": "US", "write": "RFC3966"}),
    ("country", {"write": "name"}),
    ("currency", {"numeric": True}),
    ("uuid", {"write": "hex"}),
]
CONVERTERS = [(to, build(to, options).convert) for to, options in RULES]

ALPHABET = st.text(st.sampled_from("0123456789+-.,:;/()% '\u00a0PTHMSDWYZazAJulE@{}\ud800\u0301٣"), max_size=30)
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.decimals()
    | st.text(max_size=30)
    | ALPHABET
    | st.binary(max_size=4)
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-12)), ZoneInfo("Europe/Berlin")]))
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.lists(st.integers(), max_size=2)
    | st.sampled_from([Decimal("1e999999"), Decimal("-1e-999999"), Decimal("sNaN"), 10**5000, object(), object])
)


@settings(max_examples=400)
@given(ANYTHING)
def test_every_conversion_gives_a_result_or_a_misfit(value: Any) -> None:
    for to, convert in CONVERTERS:
        try:
            result = convert(value)
        except Misfit as problem:
            message = str(problem)
            assert len(message) < 500, to
        else:
            assert result is not None
            assert not isinstance(result, float | Decimal) or result == result


@MANY
@given(st.text(max_size=40))
def test_every_built_in_function_gives_a_result_or_a_misfit(value: str) -> None:
    for name in BUILT_IN:
        function = built_in(name)
        try:
            once = function(value)
        except Misfit:
            continue
        if once is not None and name != "title":  # a second time changes nothing
            assert function(once) == once, name


@MANY
@given(st.dates(), st.sampled_from(["%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%Y-%j", "%a %-d %B %Y", "%A, %b %-d, %Y", "iso8601"]))
def test_a_written_date_is_read_back(day: date, spelling: str) -> None:
    text = build("date", {"write": spelling}).convert(day)
    assert build("date", {"format": spelling}).convert(text) == day


@MANY
@given(
    st.datetimes(
        min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
    ),
    st.sampled_from(["%d.%m.%Y %H:%M:%S.%f %z", "%Y-%m-%dT%I:%M:%S.%f %p%:z", "iso8601"]),
)
def test_a_written_datetime_is_read_back(moment: datetime, spelling: str) -> None:
    text = build("datetime", {"write": spelling}).convert(moment)
    assert build("datetime", {"format": spelling}).convert(text) == moment
    whole = build("datetime", {"write": "epoch_us"}).convert(moment)
    assert build("datetime", {"epoch": "us"}).convert(whole) == moment
    seconds = moment.replace(microsecond=0)
    for written, options in (("rfc2822", {"format": "rfc2822"}), ("dotnet", {"format": "dotnet"}), ("epoch_s", {"epoch": "s"})):
        assert build("datetime", options).convert(build("datetime", {"write": written}).convert(seconds)) == seconds


@MANY
@given(st.times())
def test_a_written_time_is_read_back(clock: time) -> None:
    text = build("time", {"write": "%I:%M:%S.%f %p"}).convert(clock)
    assert build("time", {"format": "%I:%M:%S.%f %p"}).convert(text) == clock.replace(fold=0)


@MANY
@given(st.timedeltas())
@example(timedelta.max)
@example(timedelta.min)
def test_a_written_duration_is_read_back(duration: timedelta) -> None:
    read = build("duration", {}).convert
    for spelling in ("iso8601", "h:m:s"):
        assert read(build("duration", {"write": spelling}).convert(duration)) == duration
    exact = build("duration", {"write": "seconds", "scale": 6, "rounding": "exact"}).convert(duration)
    assert build("duration", {"unit": "seconds"}).convert(exact) == duration


@MANY
@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12),
    st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'")]),
)
def test_a_number_with_marks_is_itself(value: Decimal, marks: tuple[str, str]) -> None:
    point, group = marks
    text = f"{value:,f}".replace(",", "x").replace(".", point).replace("x", group)
    assert build("decimal", {"decimal_mark": point, "group_mark": group}).convert(text) == value
    trailing = text.removeprefix("-") + "-" * text.startswith("-")
    assert build("decimal", {"decimal_mark": point, "group_mark": group, "negative": "trailing"}).convert(trailing) == value


@MANY
@given(st.text(st.sampled_from("ae\u0301\u200d\U0001f468\U0001f1e9\U0001f3fd\ud83d\ude00 \r\n"), min_size=2, max_size=20), st.integers(1, 20))
def test_a_cut_text_is_a_beginning_of_the_text(text: str, most: int) -> None:
    try:
        found = cut(text, most)
    except Misfit:
        return
    assert text.startswith(found)
    assert 0 < len(found) <= most
