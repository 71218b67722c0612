"""Pairs of values and sets of keys with the one right answer, for every engine: what is the same, and else the cause.

Plain data. A group is a column: its type on the left and on the right, the options of its `Field`, and pairs. "any" is what only Python carries.
Which engine can carry which column is for the tests to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from attrs import field, frozen

__all__ = ["CELLS", "GROUPS", "KEYS", "Group", "Keys", "Pair"]

#: left, right, and the cause; None: the same
Pair = tuple[Any, Any, str | None]

D = Decimal
BERLIN = ZoneInfo("Europe/Berlin")
PLUS_2 = timezone(timedelta(hours=2))
NIGHT = datetime(2026, 10, 25, 2, 30)
NOON = datetime(2026, 1, 1, 12)


@frozen
class Group:
    name: str
    left: str
    right: str
    pairs: Sequence[Pair]
    options: Mapping[str, Any] = field(factory=dict)


FLOATS: Sequence[Pair] = (
    (math.nan, math.nan, None),
    (math.nan, None, "null"),
    (math.nan, 0.0, "nan"),
    (-0.0, 0.0, None),
    (-0.0, None, "null"),
    (0.1 + 0.2, 0.3, "precision"),
    (123456789012345.0, 123456789012346.0, "value"),
    (0.123456789012345, 0.123456789012345, None),
    (0.12345678901234567, 0.12345678901234565, "precision"),
    (1e-300, 1e-300, None),
    (1e-300, 2e-300, "value"),
    (5e-324, 0.0, "scale"),
    (5e-324, -5e-324, "sign"),
    (1e300, 1e300, None),
    (2.0**53, 2.0**53 + 2, "precision"),
    (math.inf, math.inf, None),
    (math.inf, -math.inf, "value"),
    (12.5, 1250.0, "×100"),
    (12.5, 12500.0, "×1000"),
    (3.33, 3.34, "rounding"),
    (1.25, 1.2, "scale"),
)
DECIMALS: Sequence[Pair] = (
    (D("1.10"), D("1.1"), None),
    (D("1.1000"), D("1.1001"), "rounding"),
    (D("-0.00"), D(0), None),
    (D("1.005"), D("1.01"), "scale"),
    (D("1.025"), D("1.02"), "scale"),
    (D("1.029"), D("1.02"), "truncation"),
    (D("3.33"), D("3.34"), "rounding"),
    (D("12.50"), D("-12.5"), "sign"),
    (D("12.50"), D("1250"), "×100"),
    (D("1"), D("1000"), "×1000"),
    (D("99999999999999999999.99"), D("99999999999999999999.99"), None),
    (D("99999999999999999999.99"), D("99999999999999999999.98"), "precision"),
    (D("0"), None, "null"),
    (None, D("1.1"), "null"),
    (D("0.0000000001"), D("0.0000000000"), "value"),
    (D("1234"), D("1200"), "value"),
)
TEXTS: Sequence[Pair] = (
    ("a", "a", None),
    ("", "", None),
    ("", None, "null"),
    (None, "", "null"),
    ("", "a", "empty"),
    ("a", "A", "case"),
    ("straße", "STRASSE", "case"),
    ("a", "a ", "blanks"),
    ("a", "a\u00a0", "blanks"),
    (" ", "", "blanks"),
    ("a\tb", "a b", "blanks"),
    ("a\r\nb", "a\nb", "blanks"),
    ("é", "e\u0301", "unicode"),
    ("é", "é", None),
    ("e\u0301", "e\u0301", None),
    ("ﬁn", "fin", "unicode"),
    ("😀", "😀", None),
    ("😀", "😁", "value"),
    ("👩\u200d🚀", "👩🚀", "value"),
    ("NULL", None, "null"),
    ("NULL", "", "empty"),
    ("\\N", None, "null"),
    ("\\N", "\\N", None),
    ("None", "none", "case"),
    ("nan", None, "null"),
    ("a|b", "a|b", None),
    ("a\x1fb", "a\x1fb", None),
    ("a\x1fb", "a\x1eb", "blanks"),
    ("a,b", 'a","b', "value"),
    ('"', '""', "truncation"),
    ("'; DROP", "'; DROP", None),
    ("%s{}", "%s{}", None),
    ("a\\nb", "a\nb", "value"),
    ("42", "042", "format"),
    ("1.10", "1.1", "format"),
    ("1,000.5", "1000.50", "format"),
    ("1.234,50", "1234.5", "format"),
    ("Müller", "MÃ¼ller", "encoding"),
    ("Müller", "M?ller", "encoding"),
    ("Müller", "Muller", "accents"),
    ("R&amp;D", "R&D", "escapes"),
    ("Integration", "Integr", "truncation"),
    ("İ", "i", "accents"),
    ("ß", "ẞ", "case"),
    ("\ufeffa", "a", "value"),
    ("x" * 5000 + "é" + "y" * 5000, "x" * 5000 + "e\u0301" + "y" * 5000, "unicode"),
    ("x" * 9000, "x" * 4000, "truncation"),
)
INSTANTS: Sequence[Pair] = (
    (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 14, tzinfo=PLUS_2), None),
    (NIGHT.replace(tzinfo=BERLIN), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), None),
    (NIGHT.replace(tzinfo=BERLIN, fold=1), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), None),
    (NIGHT.replace(tzinfo=BERLIN), NIGHT.replace(tzinfo=BERLIN, fold=1), "timezone shift"),
    (NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=PLUS_2), "timezone shift"),
    (NOON.replace(tzinfo=UTC), datetime(2026, 1, 1, 6, 15, tzinfo=UTC), "timezone shift"),
    (NOON.replace(tzinfo=UTC), None, "null"),
    (datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), None),
    (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC), "one day off"),
)
NAIVES: Sequence[Pair] = (
    (NOON, NOON, None),
    (NOON, datetime(2026, 1, 1, 14), "timezone shift"),
    (NOON, datetime(2026, 1, 1, 17, 30), "timezone shift"),
    (NOON, datetime(2026, 1, 1), "timezone shift"),
    (datetime(2026, 1, 1, 23, 7), datetime(2026, 1, 1), "truncation"),
    (datetime(2026, 1, 1, 12, 7, 5), datetime(2026, 1, 1, 12, 7), "truncation"),
    (datetime(2026, 1, 1, 0, 0, 0, 123456), datetime(2026, 1, 1, 0, 0, 0, 123000), "truncation"),
    (datetime(2026, 1, 1, 0, 0, 0, 123000), datetime(2026, 1, 1, 0, 0, 0, 123000), None),
    (datetime(2026, 2, 1, 12), datetime(2026, 1, 2, 12), "day and month"),
    (NOON, datetime(2026, 1, 2, 12), "one day off"),
    (NOON, None, "null"),
    (datetime(1969, 12, 31, 23, 59, 59, 500000), datetime(1969, 12, 31, 23, 59, 59, 500000), None),
    (NOON, datetime(2026, 1, 9, 3, 7), "value"),
)

GROUPS: Sequence[Group] = (
    Group("floats", "float64", "float64", FLOATS),
    Group("decimals", "decimal(38,10)", "decimal(38,10)", DECIMALS),
    Group(
        "decimals_of_two_scales",
        "decimal(38,10)",
        "decimal(20,2)",
        ((D("1.1000000000"), D("1.10"), None), (D("1.1000000001"), D("1.10"), "scale"), (D("1.106"), D("1.11"), "scale"), (None, D("1.00"), "null")),
    ),
    Group(
        "decimal_and_float",
        "decimal(38,10)",
        "float64",
        (
            (D("1.10"), 1.1, None),
            (D("0.1"), 0.1, None),
            (D("0.3"), 0.1 + 0.2, "precision"),
            (D("1000.10"), 1000.1, None),
            (D("9007199254740993"), 2.0**53, "precision"),
            (D("9007199254740992"), 2.0**53, None),
            (D(0), -0.0, None),
            (D("1.5"), math.nan, "nan"),
            (None, math.nan, "null"),
            (D("12345678.12"), 12345678.12, None),
            (D("0.0000000001"), 1e-10, None),
        ),
    ),
    Group(
        "whole_and_float",
        "int64",
        "float64",
        (
            (2**53, 2.0**53, None),
            (2**53 + 1, 2.0**53, "precision"),
            (2**63 - 1, 2.0**63, "precision"),
            (-(2**63), -(2.0**63), "precision"),  # the shortest text of the float is -9.223372036854776e18
            (2**60, 2.0**60, "precision"),
            (10**18, 1e18, None),
            (0, -0.0, None),
            (1, 1.0, None),
            (1, 1.5, "truncation"),
            (1, math.nan, "nan"),
            (1, math.inf, "value"),
            (None, math.nan, "null"),
        ),
    ),
    Group(
        "whole", "int64", "int64", ((2**53 + 1, 2**53, "precision"), (2**63 - 1, 2**63 - 1, None), (-1, 1, "sign"), (0, None, "null"), (7, 7, None))
    ),
    Group("whole_of_two_widths", "int32", "int64", ((7, 7, None), (7, 2**32 + 7, "value"), (-1, 2**32 - 1, "value"), (None, 0, "null"))),
    Group(
        "whole_and_decimal",
        "int64",
        "decimal(38,10)",
        ((1, D("1.000"), None), (1, D("1.0000000001"), "scale"), (2**53 + 1, D(2**53), "precision"), (100, D("1"), "×100")),
    ),
    Group(
        "float32_and_float64",
        "float32",
        "float64",
        (
            (0.1, 0.1, None),
            (0.1, 0.10000000149011612, "precision"),
            (0.5, 0.5, None),
            (16777216.0, 16777217.0, "precision"),
            (math.nan, math.nan, None),
        ),
    ),
    Group(
        "float32",
        "float32",
        "float32",
        ((0.1, 0.1, None), (-0.0, 0.0, None), (math.nan, math.nan, None), (0.1, 0.2, "value"), (None, math.nan, "null")),
    ),
    Group(
        "float32_and_decimal",
        "float32",
        "decimal(38,10)",
        (
            (0.1, D("0.1"), None),
            (0.1, D("0.1000000015"), "scale"),
            (0.1, D("0.1000000149"), "scale"),
            (16777216.0, D("16777216"), None),
            (1.5, None, "null"),
        ),
    ),
    Group("texts", "text", "text", TEXTS),
    Group("texts_of_fixed_width", "char(8)", "text", (("ab      ", "ab      ", None), ("ab      ", "ab", "blanks"), ("abcdefgh", "abcdefgh", None))),
    Group(
        "text_and_whole",
        "text",
        "int64",
        (("42", 42, "type"), ("042", 42, "type"), ("", 0, "type"), (None, 0, "null"), ("", None, "null"), (None, None, None)),
    ),
    Group("text_and_decimal", "text", "decimal(38,10)", (("1.10", D("1.1"), "type"), ("nan", D("1"), "type"))),
    Group("text_and_date", "text", "date", (("2026-01-01", date(2026, 1, 1), "type"),)),
    Group("booleans", "bool", "bool", ((True, True, None), (True, False, "value"), (False, None, "null"))),
    Group("boolean_and_whole", "bool", "int64", ((True, 1, "type"), (False, 0, "type"), (None, 0, "null"))),
    Group("boolean_and_text", "bool", "text", ((True, "true", "type"), (False, "", "type"))),
    Group(
        "dates",
        "date",
        "date",
        (
            (date(2026, 1, 2), date(2026, 1, 2), None),
            (date(2026, 1, 2), date(2026, 2, 1), "day and month"),
            (date(2026, 1, 2), date(2026, 1, 3), "one day off"),
            (date(2026, 1, 2), date(2026, 1, 5), "value"),
            (date(1899, 12, 31), None, "null"),
        ),
    ),
    Group("date_and_time", "date", "naive", ((date(2026, 1, 1), datetime(2026, 1, 1), "type"), (None, datetime(2026, 1, 1), "null"))),
    Group("naives", "naive", "naive", NAIVES),
    Group(
        "naives_of_two_units",
        "naive ms",
        "naive",
        ((datetime(2026, 1, 1, 0, 0, 0, 123000), datetime(2026, 1, 1, 0, 0, 0, 123456), "truncation"), (NOON, NOON, None), (NOON, None, "null")),
    ),
    Group("instants", "instant", "instant", INSTANTS),
    Group("instants_of_two_zones", "instant", "instant in Berlin", INSTANTS),
    Group(
        "naive_and_instant",
        "naive",
        "instant",
        ((NOON, NOON.replace(tzinfo=UTC), "timezone missing"), (None, NOON.replace(tzinfo=UTC), "null"), (NOON, None, "null")),
    ),
    Group(
        "bytes",
        "bytes",
        "bytes",
        ((b"a", b"a", None), (b"", b"", None), (b"", None, "null"), (b"\x00\xff", b"\x00\xfe", "value"), (b"a", b"a ", "value")),
    ),
    Group("bytes_and_text", "bytes", "text", ((b"a", "a", "type"), (b"", "", "type"))),
    Group(
        "lists_of_text",
        "list of text",
        "list of text",
        (
            (["a", "b"], ["a", "b"], None),
            (["a", "b"], ["b", "a"], "order"),
            ([], [], None),
            ([], None, "null"),
            (["a"], ["a", "a"], "value"),
            ([None], [], "value"),
        ),
    ),
    # ------------------------------------------------------------ options
    Group(
        "within",
        "decimal(38,10)",
        "decimal(38,10)",
        (
            (D("1.00"), D("1.01"), None),
            (D("1.0000000000"), D("1.0100000001"), "value"),
            (D("-1.00"), D("-1.01"), None),
            (D("0"), D("0.01"), None),
            (None, D("0.00"), "null"),
            (D("1"), D("100"), "×100"),
        ),
        {"within": "0.01"},
    ),
    Group(
        "within_floats",
        "float64",
        "float64",
        (
            (1.0, 1.01, None),
            (0.1, 0.11, None),  # in binary they are further apart
            (0.1 + 0.2, 0.3, None),
            (1.0, 1.0100000000000002, "scale"),
            (math.nan, math.nan, None),
            (math.nan, 0.0, "nan"),
            (math.inf, math.inf, None),
            (math.inf, 1e308, "value"),
            (1e300, 1e300, None),
        ),
        {"within": "0.01"},
    ),
    Group(
        "within_share",
        "decimal(38,10)",
        "float64",
        (
            (D("1000"), 1001.0, None),
            (D("1000"), 1001.0010010011, "value"),
            (D("0"), 0.0, None),
            (D("0"), 1e-9, "scale"),
            (D("-1000"), 1000.0, "sign"),
        ),
        {"within": "0.1%"},
    ),
    Group(
        "within_time",
        "naive",
        "naive",
        ((NOON, datetime(2026, 1, 1, 12, 0, 1), None), (NOON, datetime(2026, 1, 1, 12, 0, 1, 1), "truncation"), (NOON, None, "null")),
        {"within": timedelta(seconds=1)},
    ),
    Group(
        "truncate_ms", "naive", "naive", ((datetime(2026, 1, 1, 0, 0, 0, 123456), datetime(2026, 1, 1, 0, 0, 0, 123999), None),), {"truncate": "ms"}
    ),
    Group(
        "truncate_day",
        "instant",
        "instant",
        (
            (datetime(2026, 1, 1, 0, 30, tzinfo=UTC), datetime(2026, 1, 1, 23, 59, tzinfo=UTC), None),
            (datetime(2026, 1, 1, 0, 30, tzinfo=PLUS_2), datetime(2026, 1, 1, 1, 30, tzinfo=UTC), "one day off"),
            (datetime(1969, 12, 31, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, tzinfo=UTC), None),
            (datetime(1969, 12, 31, 23, tzinfo=UTC), datetime(1970, 1, 1, 1, tzinfo=UTC), "one day off"),
        ),
        {"truncate": "day"},
    ),
    Group(
        "truncate_day_in_berlin",
        "instant",
        "instant",
        (
            (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), datetime(2026, 7, 2, 21, 59, tzinfo=UTC), None),
            (datetime(2026, 7, 1, 21, 30, tzinfo=UTC), datetime(2026, 7, 1, 22, 30, tzinfo=UTC), "one day off"),
        ),
        {"truncate": "day", "zone": "Europe/Berlin"},
    ),
    Group(
        "zone",
        "naive",
        "instant",
        (
            (NOON, datetime(2026, 1, 1, 11, tzinfo=UTC), None),
            (NOON, NOON.replace(tzinfo=UTC), "timezone shift"),
            (datetime(2026, 7, 1, 12), datetime(2026, 7, 1, 10, tzinfo=UTC), None),
            (NIGHT, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), None),
            (NIGHT, datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "timezone shift"),
            (datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), None),
        ),
        {"zone": "Europe/Berlin"},
    ),
    Group(
        "null_is_empty",
        "text",
        "text",
        (("", None, None), (None, "", None), (None, None, None), (" ", None, "null"), ("a", "", "null"), ("NULL", None, "null")),
        {"null_is_empty": True},
    ),
    Group(
        "ignore_case",
        "text",
        "text",
        (
            ("A", "a", None),
            ("STRASSE", "straße", None),
            ("ẞ", "ss", None),
            ("ΣΑΣ", "σας", None),
            ("İ", "i", "accents"),
            ("I", "ı", "value"),
            ("É", "e\u0301", "unicode"),
            ("A ", "a", "blanks"),
            ("", None, "null"),
        ),
        {"ignore_case": True},
    ),
    Group(
        "nfc",
        "text",
        "text",
        (("é", "e\u0301", None), ("É", "e\u0301", "case"), ("ﬁ", "fi", "unicode"), ("각", "각", None), ("Å", "Å", None)),
        {"unicode": "NFC"},
    ),
    Group("nfkc", "text", "text", (("ﬁ", "fi", None), ("①", "1", None), ("ｶﾞ", "ガ", None), ("a\u00a0b", "a b", None)), {"unicode": "NFKC"}),
    Group(
        "trim",
        "text",
        "text",
        ((" a\u00a0", "a", None), ("a\n", "a", None), ("a  b", "a b", "blanks"), (" ", "", None), (" ", None, "null"), ("\u200ba", "a", "value")),
        {"blanks": "trim"},
    ),
    Group("collapse", "text", "text", ((" a \t b ", "a b", None), ("a b", "ab", "blanks")), {"blanks": "collapse"}),
    Group("remove", "text", "text", (("DE 12 34", "DE1234", None), ("D E", "de", "case")), {"blanks": "remove"}),
    Group(
        "all_of_text",
        "text",
        "text",
        ((" É  cole", "e\u0301 COLE ", None), (" ", None, None), ("ﬀ", "FF", None), ("a", "b", "value")),
        {"ignore_case": True, "unicode": "NFKC", "blanks": "collapse", "null_is_empty": True},
    ),
    Group(
        "trim_of_fixed_width",
        "char(8)",
        "text",
        (("ab      ", "ab", None), ("ab      ", "ab ", None), ("ab      ", "b", "value")),
        {"blanks": "trim"},
    ),
    Group(
        "normalise",
        "text",
        "text",
        (("A-1", "A1", None), ("A-1", "A2", "value"), (None, None, None), (None, "", "null")),
        {"normalise": lambda value: value.replace("-", "")},
    ),
    Group(
        "unordered",
        "list of text",
        "list of text",
        ((["a", "b"], ["b", "a"], None), (["a", "a"], ["a"], "value"), ([], None, "null")),
        {"unordered": True},
    ),
    Group(
        "unordered_ignoring_case",
        "list of text",
        "list of text",
        ((["A", "b"], ["B", "a"], None), (["A", "a"], ["a", "b"], "value")),
        {"unordered": True, "ignore_case": True},
    ),
    # ------------------------------------------------------------ what only Python carries
    Group(
        "mixed",
        "any",
        "any",
        (
            (1, True, "type"),
            (0, False, "type"),
            ("1", 1, "type"),
            (D("sNaN"), math.nan, None),
            (D("1E+1000000"), D("10E+999999"), None),
            (10**400, D("1E+400"), None),
            (D("1E-400"), 0, "scale"),
            (UUID(int=1), UUID(int=1), None),
            (UUID(int=1), str(UUID(int=1)), "type"),
            ([1, [2, {"a": 1.0}]], (1.0, (2, {"a": 1})), None),
            ([[1, 2]], [[2, 1]], "value"),
            ({"a": 1, "b": None}, {"b": None, "a": 1}, None),
            ({"a": None}, {}, "value"),
            ({1, 2}, {2, 1.0}, None),
            ("a\0b", "a\0b", None),
            ("a\0b", "a", "truncation"),
            ("\ud800", "\ud800", None),
        ),
    ),
)


#: Cells of an untyped file against values of a type: type → (cell, value, cause)
CELLS: Mapping[str, Sequence[Pair]] = MappingProxyType(
    {
        "int64": (
            ("42", 42, None),
            ("042", 42, "type"),
            ("42.0", 42, None),
            ("+42", 42, "type"),
            ("4_2", 42, "type"),
            (" 42", 42, "type"),
            ("4.2e1", 42, None),
            ("", None, None),
            ("", 0, "null"),
            ("0", None, "null"),
            ("-0", 0, None),
            ("NULL", None, "null"),
            ("9007199254740993", 2**53, "precision"),
            ("٤٢", 42, "type"),
            ("0x2A", 42, "type"),
        ),
        "decimal(38,10)": (
            ("1.10", D("1.1"), None),
            ("1,000.00", D("1000"), "type"),
            ("1.", D(1), "type"),
            (".5", D("0.5"), "type"),
            ("1e-10", D("1E-10"), None),
        ),
        "float64": (
            ("1.10", 1.1, None),
            ("NaN", math.nan, None),
            ("", math.nan, "null"),
            ("inf", math.inf, None),
            ("-inf", -math.inf, None),
            ("0.30000000000000004", 0.3, "precision"),
            ("1e-300", 1e-300, None),
            ("0.1000000000000000055511151231257827", 0.1, "precision"),
        ),
        "text": (
            ("42", "42", None),
            ("042", "42", "format"),
            ("", "", None),
            ("a,b", "a,b", None),
            ('say "hi"', 'say "hi"', None),
            ("a\nb", "a\nb", None),
            (" a", "a", "blanks"),
            ("NULL", "NULL", None),
            ("\\N", "\\N", None),
            ("true", "True", "case"),
            ("|", "|", None),
            ("\x1f", "\x1f", None),
        ),
        "bool": (("true", True, None), ("TRUE", True, None), ("1", True, "type"), ("yes", True, "type"), ("", False, "null"), ("", None, None)),
        "date": (
            ("2026-01-31", date(2026, 1, 31), None),
            ("2026-1-31", date(2026, 1, 31), "type"),
            ("31.01.2026", date(2026, 1, 31), "type"),
            ("2026-01-30", date(2026, 1, 31), "one day off"),
            ("20260131", date(2026, 1, 31), "type"),
            ("", None, None),
        ),
        "naive": (
            ("2026-01-01T12:00:00", NOON, None),
            ("2026-01-01 12:00", NOON, None),
            ("2026-01-01T12:00:00.000000001", NOON, "truncation"),
            ("2026-01-01T12:00:00Z", NOON, "timezone missing"),
            ("2026-01-01", NOON, "type"),
            ("2026-01-01T12:00:00.000000000", NOON, None),
        ),
        "instant": (
            ("2026-01-01T12:00:00Z", NOON.replace(tzinfo=UTC), None),
            ("2026-01-01T14:00:00+02:00", NOON.replace(tzinfo=UTC), None),
            ("2026-01-01 14:00:00+0200", NOON.replace(tzinfo=UTC), None),
            ("2026-01-01T12:00:00", NOON.replace(tzinfo=UTC), "timezone missing"),
        ),
    }
)


@frozen
class Keys:
    """Sets of records whose keys are hard. ``types``: of the key's parts on each side, None where only Python carries them."""

    name: str
    left: Sequence[tuple[Any, ...]]
    right: Sequence[tuple[Any, ...]]
    #: (key, kind) of each break, in their order
    breaks: Sequence[tuple[Any, str]]
    types: tuple[Sequence[str], Sequence[str]] | None
    equal: int = 0
    options: Mapping[str, Any] = field(factory=dict)


