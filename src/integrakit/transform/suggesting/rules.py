"""The rule for a pair of fields: the plainest one that gives what the other side holds, and weaker ones to fall back on.

Rules are proposed here and not tried; `trying` does that with the samples themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from decimal import Decimal
from itertools import islice
from typing import Any

from integrakit.transform.conversions.phones import country_of
from integrakit.transform.paths import render
from integrakit.transform.suggesting.aligning import Pairs
from integrakit.transform.suggesting.columns import Column
from integrakit.transform.suggesting.comparing import Match
from integrakit.transform.suggesting.formats import NUMBERS, TIMES, text_of
from integrakit.transform.suggesting.moments import time_rules

__all__ = ["propose"]

Table = dict[str, Any]
#: A rule, the table its ``lookup`` needs, and what a person should know about it.
Proposal = tuple[Any, Table | None, str]

_MOST_DIGITS = 6
_MOST_ODD = 20
_NOTHING = frozenset({"", "n a", "na", "none", "null", "nil", "nan", "unknown", "tbd"})
_APPLIED: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
    (("strip",), str.strip),
    (("lower",), str.lower),
    (("upper",), str.upper),
    (("strip", "lower"), lambda text: text.strip().lower()),
    (("strip", "upper"), lambda text: text.strip().upper()),
    (("title",), str.title),
    (("strip", "title"), lambda text: text.strip().title()),
    (("squeeze",), lambda text: " ".join(text.split())),
    (("digits",), lambda text: "".join(filter(str.isdigit, text))),
)
_PHONES = ("E164", "INTERNATIONAL", "NATIONAL")


def propose(match: Match, rows: Pairs | None) -> list[Proposal]:
    """Rules for the pair, the best first. The last one is only the path."""
    left, right = match.left, match.right
    path = render(left.keys)
    found: list[Proposal] = []
    if (table := _table(match, rows)) is not None:
        found.append(({"from": path, "lookup": right.keys[-1]}, table, ""))
    elif left.form in NUMBERS and right.form in NUMBERS:
        found += _number(match, path)
    elif left.form in TIMES and right.form in TIMES:
        found += time_rules(left, right, path)
    elif right.types == {bool} and left.types != {bool}:
        found.append(({"from": path, "to": "bool"}, None, ""))
    elif right.types == {str}:
        if left.types == {str}:
            found += _phone(left, right, path) if "phone" in (left.form, right.form) else []
            found += _text(left, right, path, rows)
        elif left.types <= {int, str, bool, Decimal}:
            found.append(({"from": path, "to": "str"}, None, ""))
    elif right.types == {int} and left.types <= {str, int}:
        found.append(({"from": path, "to": "int"}, None, ""))
    return [*found, *_with_nulls(left, found), (path, None, "")]


def _with_nulls(left: Column, found: list[Proposal]) -> list[Proposal]:
    """The same rules where blank text and a few words such as "n/a" stand for nothing: to fall back on."""
    if str not in left.types or left.form not in (*NUMBERS, *TIMES):
        return []
    odd = dict.fromkeys(value for row, value in left.values.items() if row not in left.normal and isinstance(value, str))
    # Known words only: what else stands there may be wrong, or personal.
    nulls = ["", *(value for value in islice(odd, _MOST_ODD) if text_of(value) in _NOTHING)]
    return [({**rule, "null_values": nulls}, table, note) for rule, table, note in found[:2] if isinstance(rule, dict) and "from" in rule]


def _number(match: Match, path: str) -> list[Proposal]:
    left, right = match.left, match.right
    digits = max((_digits(value) for value in islice(right.values.values(), 300)), default=0)
    # 20.9 may be 20.90: no sample shows that there is never a second digit.
    digits = min(_MOST_DIGITS, max(2, digits) if digits else 0)
    decimal: dict[str, Any] = {"to": "decimal", "scale": digits}
    floats = {"float": "shortest"} if float in left.types else {}
    note = "" if match.factor != 1 else "the sizes look like minor units (cents): check it"
    if match.factor == 100 or (match.agreement is None and _looks_minor(left, right)):
        return [({"divide": [path, 100], "to": "decimal", "scale": max(2, digits), **floats}, None, note)]
    if match.factor == -100 or (match.agreement is None and _looks_minor(right, left)):
        return [({"multiply": [path, 100], "to": "int" if right.types == {int} else "decimal", **floats}, None, note)]
    if right.form == "whole number" and right.types == {str}:
        return _written(left, right, path)
    if left.types == right.types or (left.types | right.types) <= {int, float}:
        # A fallback: for numbers that only agree once they are rounded.
        return [(path, None, ""), ({"from": path, **decimal, **floats}, None, "")] if right.form == "number" else []
    if right.types == {int}:
        return [({"from": path, "to": "int"}, None, "")]
    return [({"from": path, **decimal, **floats}, None, ""), ({"from": path, "to": "decimal", **floats}, None, "")]


def _written(left: Column, right: Column, path: str) -> list[Proposal]:
    """Whole numbers as text, with zeros at the front where all have one length and some have them."""
    if not left.types <= {int, str}:
        return [({"from": path, "to": "str"}, None, "")] if left.types <= {int, str, Decimal} else []
    texts = {value.strip() for value in right.values.values()}
    lengths = {len(text) for text in texts}
    if len(lengths) == 1 and any(text.startswith("0") for text in texts) and {len(str(value)) for value in left.values.values()} != lengths:
        return [({"from": path, "to": "str", "width": lengths.pop()}, None, ""), ({"from": path, "to": "str"}, None, "")]
    return [({"from": path, "to": "str"}, None, "")] if left.types != {str} else []


def _looks_minor(left: Column, right: Column) -> bool:
    """Whole numbers about a hundred times as large as fractions of two digits."""
    if left.types != {int} or left.form != "whole number" or right.form != "number" or not left.numbers:
        return False
    if max((_digits(value) for value in right.values.values()), default=0) > 2:
        return False
    ours, theirs = sorted(map(abs, left.numbers.values())), sorted(map(abs, right.numbers.values()))
    middle = theirs[len(theirs) // 2] if theirs else 0
    return bool(middle) and 15 < ours[len(ours) // 2] / middle < 600


def _digits(value: Any) -> int:
    if isinstance(value, float):
        value = repr(value)
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0
    return len(value.strip().partition(".")[2]) if isinstance(value, str) and "e" not in value.lower() else 0


def _phone(left: Column, right: Column, path: str) -> list[Proposal]:
    """National numbers, or numbers with blanks, as the other side writes them. Needs the extra ``phone``: without it no sample is accepted."""
    regions: list[dict[str, Any]] = [{}]
    if not all(text.strip().startswith("+") for text in left.values.values()):
        known = [region for column in (right, left) for text in islice(column.values.values(), 100) if (region := country_of(text))]
        regions = [{"region": region} for region, _ in Counter(known).most_common(2)]
    # Where no rows tell, a rule that leaves all as it is comes last.
    same = _shape(left) == _shape(right)
    written = [_PHONES[0] if _shape(right) == "+" else _PHONES[1], *_PHONES] if not same else _PHONES
    rules: list[Proposal] = [
        ({"from": path, "to": "phone", **region, **({} if form == "E164" else {"write": form})}, None, "")
        for form in dict.fromkeys(written)
        for region in regions
    ]
    return [(path, None, ""), *rules] if same else rules


def _shape(column: Column) -> str:
    texts = [text.strip() for text in islice(column.values.values(), 100)]
    marks = {(text[:1] == "+", not text[1:].isdigit()) for text in texts}
    return {frozenset({(True, False)}): "+", frozenset({(True, True)}): "+ "}.get(frozenset(marks), "")


def _text(left: Column, right: Column, path: str, rows: Pairs | None) -> list[Proposal]:
    """Functions on text, where they make more values equal, or where the cases of codes and addresses differ throughout."""
    pairs = [(left.values[a], right.values[b]) for a, b in (rows or ())[:300] if a in left.values and b in right.values]
    if len(pairs) >= 3:
        best, most = None, sum(a == b for a, b in pairs)
        for names, function in _APPLIED:
            count = sum(function(a) == b for a, b in pairs)
            if count > most:
                best, most = names, count
        return [({"from": path, "apply": list(best)}, None, "")] if best and most >= 0.8 * len(pairs) else []
    if left.form == right.form and left.form in ("two letters", "three letters", "e-mail"):
        ours, theirs = list(left.values.values()), list(right.values.values())
        for name, function in (("lower", str.lower), ("upper", str.upper)):
            if all(value == function(value) for value in theirs) and not all(value == function(value) for value in ours):
                return [({"from": path, "apply": [name]}, None, "")]
    return []


def _table(match: Match, rows: Pairs | None) -> Table | None:
    """A lookup table where the aligned rows prove one, or where the two sides spell the same few words differently."""
    left, right, found = match.left, match.right, match.agreement
    if found is not None and found.table is not None and found.share < 0.97:
        return {_key(value): to for value, to in found.table.items()}
    if not (left.is_enum and right.is_enum) or left.types != {str} or right.types != {str} or left.form != "text":
        return None
    theirs: dict[str, Hashable] = {}
    for value in right.values.values():
        theirs.setdefault(text_of(value), value)
    ours = list(dict.fromkeys(left.values.values()))
    if not all(text_of(value) in theirs for value in ours) or all(value in set(right.values.values()) for value in ours):
        return None
    for _, function in _APPLIED:
        if all(function(value) == theirs[text_of(value)] for value in ours):
            return None  # a function says it more shortly, and for words that are not in the samples too
    return {value: theirs[text_of(value)] for value in sorted(ours)}


def _key(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value
