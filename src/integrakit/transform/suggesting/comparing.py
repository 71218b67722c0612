"""Two fields compared: by name, by form, by values, and row by row where rows could be aligned. Gives a score in log-odds and the reasons in words.

All weights of evidence stand in this file. Which pairs win is the business of `choosing`; what a field holds is in `columns`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from itertools import islice
from typing import Any

from attrs import Factory, define, field

from integrakit.transform.suggesting.aligning import Pairs
from integrakit.transform.suggesting.columns import Column, Row
from integrakit.transform.suggesting.formats import NUMBERS, TIMES, rounded
from integrakit.transform.suggesting.names import Likeness

__all__ = ["Agreement", "Match", "agreement", "score"]

_RARE = frozenset({"e-mail", "url", "uuid", "phone"})
_FREE = frozenset({"text", "phone", "url", "two letters", "three letters"})
_IDENTITY = frozenset({"id", "ref", "number", "code", "key", "external", "2", "1"})
#: Words that nearly every record has, and each time for something else.
_GENERIC = frozenset(
    {*_IDENTITY, "name", "date", "amount", "value", "type", "description", "note", "label", "status", "state", "stage", "count", "title", "category"}
    | {"group", "subject", "class", "source", "rate", "percent"}
)
#: Of these each system has its own list.
_LISTS = frozenset({"status", "state", "stage", "type", "category", "class", "group", "priority", "severity", "source", "channel", "method", "role"})
_WORDED = frozenset({"text", "two letters", "three letters"})
_FEWEST = 3
_FEW_ROWS = 5
_ENOUGH_ROWS = 8
#: How many rows each entry of a table needs to be no accident.
_ROWS_FOR_EACH = 3
_MOST_ROWS = 200
# Where none of so many rows agrees, the others are not asked.
_FIRST = 40
#: Plain numbers, minor units to whole ones, and the other way.
_FACTORS = (1, 100, -100)


@define
class Agreement:
    """What aligned rows say. ``share`` of ``rows`` agree; ``beyond`` is the share beyond chance; ``distinct`` different values agreed."""

    rows: int
    share: float
    beyond: float
    distinct: int
    #: What the left number is divided by to give the right one; below 0: multiplied by.
    factor: int = 1
    #: Left value → right value where each left value always goes with the same right one.
    table: dict[Hashable, Hashable] | None = None


@define
class Match:
    """One pair of fields and what speaks for it. ``score``: natural log of the odds; 0 is as likely as not."""

    left: Column
    right: Column
    likeness: Likeness
    score: float = 0.0
    reasons: list[str] = Factory(list)
    agreement: Agreement | None = None
    factor: int = 1
    #: Whether values speak for it, and not its names and forms alone.
    met: bool = False
    confidence: float = field(default=0.0)

    def add(self, points: float, reason: str = "") -> None:
        self.score += points
        if reason:
            self.reasons.append(reason)


def score(match: Match, rows: Pairs | None, trust: float, known: Match | None = None) -> Match:
    """Scores a pair. ``rows``: aligned rows; ``trust``: 0 to 1, how far their disagreement speaks against it; ``known``: what was found before."""
    left, right = match.left, match.right
    _names(match)
    if not _forms(match):
        return match
    match.agreement = known.agreement if known else agreement(left, right, rows) if rows else None
    if match.agreement is not None:
        _rows(match, match.agreement, trust)
    else:
        _values(match, aligned=bool(rows) and trust > 0.5)
    _shapes(match)
    if not match.met:
        _names_alone(match)
    return match


# -------------------------------------------------------------------------------------------------- names


def _names(match: Match) -> None:
    alike = match.likeness
    points = 8.0 * (alike.share - 0.55)
    if points > 0:
        points *= 0.45 + 0.55 * min(1.0, alike.said)
    if alike.conflict:
        points = min(points, 0.0) - 4.0
    reason = ""
    if alike.words and alike.share >= 0.3:
        same = [one if one == other else f"{one} ≈ {other}" for one, other in alike.words]
        reason = f"names {'agree' if alike.share > 0.95 else 'are alike'} ({', '.join(same[:4])})"
    match.add(points, reason)


def _names_alone(match: Match) -> None:
    """Where no value speaks for a pair, a word that one side does not say may make it something else: ``ship_date`` and ``latest_ship_date``."""
    left, right, alike = match.left, match.right, match.likeness
    if (alike.alone or alike.apart) and _spelled(left) != _spelled(right):
        said = f"only one side says {', '.join(alike.alone[:3])}" if alike.alone else ""
        match.add(-min(3.0, 1.5 * alike.alone_says) - min(2.0, 2.0 * alike.apart), said)
    general = bool(alike.words) and all(one in _GENERIC and other in _GENERIC for one, other in alike.words)
    if general and alike.share < 0.95:
        match.add(-1.5, "the names have only a general word in common")
    if left.form != right.form:
        if left.form in _WORDED and right.form in _WORDED:
            match.add(-1.5)
        elif left.form in NUMBERS and right.form in NUMBERS and general and "amount" not in dict(alike.words):
            # Of a "value" nobody knows whether it is money, so nothing says that one side counts in cents.
            match.add(-1.0)
    known = _listed(match) and (general or _spelled(left) != _spelled(right)) and min(len(left.texts), len(right.texts)) >= _FEW_ROWS
    if known and not left.normal_set & right.normal_set:
        # Copied as it is, a status of one system is none of the other's, and nothing here says how to translate it.
        match.add(-2.0, "no value in common, and such fields hold one of a few")


def _spelled(column: Column) -> str:
    return "".join(sign for key in column.keys for sign in str(key) if sign.isalnum()).lower()


def _listed(match: Match) -> bool:
    """Whether names or values say that both fields hold one of a few texts that their system knows."""
    words = {word for pair in match.likeness.words for word in pair}
    forms = {match.left.form, match.right.form}
    return forms <= _WORDED and "text" in forms and bool(words & _LISTS)


# -------------------------------------------------------------------------------------------------- forms


def _forms(match: Match) -> bool:
    """Weighs the forms; False where they exclude each other."""
    a, b = match.left.form, match.right.form
    if "nothing" in (a, b):
        match.add(-2.8, "no value to look at on one side")
        return True
    points = _form_points(match.left, match.right, a, b)
    match.add(points, f"both are {_plural(a)}" if a == b and points > 0 and a != "text" else f"{a} beside {b}" if a != b and points > -2 else "")
    return points > -5


def _form_points(left: Column, right: Column, a: str, b: str) -> float:
    if a == b == "flag" and left.distinct == right.distinct == 1:
        return -1.0
    if a == b:
        return 1.2 if a in _RARE else 0.4 if a not in ("text", "number", "whole number", "list") else 0.1
    if "list" in (a, b) or "flag" in (a, b):
        return -6.0
    if a in TIMES and b in TIMES:
        return 0.4
    if a in NUMBERS and b in NUMBERS:
        return 0.1
    if "epoch" in (a, b) and (a in NUMBERS or b in NUMBERS):
        return -2.0
    if a in TIMES or b in TIMES or "e-mail" in (a, b) or "url" in (a, b):
        return -6.0
    if a in NUMBERS or b in NUMBERS:
        number, other = (left, right) if a in NUMBERS else (right, left)
        if other.form == "phone" or (number.types == {str} and not other.has_letters):
            return 0.0
        return -0.7 if number.types <= {str} and number.form == "whole number" else -4.0
    return -2.5 if "uuid" in (a, b) else -0.2


def _plural(form: str) -> str:
    return {"e-mail": "e-mail addresses", "list": "lists", "two letters": "codes of two letters", "three letters": "codes of three letters"}.get(
        form, form if form.endswith("s") else f"{form}s"
    )


# -------------------------------------------------------------------------------------------------- values in common


def _comparable(left: Column, right: Column) -> tuple[Mapping[Row, Hashable], Mapping[Row, Hashable], str] | None:
    a, b = left.form, right.form
    if a in NUMBERS and b in NUMBERS:
        return left.numbers, right.numbers, "number"
    if a in TIMES and b in TIMES:
        if {a, b} <= {"instant", "epoch", "local time"}:
            return left.instants, right.instants, "moment"
        return left.days, right.days, "day"
    if a in TIMES or b in TIMES:
        return None
    if "phone" in (a, b) and left.phones and right.phones:
        return left.phones, right.phones, "phone"
    return left.texts, right.texts, "text"


def _values(match: Match, *, aligned: bool) -> None:
    found = _comparable(match.left, match.right)
    if found is None or "nothing" in (match.left.form, match.right.form):
        return
    one, other, kind = found
    ours = match.left.normal_set if one is match.left.normal else set(one.values())
    theirs = match.right.normal_set if other is match.right.normal else set(other.values())
    common = len(ours & theirs)
    least = min(len(ours), len(theirs))
    share = common / least if least else 0.0
    telling = kind in ("text", "phone") and (match.left.has_letters or kind == "phone" or _long(one)) and not match.left.is_enum
    telling = telling or (kind == "number" and _long(one))
    if common >= _FEWEST and share >= 0.15 and (telling or not _names_identity(match)):
        points = min(2.5, 0.6 * math.log2(1 + common)) * min(1.0, share * 1.5) * (1.0 if telling else 0.35)
        match.met = telling
        match.add(points, f"{common} values in common")
    elif common and match.left.is_enum and match.right.is_enum and not _only_zeros(ours | theirs):
        match.met = kind == "text" and match.left.form != "flag"
        match.add(0.5, f"{common} of {least} values in common")
    elif _names_identity(match):
        match.add(-3.0, "identifiers without a value in common")
    elif (said := _constants(match, one, other, common)) is not None:
        match.add(*said)
    elif common == 0 and match.left.is_enum and match.right.is_enum and kind == "text" and match.left.form == "text":
        match.add(-0.2, "no value in common")


def _only_zeros(values: Iterable[Hashable]) -> bool:
    return all(type(value) is not str and value == 0 for value in values)


def _constants(match: Match, one: Mapping[Row, Hashable], other: Mapping[Row, Hashable], common: int) -> tuple[float, str] | None:
    """What it says that a side always holds the same: two constants that differ, or a constant beside values that vary, are hardly one thing."""
    ours, theirs = len(set(one.values())), len(set(other.values()))
    if min(len(one), len(other)) < _FEW_ROWS or min(ours, theirs) > 1 or "flag" in (match.left.form, match.right.form):
        return None
    if common and _only_zeros((*one.values(), *other.values())):
        return -2.5, "nothing but zeros on both sides"
    if ours == theirs and not common:
        return -2.5, "each side always holds the same, and not what the other holds"
    return (-2.5, "one side always holds the same") if max(ours, theirs) >= _FEW_ROWS and not common else None


def _names_identity(match: Match) -> bool:
    """Whether the names say no more than that something is identified: another system has other ids for it."""
    words = [word for word, _ in match.likeness.words]
    return bool(words) and ("id" in words or all(word in _IDENTITY for word in words))


def _long(values: Mapping[Row, Hashable]) -> bool:
    seen = list(islice(values.values(), 50))
    return sum(len(str(value)) for value in seen) >= 5 * len(seen)


# -------------------------------------------------------------------------------------------------- row by row


def agreement(left: Column, right: Column, rows: Pairs) -> Agreement | None:
    """How far the aligned rows agree; None where there are too few, or where both sides hardly vary."""
    found = _comparable(left, right)
    if found is None:
        return None
    one, other, kind = found
    if kind == "moment" and sum(one.get(a) == other.get(b) for a, b in rows[:_FIRST]) < 0.5 * len(rows[:_FIRST]):
        one, other = left.days, right.days
    looked = rows[:: max(1, len(rows) // _MOST_ROWS)]
    pairs = [(one[a], other[b]) for a, b in looked if a in one and b in other]
    if len(pairs) < _FEWEST:
        return None
    if kind != "text" and len(pairs) > 2 * _FIRST:
        # Most pairs of fields have nothing to do with each other: a part of the rows is enough to see that.
        some = pairs[:: len(pairs) // _FIRST]
        if sum(_scaled(a, factor) == b for a, b in some for factor in (_FACTORS if kind == "number" else (1,))) < 0.1 * len(some):
            pairs = some
    factors = [factor for factor in (_FACTORS if kind == "number" else (1,)) if any(_scaled(a, factor) == b for a, b in pairs[:_FIRST])]
    best: Agreement | None = None
    if not factors and kind != "text":
        return Agreement(len(pairs), 0.0, 0.0, 0)
    for factor in factors or (1,):
        scaled = [(_scaled(a, factor), b) for a, b in pairs]
        now = _agreed(scaled, factor)
        if best is None or now.beyond > best.beyond:
            best = now
    if best is not None and best.beyond < 0.8 and kind == "text":
        best.table = _table(left, right, looked)
    # That a constant equals a constant says nothing; that it never does says something.
    return best if best is not None and (best.distinct > 1 or best.share < 0.5 or len({b for _, b in pairs}) > 1) else None


def _scaled(value: Any, factor: int) -> Any:
    if factor == 1:
        return value
    return rounded(value / factor if factor > 0 else value * -factor)


def _agreed(pairs: list[tuple[Hashable, Hashable]], factor: int) -> Agreement:
    count = len(pairs)
    same = [a for a, b in pairs if a == b]
    ours, theirs = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(times * theirs[value] for value, times in ours.items()) / count**2
    share = len(same) / count
    beyond = (share - chance) / (1 - chance) if chance < 0.999 else 0.0
    return Agreement(count, share, beyond, len(set(same)), factor)


def _table(left: Column, right: Column, rows: Pairs) -> dict[Hashable, Hashable] | None:
    """Left value → right value where it is always the same one, there are at least two, and each was seen twice."""
    if not (left.is_enum and right.is_enum) or len(right.types) != 1:
        return None
    seen: dict[Hashable, Counter[Hashable]] = {}
    for a, b in rows:
        if a in left.values and b in right.values and isinstance(left.values[a], str | int):
            seen.setdefault(left.values[a], Counter())[right.values[b]] += 1
    total = sum(sum(counts.values()) for counts in seen.values())
    sure = {value: counts.most_common(1)[0] for value, counts in seen.items() if sum(counts.values()) >= 2}
    held = sum(count for _, count in sure.values())
    if len(sure) < 2 or len({to for to, _ in sure.values()}) < 2 or held < 0.97 * total:
        return None
    return {value: to for value, (to, _) in sure.items()}


def _rows(match: Match, found: Agreement, trust: float) -> None:
    exact = match.left.form not in _FREE or match.right.form not in _FREE
    # Two values go with two others in five rows by chance as often as not.
    enough = found.table is not None and found.rows >= _ROWS_FOR_EACH * len(found.table)
    match.met = enough or found.beyond >= 0.6 or (found.table is not None and match.likeness.share >= 0.95)
    if found.table is not None and found.share < 0.97:
        named = match.likeness.share >= 0.3 and enough
        # Words beside numbers speak against a pair; here they are the codes of the other system.
        codes = named and (match.left.form in NUMBERS) != (match.right.form in NUMBERS)
        match.add(
            (2.0 if named else 0.0) + (3.0 if codes else 0.0), f"each of {len(found.table)} values always goes with the same one in {found.rows} rows"
        )
        return
    if found.beyond >= 0.9 or (found.beyond >= 0.8 and found.distinct >= 8):
        points = min(6.0, 1.5 + math.log2(max(1, found.distinct))) * (1.0 if found.beyond >= 0.9 else 0.7)
        # That two events fall on the same days is no proof that they are the same event, nor that two things are counted alike.
        by_chance = match.likeness.share < 0.3 and (match.left.form in TIMES or _counted(match.left, match.right))
        if by_chance:
            points = min(points, 3.0)
        elif found.distinct >= 5 and match.likeness.conflict is None:
            match.score = max(match.score, -1.5)
        scaled = f" after {'division' if found.factor > 0 else 'multiplication'} by {abs(found.factor)}" if found.factor != 1 else ""
        match.factor = found.factor
        match.add(points, f"{found.share:.0%} of {found.rows} rows agree{scaled}")
        if match.left.form in NUMBERS and match.likeness.words and match.likeness.apart >= 0.5 and found.distinct < _ENOUGH_ROWS:
            # A net price and a gross one are the same in a few rows easily: each name says what the other does not.
            match.add(-1.5, "but few values, and each name says something else")
    elif found.beyond >= 0.6 and not exact:
        match.add(1.5, f"{found.share:.0%} of {found.rows} rows agree")
    else:
        if _names_identity(match):
            trust = 1.0
        against = 1.5 + 3.0 * trust if exact and found.beyond < 0.2 else 4.0 * trust if exact else 2.5 * trust
        match.add(-against, f"only {found.share:.0%} of {found.rows} rows agree")


def _counted(left: Column, right: Column) -> bool:
    """Whether both hold small whole numbers only: places in a row, quantities, marks."""
    return all(
        column.form in NUMBERS and all(0 <= value < 100 and value == int(value) for value in column.numbers.values()) for column in (left, right)
    )


# -------------------------------------------------------------------------------------------------- shape


def _shapes(match: Match) -> None:
    """How large numbers are and how long texts; little evidence for, some against."""
    left, right = match.left, match.right
    if match.agreement is not None and match.agreement.beyond >= 0.9:
        return
    if left.form in NUMBERS and right.form in NUMBERS:
        gap = left.magnitude - right.magnitude
        minor = 1.2 < gap < 2.8 and left.form == "whole number" and right.form == "number"
        minor = minor or (1.2 < -gap < 2.8 and left.form == "number" and right.form == "whole number")
        if abs(gap) > 1.2 and not minor:
            match.add(-min(3.0, abs(gap) - 0.7), "numbers of another size")
        elif left.form != right.form and "quantity" not in dict(match.likeness.words):
            match.add(-0.2)
    elif left.form == right.form == "text" and left.texts and right.texts:
        ratio = math.log2(left.length / right.length)
        if abs(ratio) > 1.6:
            match.add(-min(2.5, abs(ratio) - 0.8), "texts of another length")
