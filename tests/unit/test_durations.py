"""``to = "duration"``: ISO 8601, clocks and numbers of a unit, and back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from tests.fakes.converting import convert, mistake, refuse


@pytest.mark.parametrize(
    ("value", "options", "seconds"),
    [
        ("PT1H30M", {}, "5400"),
        ("P3D", {}, "259200"),
        ("P1W", {}, "604800"),
        ("P1DT2H", {}, "93600"),
        ("pt0.5s", {}, "0.5"),
        ("PT1,5H", {}, "5400"),
        ("-PT30M", {}, "-1800"),
        ("PT0S", {}, "0"),
        ("P0Y0M1D", {}, "86400"),
        ("PT36H", {}, "129600"),
        ("01:30:00", {}, "5400"),
        ("100:00:00.25", {}, "360000.25"),
        ("-00:00:01", {}, "-1"),
        ("-00:00:00.5", {}, "-0.5"),
        ("01:30", {"clock": "h:m"}, "5400"),
        ("01:30", {"clock": "m:s"}, "90"),
        ("90:30.5", {"clock": "m:s"}, "5430.5"),
        (90, {"unit": "minutes"}, "5400"),
        ("1.5", {"unit": "hours"}, "5400"),
        (Decimal("0.1"), {"unit": "hours"}, "360"),
        (2.0, {"unit": "days"}, "172800"),
        (1.5, {"unit": "hours", "float": "shortest"}, "5400"),
        (-1, {"unit": "milliseconds"}, "-0.001"),
        ("PT1H", {"unit": "minutes"}, "3600"),
        (timedelta(1), {}, "86400"),
    ],
)
def test_duration(value: Any, options: Any, seconds: str) -> None:
    with localcontext(prec=2):
        result = convert(value, to="duration", **options)
    assert type(result) is timedelta
    assert result == timedelta(microseconds=int(Decimal(seconds) * 1_000_000))


@pytest.mark.parametrize(
    ("value", "options", "reason"),
    [
        ("P1Y", {}, "has years, which are not always the same length"),
        ("P1Y2M", {}, "has years"),
        ("P2M", {}, "has months"),
        ("P", {}, "has no part"),
        ("PT", {}, "has no part"),
        ("P1DT", {}, "has no part"),
        ("PT1H30", {}, "is not a duration"),
        ("PT1.5H30M", {}, "a fraction before its last part"),
        ("P1D2H", {}, "is not a duration"),
        ("PT0.0000001S", {}, "a fraction of a microsecond"),
        ("P99999999999D", {}, "longer than 999,999,999 days"),
        ("01:30", {}, 'say clock = "h:m" or clock = "m:s"'),
        ("01:60:00", {}, "is not a duration"),
        ("1:2:3", {}, "is not a duration"),
        ("01:30:00", {"clock": "h:m"}, "is not of the form h:m"),
        ("01:30", {"clock": "h:m:s"}, "is not of the form h:m:s"),
        ("01:30.5", {"clock": "h:m"}, "a fraction of a minute"),
        ("01:30:xx", {"unit": "hours"}, "is not a duration"),
        (90, {}, 'unit = "minutes"'),
        ("90", {}, 'unit = "…"'),
        (1.5, {"unit": "hours"}, 'float = "shortest"'),
        (float("nan"), {"unit": "hours", "float": "shortest"}, "not a finite number"),
        (Decimal("NaN"), {"unit": "hours"}, "not a finite number"),
        (Decimal("1e999999"), {"unit": "weeks"}, "longer than"),
        (Decimal("1e-999999"), {"unit": "weeks"}, "a fraction of a microsecond"),
        (Decimal(1) / 3, {"unit": "hours"}, "a fraction of a microsecond"),
        pytest.param(10**5000, {"unit": "hours"}, "longer than", id="huge"),
        (True, {"unit": "hours"}, "a bool is not a duration"),
        ("", {"unit": "hours"}, "is not a duration"),
        ("٩", {"unit": "hours"}, "not a finite number in plain digits"),
    ],
)
def test_not_a_duration(value: Any, options: Any, reason: str) -> None:
    assert reason in refuse(value, to="duration", **options)


@pytest.mark.parametrize(
    ("value", "options", "written"),
    [
        ("P3DT4H5M6.5S", {"write": "iso8601"}, "P3DT4H5M6.5S"),
        ("P1W", {"write": "iso8601"}, "P7D"),
        ("PT0S", {"write": "iso8601"}, "PT0S"),
        ("-PT1.000001S", {"write": "iso8601"}, "-PT1.000001S"),
        ("P1DT1H", {"write": "h:m:s"}, "25:00:00"),
        ("-PT0.5S", {"write": "h:m:s"}, "-00:00:00.5"),
        ("01:30:00", {"write": "minutes"}, 90),
        ("-01:30:00", {"write": "minutes"}, -90),
        ("01:30:00", {"write": "hours", "scale": 2}, Decimal("1.50")),
        ("00:20:00", {"write": "hours", "scale": 2}, Decimal("0.33")),
        ("00:40:00", {"write": "hours", "scale": 2, "rounding": "down"}, Decimal("0.66")),
        ("PT9S", {"write": "hours", "scale": 4}, Decimal("0.0025")),
        ("PT9S", {"write": "hours", "scale": 3}, Decimal("0.002")),
        ("PT9.000001S", {"write": "hours", "scale": 3}, Decimal("0.003")),
        ("-PT9S", {"write": "hours", "scale": 3, "rounding": "half-up"}, Decimal("-0.003")),
    ],
)
def test_write(value: Any, options: Any, written: Any) -> None:
    result = convert(value, to="duration", **options)
    assert (type(result), str(result)) == (type(written), str(written))


def test_writing_is_exact() -> None:
    assert "is not a whole number of hours: scale" in refuse("01:30:00", to="duration", write="hours")
    assert "cannot be written in hours with 2 digits after the point exactly" in refuse(
        "00:20:00", to="duration", write="hours", scale=2, rounding="exact"
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"unit": "months"}, 'unit is "weeks", "days"'),
        ({"unit": "minute"}, "did you mean 'minutes'?"),
        ({"clock": "hm"}, "clock is"),
        ({"write": "years"}, "write is"),
        ({"scale": 2}, "scale is for durations written as a number"),
        ({"scale": 2, "write": "iso8601"}, "scale is for durations written as a number"),
        ({"rounding": "up", "write": "hours"}, "rounding needs a scale"),
    ],
)
def test_mistakes(options: Any, reason: str) -> None:
    assert reason in mistake(to="duration", **options)
