"""What the options of `Field` and `Key` make the same, what they leave alone, and how wrong ones are refused."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrakit.errors import ConfigurationError
from integrakit.money import Money
from integrakit.reconciliation import Field, Key, reconcile
from integrakit.reconciliation.rules.agreeing import Agreement
from integrakit.reconciliation.rules.cells import cell_as
from integrakit.reconciliation.rules.preparing import Preparation, _begins_anew
from integrakit.reconciliation.rules.spec import read_fields
from integrakit.reconciliation.rules.values import Incomparable, canonical
from integrakit.unset import UNSET

BERLIN = ZoneInfo("Europe/Berlin")


def agree(left: Any, right: Any, rows: tuple[dict[str, Any], dict[str, Any]] = ({}, {}), **options: Any) -> bool:
    return Agreement(Field("v", **options)).differ(left, right, rows) is None


# ---------------------------------------------------------------- how they are given


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"within": {}}, "names no currency"),
        ({"within": {"EUR": "0.01", "eur": 1}}, "'EUR' twice"),
        ({"within": {1: "0.01"}}, "codes of currencies"),
        ({"within": {" ": "0.01"}}, "codes of currencies"),
        ({"within": {"EUR": "x"}}, "amounts by currency"),
        ({"within": {"EUR": None}}, "takes an amount"),
        ({"within": {"EUR": timedelta(1)}}, "takes an amount"),
        ({"within": {"EUR": {"DE": 1}}}, "takes an amount"),
        ({"currency": "currency"}, "tolerances by currency"),
        ({"within": "0.01", "currency": "currency"}, "tolerances by currency"),
        ({"within": {"EUR": 1}, "currency": "v"}, "not the amount itself"),
        ({"within": {"EUR": 1}, "currency": ("a", "b", "c")}, "pair of names"),
        ({"within": {"EUR": 1}, "currency": 3}, "pair of names"),
        ({"ignore_case": "yes"}, "True or False"),
        ({"unicode": "NFD"}, "'NFC', 'NFKC'"),
        ({"blanks": True}, "'trim', 'collapse', 'remove'"),
        ({"zone": "Europe/Berlinn"}, "no time zone 'Europe/Berlinn'"),
        ({"zone": "../etc/passwd"}, "no time zone"),
        ({"zone": ""}, "Field(zone=…)"),
        ({"zone": (None, None)}, "one for each side"),
        ({"zone": ("UTC",)}, "one for each side"),
        ({"zone": UTC}, "one for each side"),
        ({"truncate": "week"}, "'h', 'day'"),
        ({"truncate": ["day"]}, "'h', 'day'"),
        ({"truth": "both"}, "'left', 'right'"),
        ({"owner": ""}, "a person or a team"),
        ({"owner": 3}, "a person or a team"),
        ({"unordered": True, "within": 1}, "no pairs to measure"),
    ],
)
def test_wrong_options_of_a_field_are_refused_with_what_is_right(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        Field("v", **options)
    assert message in str(problem.value)


@pytest.mark.parametrize("options", [{"ignore_case": 1}, {"unicode": "NFD"}, {"blanks": "all"}])
def test_wrong_options_of_a_key_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"Key\("):
        Key("id", **options)


def test_a_field_tells_engines_which_options_change_what_is_the_same() -> None:
    assert Field("v", right="w", truth="left", owner="billing").options == frozenset()
    assert Field("v", within=0).options == {"within"}
    assert Field("v", blanks="trim", null_is_empty=True, zone="UTC").options == {"blanks", "null_is_empty", "zone"}
    assert not Field("v", zone="UTC").by_side
    assert not Field("v", zone=("Europe/Berlin", "Europe/Berlin")).by_side
    assert Field("v", zone=("Europe/Berlin", None)).by_side
    assert hash(Field("v", within={"EUR": 1}, currency="c")) == hash(Field("v", within={"eur": 1}, currency=("c", "c")))


def test_the_field_of_the_currency_is_compared_too_unless_it_is_part_of_the_key() -> None:
    amount = Field("amount", right="total", within={"EUR": 1}, currency=("currency", "curr"))
    found = read_fields([amount], frozenset())
    assert found is not None
    assert found[1:] == (Field("currency", right="curr"),)
    assert read_fields([("currency", "curr"), amount], frozenset()) == (Field("currency", right="curr"), amount)
    assert read_fields([amount], frozenset(), Key("id", "currency", right=["id", "curr"])) == (amount,)
    with pytest.raises(ConfigurationError, match="ignore="):
        read_fields([amount], frozenset({"currency"}))


# ---------------------------------------------------------------- tolerance by currency


@pytest.mark.parametrize(
    ("left", "right", "currencies", "same"),
    [
        ("10.00", "10.01", ("EUR", "EUR"), True),
        ("10.00", "10.02", ("EUR", "EUR"), False),
        ("10.00", "10.01", ("eur ", "EUR"), True),
        (100, 101, ("JPY", "JPY"), False),
        (100, 100, ("JPY", "JPY"), True),
        ("10.00", "10.50", ("CHF", "CHF"), True),  # "*"
        ("10.00", "10.01", ("EUR", "USD"), False),
        ("10.00", "10.01", ("EUR", None), False),
        ("10.00", "10.01", (None, None), False),
        ("10.00", "10.01", ("", ""), False),
        ("10.00", "10.01", (UNSET, UNSET), False),
        ("10.00", "10.0", (None, None), True),
        ("1000", "1009", ("USD", "USD"), True),  # 1 %
        ("1000", "1011", ("USD", "USD"), False),
    ],
)
def test_a_tolerance_goes_by_the_currency_of_both_records(left: Any, right: Any, currencies: tuple[Any, Any], same: bool) -> None:
    limits = {"EUR": "0.01", "JPY": 0, "USD": "1%", "*": "0.5"}
    rows = [{name: value} if value is not UNSET else {} for name, value in zip(("currency", "curr"), currencies, strict=True)]
    assert agree(Decimal(left), Decimal(right), (rows[0], rows[1]), within=limits, currency=("currency", "curr")) == same


def test_money_brings_its_own_currency() -> None:
    limits = {"EUR": "0.01", "JPY": 0}
    assert agree(Money("1.00", "EUR"), Money("1.01", "EUR"), within=limits)
    assert not agree(Money("1.00", "USD"), Money("1.01", "USD"), within=limits)
    assert not agree(Money(100, "JPY"), Money(101, "JPY"), within=limits)
    assert not agree(Money("1.00", "EUR"), Money("1.00", "USD"), within=limits)
    assert not agree(Money("1.00", "EUR"), Decimal("1.01"), within=limits)
    assert agree(Money("1.00", "EUR"), Money("1.01", "EUR"), within="0.01")
    assert not agree(Money("1.00", "EUR"), Money("1.01", "USD"), within=1)
    assert not agree(Decimal(1), Decimal("1.01"), within=limits)


def test_five_euros_are_not_five_dollars() -> None:
    left, right = [{"id": 1, "amount": 5, "currency": "EUR"}], [{"id": 1, "amount": 5, "currency": "USD"}]
    diff = reconcile(left, right, key="id", fields=[Field("amount", within={"*": 1}, currency="currency")])
    assert list(diff.by_field) == ["currency"]
    near = [{"id": 1, "amount": Decimal("5.4"), "currency": "EUR"}]
    assert reconcile(left, near, key="id", fields=[Field("amount", within={"*": 1}, currency="currency")]).matches


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("left", "right", "options"),
    [
        ("A", "a", {"ignore_case": True}),
        ("STRASSE", "straße", {"ignore_case": True}),
        ("ΣΑΣ", "σας", {"ignore_case": True}),
        ("É", "e\u0301", {"ignore_case": True, "unicode": "NFC"}),
        ("ᾳ\u0301", "α\u0301\u0345", {"ignore_case": True, "unicode": "NFC"}),
        ("e\u0301", "é", {"unicode": "NFC"}),
        ("ﬁn", "fin", {"unicode": "NFKC"}),
        ("\u2160", "i", {"unicode": "NFKC", "ignore_case": True}),
        (" a\t", "a", {"blanks": "trim"}),
        (" a \u00a0 b", "a b ", {"blanks": "collapse"}),
        ("a b", "ab", {"blanks": "remove"}),
        ("e \u0301", "é", {"blanks": "remove", "unicode": "NFC"}),
        ("  ", None, {"blanks": "trim", "null_is_empty": True}),
        ("  ", UNSET, {"blanks": "trim", "null_is_empty": True}),
        (["B", "a"], ["A", "b"], {"ignore_case": True, "unordered": True}),
        ([["A"], ("b",)], [["a"], ["B"]], {"ignore_case": True}),
        ({"A", ("b", "C")}, {"a", ("B", "c")}, {"ignore_case": True}),
        ("DE-12", "de12", {"normalise": lambda value: value.replace("-", ""), "ignore_case": True}),
        (3, 3.0, {"ignore_case": True, "blanks": "remove", "unicode": "NFKC"}),
        (None, None, {"ignore_case": True}),
    ],
)
def test_what_the_options_of_text_make_the_same(left: Any, right: Any, options: dict[str, Any]) -> None:
    assert agree(left, right, **options)
    assert agree(right, left, **options)
    rule = Agreement(Field("v", **options))
    assert rule.key(left, 0) == rule.key(right, 1)


@pytest.mark.parametrize(
    ("left", "right", "options"),
    [
        ("é", "e\u0301", {"ignore_case": True}),
        ("A", "a", {"unicode": "NFKC", "blanks": "remove"}),
        ("ﬁn", "fin", {"unicode": "NFC"}),
        ("a b", "ab", {"blanks": "trim"}),
        ("a  b", "a b", {"blanks": "trim"}),
        ("a b", "ab", {"blanks": "collapse"}),
        ("42", 42, {"ignore_case": True, "blanks": "remove"}),
        (None, "", {"blanks": "trim"}),
        (UNSET, None, {"ignore_case": True}),
        ({"k": "A"}, {"k": "a"}, {"ignore_case": True}),
        (b"A", b"a", {"ignore_case": True}),
        (memoryview(b"a"), [97], {"ignore_case": True, "unordered": True}),
        (["A", "a"], ["a"], {"ignore_case": True, "unordered": True}),
        ([["b", "a"]], [["a", "b"]], {"unordered": True}),
    ],
)
def test_what_the_options_of_text_leave_different(left: Any, right: Any, options: dict[str, Any]) -> None:
    assert not agree(left, right, **options)
    rule = Agreement(Field("v", **options))
    assert rule.key(left, 0) != rule.key(right, 1)


def test_nothing_is_normalised_apart_that_belongs_together() -> None:
    """Long text is normalised in pieces; each piece must begin where nothing before it can combine with it."""
    for code in range(0x300, 0x110000):
        character = chr(code)
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2:
            second = chr(int(parts[1], 16))
            assert not _begins_anew(second) or unicodedata.normalize("NFC", character) != character or parts[0][0] == "<", hex(code)
    word = "e\u0301각ｶﾞ가" + "ﾡￂ"
    for form in ("NFC", "NFKC"):
        for shift in range(12):
            text = "x" * (4096 - shift) + word * 700
            prepared = Preparation(unicode=form)  # type: ignore[arg-type]
            assert prepared(text) == unicodedata.normalize(form, text)


def test_marks_without_end_make_one_record_invalid_and_take_no_time() -> None:
    bomb = "a" + "\u0301\u0327" * 200_000
    with pytest.raises(Incomparable, match="combining characters in a row"):
        Preparation(unicode="NFC")(bomb)
    diff = reconcile([{"id": 1, "v": bomb}], [{"id": 1, "v": bomb + "!"}], key="id", fields=[Field("v", unicode="NFC")])
    assert diff.summary["invalid"] == 1


# ---------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("left", "right", "options"),
    [
        (datetime(2026, 7, 1, 12), datetime(2026, 7, 1, 10, tzinfo=UTC), {"zone": "Europe/Berlin"}),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 11, tzinfo=UTC), {"zone": "Europe/Berlin"}),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 12), {"zone": "Europe/Berlin"}),
        (datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), {"zone": "Europe/Berlin"}),
        (datetime(2026, 10, 25, 2, 30, fold=1), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), {"zone": "Europe/Berlin"}),
        (datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), {"zone": "Europe/Berlin"}),  # the hour that is skipped
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 11), {"zone": ("Europe/Berlin", "UTC")}),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 11, tzinfo=UTC), {"zone": ("Europe/Berlin", None)}),
        (date(2026, 1, 1), date(2026, 1, 1), {"zone": "Europe/Berlin", "truncate": "day"}),
        (datetime(2026, 1, 1, 9, 59), datetime(2026, 1, 1, 9, 1), {"truncate": "h"}),
        (datetime(2026, 1, 1, 9, 59), datetime(2026, 1, 1, 23, 1), {"truncate": "day"}),
        (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), datetime(2026, 7, 2, 12), {"zone": "Europe/Berlin", "truncate": "day"}),
        (datetime(2026, 7, 1, 0, 30, tzinfo=BERLIN), datetime(2026, 6, 30, 1, tzinfo=UTC), {"truncate": "day"}),
        ([datetime(2026, 1, 1, 9, 59)], [datetime(2026, 1, 1, 9, 1)], {"truncate": "h", "unordered": True}),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 11, 0, 1, tzinfo=UTC), {"zone": "Europe/Berlin", "within": timedelta(seconds=1)}),
    ],
)
def test_what_the_options_of_times_make_the_same(left: Any, right: Any, options: dict[str, Any]) -> None:
    assert agree(left, right, **options)
    if "within" not in options:
        rule = Agreement(Field("v", **options))
        assert rule.key(left, 0) == rule.key(right, 1)


@pytest.mark.parametrize(
    ("left", "right", "options"),
    [
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 12, tzinfo=UTC), {"zone": "Europe/Berlin"}),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 12), {"zone": ("Europe/Berlin", "UTC")}),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 12), {"zone": ("Europe/Berlin", None)}),
        (datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), {"zone": "Europe/Berlin"}),
        (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN), datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN), {"truncate": "h"}),
        (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), datetime(2026, 7, 2, 12, tzinfo=UTC), {"truncate": "day"}),
        ("2026-01-01T12:00", datetime(2026, 1, 1, 11, tzinfo=UTC), {"zone": "Europe/Berlin"}),
        (date(2026, 1, 1), datetime(2026, 1, 1), {"zone": "Europe/Berlin", "truncate": "day"}),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 13), {"truncate": "h"}),
    ],
)
def test_what_the_options_of_times_leave_different(left: Any, right: Any, options: dict[str, Any]) -> None:
    assert not agree(left, right, **options)
    rule = Agreement(Field("v", **options))
    assert rule.key(left, 0) != rule.key(right, 1)


def test_clocks_of_two_zones_hold_in_whole_columns_too() -> None:
    """Values that are the same to begin with are not, here: no shortcut may take them for it."""
    moments = [datetime(2026, 1, 1, hour) for hour in range(5)]
    rows = [{"id": index, "v": moment} for index, moment in enumerate(moments)]
    diff = reconcile(rows, rows, key="id", fields=[Field("v", zone=("Europe/Berlin", "UTC"))])
    assert diff.summary["changed"] == 5
    assert diff.by_field["v"].causes == {"timezone shift": 5}
    shifted = [{"id": index, "v": moment - timedelta(hours=1)} for index, moment in enumerate(moments)]
    assert reconcile(rows, shifted, key="id", fields=[Field("v", zone=("Europe/Berlin", "UTC"))]).matches


def test_times_at_the_ends_of_the_calendar_stop_nothing() -> None:
    early, late = datetime.min.replace(tzinfo=timezone(timedelta(hours=5))), datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))
    for options in ({"truncate": "day"}, {"truncate": "day", "zone": "Asia/Tokyo"}, {"zone": "America/New_York"}):
        for moment in (early, late, datetime.min, datetime.max):
            assert agree(moment, moment.replace(), **options)
            assert not agree(moment, datetime(2026, 1, 1, tzinfo=moment.tzinfo), **options)


def test_nanoseconds_are_kept_by_a_zone_and_lost_by_a_cut() -> None:
    pd = pytest.importorskip("pandas", reason="needs pandas")
    np = pytest.importorskip("numpy", reason="needs numpy")
    fine = pd.Timestamp("2026-01-01T12:00:00.000000001")
    aware = pd.Timestamp("2026-01-01T11:00:00.000000001", tz="UTC")
    assert agree(fine, aware, zone="Europe/Berlin")
    assert agree(np.datetime64("2026-01-01T12:00:00.000000001"), aware, zone="Europe/Berlin")
    assert not agree(fine, datetime(2026, 1, 1, 11, tzinfo=UTC), zone="Europe/Berlin")
    assert agree(fine, datetime(2026, 1, 1, 11, tzinfo=UTC), zone="Europe/Berlin", truncate="us")
    assert agree(pd.NaT, np.datetime64("NaT"), zone="Europe/Berlin", truncate="day")


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("2026-01-02T10:00:00.123456789", "naive", ("naive", 63903031200123456789)),
        ("2026-01-02T10:00:00.1234567Z", "instant", ("instant", 63903031200123456700)),
        ("2026-01-02 10:00:00.123456000", "naive", ("naive", 63903031200123456000)),
        ("2026-01-02T10:00:00", "instant", ("naive", 63903031200000000000)),
        ("2026-01-02T10:00:00Z", "naive", ("instant", 63903031200000000000)),
        ("10:00:00.123456700", "time", "10:00:00.123456700"),
        ("10:00:00.123456000", "time", ("time", 36000123456000)),
    ],
)
def test_times_in_cells_lose_no_digit_and_show_whether_they_have_a_zone(cell: str, kind: str, value: Any) -> None:
    assert canonical(cell_as(cell, kind)) == value


# ---------------------------------------------------------------- keys


def test_options_of_keys() -> None:
    left = [{"id": " Straße 1", "part": 1}, {"id": "e\u0301", "part": 2}, {"id": None, "part": 3}]
    right = [{"ref": "STRASSE  1", "part": 1.0}, {"ref": "É", "part": Decimal(2)}, {"ref": None, "part": 3}]
    key = Key("id", "part", right=["ref", "part"], ignore_case=True, unicode="NFC", blanks="collapse")
    diff = reconcile(left, right, key=key)
    assert (diff.summary["equal"], diff.summary["null_keys"]) == (2, 2)
    assert reconcile(left, right, key=Key("id", "part", right=["ref", "part"])).summary["matched"] == 0
    assert Key("id").normalise is None
    assert Key("id", normalise=str.casefold).normalise is str.casefold
    both = Key("id", normalise=lambda value: value + "B", ignore_case=True).normalise
    assert both is not None
    assert both("A") == "ab"
    assert Key("id", ignore_case=True) == Key("id", ignore_case=True) != Key("id")


def test_two_keys_that_become_one_are_duplicates() -> None:
    diff = reconcile(
        [{"id": "a", "v": 1}, {"id": "A", "v": 2}], [{"id": "a ", "v": 2}, {"id": "A", "v": 1}], key=Key("id", ignore_case=True, blanks="trim")
    )
    assert diff.matches
    assert diff.summary["duplicates"] == 1
