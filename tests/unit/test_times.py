"""Dates, datetimes and times of day: how they may be spelled, where they are, how they are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all

BERLIN = "Europe/Berlin"


# ---------------------------------------------------------------- formats


@pytest.mark.parametrize(
    ("value", "format", "day"),
    [
        ("04.07.1996", "%d.%m.%Y", "1996-07-04"),
        (" 4.7.1996 ", "%d.%m.%Y", "1996-07-04"),
        ("07/04/96", "%m/%d/%y", "1996-07-04"),
        ("07/04/68", "%m/%d/%y", "2068-07-04"),
        ("07/04/69", "%m/%d/%y", "1969-07-04"),
        ("04071996", "%d%m%Y", "1996-07-04"),
        ("1996186", "%Y%j", "1996-07-04"),
        ("4 Jul 1996", "%d %b %Y", "1996-07-04"),
        ("JULY 4, 1996", "%B %d, %Y", "1996-07-04"),
        ("Thu, 4 Jul 1996", "%a, %d %b %Y", "1996-07-04"),
        ("Thursday 4 July 1996", "%A %d %B %Y", "1996-07-04"),
        ("04.07.1996 23:59", "%d.%m.%Y %H:%M", "1996-07-04"),
        ("100%1996-07-04", "100%%%Y-%m-%d", "1996-07-04"),
        ("1996-07-04", "iso8601", "1996-07-04"),
        ("04.07.1996", ["iso8601", "%d.%m.%Y", "%d.%m.%y"], "1996-07-04"),
        ("04.07.96", ["iso8601", "%d.%m.%Y", "%d.%m.%y"], "1996-07-04"),
        (date(1996, 7, 4), "%d.%m.%Y", "1996-07-04"),
    ],
)
def test_date_formats(value: Any, format: Any, day: str) -> None:
    assert str(convert(value, to="date", format=format)) == day


@pytest.mark.parametrize(
    ("value", "format"),
    [
        ("1996-07-04", "%d.%m.%Y"),
        ("31.02.1996", "%d.%m.%Y"),
        ("04.13.1996", "%d.%m.%Y"),
        ("04.07.96", "%d.%m.%Y"),
        ("04.07.1996x", "%d.%m.%Y"),
        ("4 07 1996", "%d%m%Y"),
        ("112024", "%d%m%Y"),
        ("366 1995", "%j %Y"),
        ("0 1996", "%j %Y"),
        ("Fri, 4 Jul 1996", "%a, %d %b %Y"),
        ("4 Juil 1996", "%d %b %Y"),
        ("4 Mai 1996", "%d %b %Y"),
        ("٠٤.٠٧.١٩٩٦", "%d.%m.%Y"),
        ("0.7.1996", "%d.%m.%Y"),
        ("01.01.0000", "%d.%m.%Y"),
        ("", "%d.%m.%Y"),
        (19960704, "%Y%m%d"),
    ],
)
def test_not_in_the_format(value: Any, format: str) -> None:
    assert refuse(value, to="date", format=format)


def test_reasons_of_formats() -> None:
    assert refuse("4/7/1996", to="date", format=["%d.%m.%Y", "iso8601"]) == "'4/7/1996' is not spelled as '%d.%m.%Y' or iso8601"
    assert 'apply = ["blank_to_null"]' in refuse("  ", to="date")
    assert 'null_values = ["0000-00-00"]' in refuse("0000-00-00", to="date")
    assert 'null_values = ["0000-00-00 00:00:00"]' in refuse("0000-00-00 00:00:00", to="datetime", timezone=BERLIN)
    assert "MySQL" in refuse("0000-00-00", to="date", format="%Y-%m-%d")
    assert convert("0000-00-00", to="date", null_values=["0000-00-00"]) is None
    assert 'say epoch = "s" or "ms"' in refuse(1700000000, to="datetime")
    assert refuse("1700000000", to="datetime").endswith('in ISO 8601: epoch = "s" or "ms" reads numbers')
    assert refuse("1.2.2024", to="date").endswith('in ISO 8601: format = "…" says how it is spelled')


def test_formats_that_read_one_text_as_two_moments() -> None:
    message = mistake(to="date", format=["%d/%m/%Y", "%m/%d/%Y"])
    assert "'%d/%m/%Y' and '%m/%d/%Y' read '03/02/2001' as two different moments" in message
    assert "two different moments" in mistake(to="date", format=["%d.%m.%y", "%y.%m.%d"])
    assert "two different moments" in mistake(to="date", format=["iso8601", "%Y-%d-%m"])
    assert "two different moments" in mistake(to="date", format=["%Y%d%m", "iso8601"])
    # Where the day of the week decides nearly always, the formats may stand together, and the rest is refused: both are Mondays.
    both = {"to": "date", "format": ["%a %d/%m/%Y", "%a %m/%d/%Y"]}
    assert str(convert("Tue 03/02/2026", **both)) == "2026-02-03"
    assert str(convert("Mon 03/02/2026", **both)) == "2026-03-02"
    assert "2024-02-12 by '%a %d/%m/%Y' and 2024-12-02 by" in refuse("Mon 12/02/2024", **both)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"format": "%d.%m.%Z"}, "names of zones (%Z) are not read"),
        ({"format": "%d.%m.%Q"}, "unknown directive %Q: known are %Y"),
        ({"format": "%d.%m.%Y %"}, "is no directive"),
        ({"format": "%d.%m"}, "names no whole day"),
        ({"format": "%Y-%m"}, "names no whole day"),
        ({"format": "%H:%M"}, "names no whole day"),
        ({"format": "%d.%d.%Y"}, "%d twice"),
        ({"format": "%d.%m.%b.%Y"}, "says the same twice: %m and %b"),
        ({"format": "%d.%j.%m.%Y"}, "says the same twice"),
        ({"format": "%d.%m.%Y %I"}, "%I and %p belong together"),
        ({"format": "%d.%m.%Y %H %p"}, "%I and %p belong together"),
        ({"format": "%d.%m.%Y %H:%MZ"}, "ends with a Z, which means UTC: write %z"),
        ({"format": "iso"}, "no known spelling: did you mean 'iso8601'?"),
        ({"format": "dd.mm.yyyy"}, "has no directive such as %d"),
        ({"format": []}, "a list of 1 to 12"),
        ({"format": ["%d.%m.%Y", "%d.%m.%Y"]}, "the same twice"),
        ({"format": "%d" * 50}, "of at most 64 characters"),
        ({"format": 5}, "not 5"),
        ({"format": "%d.%m.%Y", "epoch": "s"}, "format and epoch exclude each other"),
        ({"epoch": "s"}, "the day of an instant depends on the place"),
        ({"epoch": "m", "timezone": "UTC"}, 'epoch is "s", "ms", "us" or "ns"'),
        ({"write": "%d.%m.%Y %H:%M"}, "names a time of day, which a date has not"),
        ({"write": "epoch_s"}, "is for datetimes"),
        ({"write": "de"}, "no known spelling"),
        ({"write": ["%d"]}, "write is a format"),
        ({"fold": "later"}, "fold has no meaning with to = 'date'"),
    ],
)
def test_mistakes_of_dates(options: Any, reason: str) -> None:
    assert reason in mistake(to="date", **options)


# ---------------------------------------------------------------- datetimes


@pytest.mark.parametrize(
    ("value", "options", "moment"),
    [
        ("04.07.1996 23:59", {"format": "%d.%m.%Y %H:%M", "timezone": BERLIN}, "1996-07-04T23:59:00+02:00"),
        ("07/04/1996 11:59 PM", {"format": "%m/%d/%Y %I:%M %p", "timezone": "UTC"}, "1996-07-04T23:59:00+00:00"),
        ("07/04/1996 12:01\u202fa.m.", {"format": "%m/%d/%Y %I:%M %p", "timezone": "UTC"}, "1996-07-04T00:01:00+00:00"),
        ("1996-07-04 23:59:01.5+0200", {"format": "%Y-%m-%d %H:%M:%S.%f%z"}, "1996-07-04T23:59:01.500000+02:00"),
        ("1996-07-04T23:59:01Z", {"format": "%Y-%m-%dT%H:%M:%S%z"}, "1996-07-04T23:59:01+00:00"),
        ("1996-07-04 23:59:01.1234567", {"format": "%Y-%m-%d %H:%M:%S.%f", "timezone": "UTC"}, "1996-07-04T23:59:01.123456+00:00"),
        ("1996-07-04 23:59:01.123", {"format": "%Y-%m-%d %H:%M:%S.%L", "timezone": "UTC"}, "1996-07-04T23:59:01.123000+00:00"),
        ("Sun, 06 Nov 1994 08:49:37 GMT", {"format": "rfc2822"}, "1994-11-06T08:49:37+00:00"),
        ("6 Nov 1994 08:49 -0800 (PST)", {"format": "rfc2822"}, "1994-11-06T08:49:00-08:00"),
        ("Sun, 6 Nov 1994 08:49:37 EST", {"format": "rfc2822", "timezone": "UTC"}, "1994-11-06T13:49:37+00:00"),
        ("/Date(1700000000000)/", {"format": "dotnet"}, "2023-11-14T22:13:20+00:00"),
        ("\\/Date(1518685950940+0100)\\/", {"format": "dotnet"}, "2018-02-15T10:12:30.940000+01:00"),
        ("/Date(-1)/", {"format": "dotnet"}, "1969-12-31T23:59:59.999000+00:00"),
        (1700000000, {"epoch": "s"}, "2023-11-14T22:13:20+00:00"),
        (0, {"epoch": "s"}, "1970-01-01T00:00:00+00:00"),
        (-1, {"epoch": "ms"}, "1969-12-31T23:59:59.999000+00:00"),
        ("1700000000.25", {"epoch": "s", "timezone": BERLIN}, "2023-11-14T23:13:20.250000+01:00"),
        (1700000000123, {"epoch": "ms"}, "2023-11-14T22:13:20.123000+00:00"),
        (1700000000.0, {"epoch": "s"}, "2023-11-14T22:13:20+00:00"),
        (1700000000.1, {"epoch": "s", "float": "shortest"}, "2023-11-14T22:13:20.100000+00:00"),
        (Decimal("1700000000.1"), {"epoch": "s"}, "2023-11-14T22:13:20.100000+00:00"),
        (1700000000123456, {"epoch": "us"}, "2023-11-14T22:13:20.123456+00:00"),
        ("1700000000123456789", {"epoch": "ns"}, "2023-11-14T22:13:20.123456+00:00"),
        (Decimal("1e-400"), {"epoch": "s"}, "1970-01-01T00:00:00+00:00"),
        (Decimal("0e400"), {"epoch": "s"}, "1970-01-01T00:00:00+00:00"),
        (datetime(2024, 1, 1, tzinfo=UTC), {"epoch": "s"}, "2024-01-01T00:00:00+00:00"),
    ],
)
def test_spellings(value: Any, options: Any, moment: str) -> None:
    assert convert(value, to="datetime", **options).isoformat() == moment


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("Mon, 06 Nov 1994 08:49:37 GMT", {"format": "rfc2822"}),
        ("Sun, 06 Nov 1994 08:49:37 CEST", {"format": "rfc2822"}),
        ("Sun, 06 Nov 1994 08:49:37", {"format": "rfc2822"}),
        ("Sun, 06 Nov 1994 08:49:37 +9900", {"format": "rfc2822"}),
        ("/Date(17)", {"format": "rfc2822"}),
        ("/Date(x)/", {"format": "dotnet"}),
        ("/Date(999999999999999)/", {"format": "dotnet"}),
        ("/Date(1+9999)/", {"format": "dotnet"}),
        ("1996-07-04 24:00+0200", {"format": "%Y-%m-%d %H:%M%z"}),
        ("1996-07-04 13:00 PM +0200", {"format": "%Y-%m-%d %I:%M %p %z"}),
        ("1996-07-04 00:00 PM +0200", {"format": "%Y-%m-%d %I:%M %p %z"}),
        ("1996-07-04 10:00+0260", {"format": "%Y-%m-%d %H:%M%z"}),
        (1700000000.1, {"epoch": "s"}),
        (1700000000000, {"epoch": "s"}),
        (10**30, {"epoch": "s"}),
        pytest.param(10**5000, {"epoch": "s"}, id="huge"),
        (Decimal("1e1000000"), {"epoch": "s"}),
        (True, {"epoch": "s"}),
        ("2024-01-01", {"epoch": "s"}),
        ("١٧", {"epoch": "s"}),
        (float("nan"), {"epoch": "s", "float": "shortest"}),
        (date(2024, 1, 1), {"timezone": BERLIN}),
        ("04.07.1996 10:00", {"format": "%d.%m.%Y %H:%M"}),
    ],
)
def test_misspelled(value: Any, options: Any) -> None:
    assert refuse(value, to="datetime", **options)


@pytest.mark.parametrize(
    "options",
    [
        {"to": "date"},
        {"to": "date", "format": ["%d.%m.%Y", "iso8601"]},
        {"to": "datetime", "timezone": BERLIN, "format": ["rfc2822", "dotnet", "%d %B %Y %H:%M"]},
        {"to": "datetime", "epoch": "s"},
        {"to": "datetime", "epoch": "ns", "float": "shortest"},
        {"to": "time"},
        {"to": "time", "format": "%H:%M"},
        {"to": "duration"},
        {"to": "duration", "unit": "hours"},
    ],
)
def test_hostile(options: Any) -> None:
    refuse_all(hostile(), **options)


def test_gap_and_fold_each_have_a_rule() -> None:
    twice, never = "2024-10-27T02:30", "2024-03-31T02:30"
    here = {"to": "datetime", "timezone": BERLIN}
    assert convert(twice, **here, fold="later").isoformat() == "2024-10-27T02:30:00+01:00"
    assert convert(never, **here, fold="later").isoformat() == "2024-03-31T03:30:00+02:00"
    assert convert(never, **here, fold="later", gap="earlier").isoformat() == "2024-03-31T01:30:00+01:00"
    assert convert(never, **here, gap="later").isoformat() == "2024-03-31T03:30:00+02:00"
    assert "comes twice there (the clock is set back): say fold" in refuse(twice, **here, gap="later")
    assert "does not exist there (the clock skips it): say gap" in refuse(never, **here, fold="later", gap="error")
    assert "say fold" in refuse(never, **here)


def test_nat_is_no_moment() -> None:
    class NaT(datetime):
        def __ne__(self, other: object) -> bool:
            return True

    missing = NaT(2024, 1, 1)
    for to in ("date", "datetime"):
        assert refuse(missing, to=to, timezone="UTC") == "a NaT is no moment: coalesce or a function can say what stands for it"


@pytest.mark.parametrize(
    ("value", "options", "written"),
    [
        ("1996-07-04", {"to": "date", "write": "%d/%m/%Y"}, "04/07/1996"),
        ("1996-07-04", {"to": "date", "write": "%-d.%-m.%y %A %a %B %b %j %%"}, "4.7.96 Thursday Thu July Jul 186 %"),
        ("0099-07-04", {"to": "date", "write": "%Y%m%d"}, "00990704"),
        ("1996-07-04", {"to": "date", "write": "iso8601"}, "1996-07-04"),
        ("04.07.1996", {"to": "date", "format": "%d.%m.%Y", "write": "%Y-%m-%d"}, "1996-07-04"),
        (1700000000, {"to": "date", "epoch": "s", "timezone": "Asia/Tokyo", "write": "%Y-%m-%d"}, "2023-11-15"),
        ("2024-07-01T12:00:05Z", {"to": "datetime", "timezone": BERLIN, "write": "%d.%m.%Y %H:%M"}, "01.07.2024 14:00"),
        ("2024-07-01T12:00:05.1234Z", {"to": "datetime", "timezone": "UTC", "write": "%Y-%m-%dT%H:%M:%S.%LZ"}, "2024-07-01T12:00:05.123Z"),
        ("2024-07-01T12:00:05Z", {"to": "datetime", "write": "%Y-%m-%dT%H:%M:%S.%f%:z"}, "2024-07-01T12:00:05.000000+00:00"),
        ("2024-07-01T12:00:05-03:30", {"to": "datetime", "write": "%I:%M %p %z"}, "12:00 PM -0330"),
        ("2024-07-01T00:05:05Z", {"to": "datetime", "timezone": "UTC", "write": "%-I:%-M:%-S %p %-H"}, "12:5:5 AM 0"),
        ("2024-07-01T12:00:05Z", {"to": "datetime", "timezone": BERLIN, "write": "iso8601"}, "2024-07-01T14:00:05+02:00"),
        ("2024-07-01T12:00:05Z", {"to": "datetime", "timezone": BERLIN, "write": "rfc2822"}, "Mon, 01 Jul 2024 14:00:05 +0200"),
        ("2024-07-01T12:00:05.999Z", {"to": "datetime", "write": "epoch_s"}, 1719835205),
        ("2024-07-01T12:00:05.999Z", {"to": "datetime", "write": "epoch_ms"}, 1719835205999),
        ("1969-12-31T23:59:59.5Z", {"to": "datetime", "write": "epoch_s"}, -1),
        ("2024-07-01T12:00:05.999Z", {"to": "datetime", "write": "epoch_us"}, 1719835205999000),
        ("2024-07-01T12:00:05.999Z", {"to": "datetime", "write": "dotnet"}, "/Date(1719835205999)/"),
        ("14:05", {"to": "time", "write": "%I:%M %p"}, "02:05 PM"),
        ("14:05", {"to": "time", "write": "iso8601"}, "14:05:00"),
    ],
)
def test_write(value: Any, options: Any, written: Any) -> None:
    result = convert(value, **options)
    assert (type(result), result) == (type(written), written)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"gap": "later"}, "gap needs a timezone"),
        ({"gap": "never", "timezone": BERLIN}, 'gap is "earlier", "later" or "error"'),
        ({"format": "%d.%m.%Y"}, "names no time of day: midnight would be an invention"),
        ({"format": "%d.%m.%Y %M"}, "names no time of day"),
        ({"write": "%d.%m.%Y %H:%M"}, "does not write the zone (%z), so the place has to be said"),
        ({"write": "%Y-%m-%dT%H:%M:%SZ"}, "ends with a Z, which means UTC"),
        ({"write": "%Y-%m-%dT%H:%M:%SZ", "timezone": BERLIN}, "ends with a Z, which means UTC"),
        ({"timezone": "Europe/Berln"}, "unknown timezone 'Europe/Berln': did you mean 'Europe/Berlin'?"),
    ],
)
def test_mistakes_of_datetimes(options: Any, reason: str) -> None:
    assert reason in mistake(to="datetime", **options)


# ---------------------------------------------------------------- times of day


@pytest.mark.parametrize(
    ("value", "options", "clock"),
    [
        ("14:30", {}, "14:30:00"),
        (" 14:30:05.25 ", {}, "14:30:05.250000"),
        (time(14, 30), {}, "14:30:00"),
        (datetime(2024, 1, 1, 14, 30), {}, "14:30:00"),
        ("2024-01-01T14:30:00", {}, "14:30:00"),
        ("2024-07-01T12:30:00Z", {"timezone": BERLIN}, "14:30:00"),
        (timedelta(hours=14, minutes=30), {}, "14:30:00"),
        ("2:30 PM", {"format": "%I:%M %p"}, "14:30:00"),
        ("1430", {"format": "%H%M"}, "14:30:00"),
        ("01.02.2024 14:30", {"format": "%d.%m.%Y %H:%M"}, "14:30:00"),
        ("14:30", {"format": ["%I:%M %p", "iso8601"]}, "14:30:00"),
    ],
)
def test_time(value: Any, options: Any, clock: str) -> None:
    result = convert(value, to="time", **options)
    assert (type(result), str(result)) == (time, clock)


@pytest.mark.parametrize(
    "value",
    ["14", "1430", "25:00", "14:60", "", "x", "14:30Z", time(14, tzinfo=UTC), "2024-01-01", date(2024, 1, 1), 5, timedelta(days=1), timedelta(-1)],
)
def test_not_a_time(value: Any) -> None:
    assert refuse(value, to="time")


def test_mistakes_of_times() -> None:
    assert "say timezone" in refuse("2024-07-01T12:30:00Z", to="time")
    assert "say timezone" in refuse(datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1))), to="time")
    assert "names no time of day" in mistake(to="time", format="%d.%m.%Y")
    assert "has no meaning for a time of day" in mistake(to="time", format="rfc2822")
    assert "names a day" in mistake(to="time", write="%d %H")