def _whole(name: str, left: Sequence[Any], right: Sequence[Any], breaks: Sequence[tuple[Any, str]], kinds: str = "int64", **more: Any) -> Keys:
    """Records of a key and a value: (1, "x"), or a bare key for (key, "v")."""
    rows = [[item if isinstance(item, tuple) else (item, "v") for item in side] for side in (left, right)]
    return Keys(name, rows[0], rows[1], breaks, ([kinds], [kinds]), **more)


KEYS: Sequence[Keys] = (
    _whole("the same duplicates", [(1, "a"), (1, "b"), 2], [(1, "a"), (1, "b"), 2], [], equal=3),
    _whole("duplicates in another order", [(1, "a"), (1, "b"), (1, "b")], [(1, "b"), (1, "a"), (1, "b")], [], equal=3),
    _whole("duplicates on one side", [1, 2, 2], [1, 2], [(2, "duplicate")], equal=2),
    _whole("duplicates on the other side", [2], [1, 1, 2], [(1, "duplicate")], equal=1),
    _whole("as many duplicates, not the same", [(1, "a"), (1, "a"), (1, "b")], [(1, "a"), (1, "b"), (1, "b")], [(1, "duplicate")], equal=2),
    _whole("null keys", [None, None, 1], [None, 1], [(None, "null_key")] * 3, equal=1),
    _whole("only null keys", [None], [None], [(None, "null_key")] * 2),
    _whole(
        "null and empty texts as keys",
        [None, "", "NULL"],
        ["", "\\N"],
        [("NULL", "missing_right"), ("\\N", "missing_left"), (None, "null_key")],
        "text",
        equal=1,
    ),
    Keys(
        "null in a part",
        [(1, None, "v"), (1, "a", "v")],
        [(None, "a", "v"), (1, "a", "v")],
        [((1, None), "null_key"), ((None, "a"), "null_key")],
        (["int64", "text"], ["int64", "text"]),
        equal=1,
    ),
    Keys(
        "numbers as text",
        [("42", "v"), ("7", "v")],
        [(7, "v"), (42, "v")],
        [(7, "missing_left"), (42, "missing_left"), ("42", "missing_right"), ("7", "missing_right")],
        (["text"], ["int64"]),
    ),
    _whole("numbers as two texts", ["042", "42"], ["42", "42.0"], [("042", "missing_right"), ("42.0", "missing_left")], "text", equal=1),
    Keys(
        "parts that change places",
        [(1, 11, "v")],
        [(11, 1, "v")],
        [((1, 11), "missing_right"), ((11, 1), "missing_left")],
        (["int64", "int64"], ["int64", "int64"]),
    ),
    Keys(
        "parts that run together",
        [("a", "b|c", "v"), ("a", "b\x1fc", "v"), ("x", "", "v")],
        [("a|b", "c", "v"), ("a\x1fb", "c", "v"), ("", "x", "v")],
        [
            (("", "x"), "missing_left"),
            (("a", "b\x1fc"), "missing_right"),
            (("a", "b|c"), "missing_right"),
            (("a\x1fb", "c"), "missing_left"),
            (("a|b", "c"), "missing_left"),
            (("x", ""), "missing_right"),
        ],
        (["text", "text"], ["text", "text"]),
    ),
    Keys(
        "whole numbers and floats",
        [(0, "v"), (1, "v"), (2**53 + 1, "v")],
        [(-0.0, "v"), (1.0, "v"), (2.0**53, "v")],
        [(2.0**53, "missing_left"), (2**53 + 1, "missing_right")],
        (["int64"], ["float64"]),
        equal=2,
    ),
    Keys(
        "not a number",
        [(math.nan, "v"), (1.5, "v")],
        [(1.5, "v"), (math.nan, "v")],
        [(math.nan, "null_key")] * 2,
        (["float64"], ["float64"]),
        equal=1,
    ),
    Keys(
        "decimals of two scales",
        [(D("1.10"), "v"), (D("2.01"), "v")],
        [(D("1.1"), "v"), (D("2"), "v")],
        [(D("2"), "missing_left"), (D("2.01"), "missing_right")],
        (["decimal(20,2)"], ["decimal(38,10)"]),
        equal=1,
    ),
    _whole("upper and lower case", ["A", "B", "a"], ["A", "a", "b"], [("B", "missing_right"), ("b", "missing_left")], "text", equal=2),
    _whole("trailing blanks", ["a", "a "], ["a", "a  "], [("a ", "missing_right"), ("a  ", "missing_left")], "text", equal=1),
    _whole("unicode forms", ["e\u0301"], ["é"], [("e\u0301", "missing_right"), ("é", "missing_left")], "text"),
    _whole("beyond the sixteenth bit", ["\uffee", "😀", "z"], ["z", "\uffee", "😀"], [], "text", equal=3),
    _whole("markers", ["\\N", "NULL", "null", "nan", "|", "a\tb"], ["\\N", "NULL", "null", "nan", "|", "a\tb"], [], "text", equal=6),
    Keys(
        "instants of two zones",
        [(datetime(2026, 1, 1, 12, tzinfo=UTC), "v")],
        [(datetime(2026, 1, 1, 14, tzinfo=PLUS_2), "v")],
        [],
        (["instant"], ["instant in Berlin"]),
        equal=1,
    ),
    Keys(
        "naive and aware",
        [(NOON, "v")],
        [(NOON.replace(tzinfo=UTC), "v")],
        [(NOON, "missing_right"), (NOON.replace(tzinfo=UTC), "missing_left")],
        (["naive"], ["instant"]),
    ),
    Keys("truth and numbers", [(True, "v")], [(1, "v")], [(True, "missing_right"), (1, "missing_left")], (["bool"], ["int64"])),
    Keys(
        "dates and times",
        [(date(2026, 1, 1), "v")],
        [(datetime(2026, 1, 1), "v")],
        [(date(2026, 1, 1), "missing_right"), (datetime(2026, 1, 1), "missing_left")],
        (["date"], ["naive"]),
    ),
    Keys(
        "of two kinds on one side", [(1, "v"), ("1", "v")], [("1", "v"), (True, "v")], [(True, "missing_left"), (1, "missing_right")], None, equal=1
    ),
    _whole("folded by the user", ["A", "ß"], ["SS", "a"], [], "text", equal=2, options={"normalise": str.casefold}),
    _whole("without case", ["A", "ß "], ["SS", "a"], [], "text", equal=2, options={"ignore_case": True, "blanks": "trim"}),
    _whole("one by its unicode form", ["e\u0301"], ["é"], [], "text", equal=1, options={"unicode": "NFC"}),
    _whole("two that become one", [("a", "1"), ("A", "2")], [("a", "2"), ("A", "1")], [], "text", equal=2, options={"ignore_case": True}),
    _whole("nothing at all", [], [], []),
    _whole("nothing on the left", [], [1, 2], [(1, "missing_left"), (2, "missing_left")]),
)
