"""Which rows of the two sides are about the same thing: found through a key that both have, such as an e-mail address or an order's number.

A key is believed when other fields agree beside it; two sequences of small numbers that meet by chance are not. What aligned rows prove is the
business of `comparing`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping
from itertools import islice

from attrs import frozen

from integrakit.transform.suggesting.columns import Column, Row
from integrakit.transform.suggesting.formats import NUMBERS, TIMES, text_of

__all__ = ["Alignment", "align", "align_items"]

_MOST_KEYS = 6
_MOST_LOOKED_AT = 48
_FEWEST = 3
Pairs = list[tuple[Row, Row]]
#: Which record an item belongs to, so that keys inside lists need to be unique only there.
Owner = Callable[[Row], Hashable]


@frozen
class Alignment:
    """Pairs of rows that belong together, and the fields they were found by (None where items stand at the same place of their lists)."""

    rows: Pairs
    left: Column | None = None
    right: Column | None = None


def align(left: list[Column], right: list[Column]) -> Alignment | None:
    """The best alignment of two groups of columns, or None where nothing holds them together."""
    found: list[tuple[int, int, int, Alignment]] = []
    for order, (a, b, rows) in enumerate(_candidates(left, right, lambda row: ())):
        support = _support(left, right, rows, a, b)
        alone = a.form == b.form in ("e-mail", "uuid") or (
            a.has_letters and _is_telling(a) and len(rows) >= max(5, 0.3 * min(a.distinct, b.distinct))
        )
        if alone or support >= (1 if _is_telling(a) and _is_telling(b) else 2):
            found.append((support, len(rows), -order, Alignment(rows, a, b)))
    return max(found, key=lambda entry: entry[:3])[3] if found else None


def align_items(left: list[Column], right: list[Column], parents: Pairs) -> Alignment | None:
    """Items of lists whose owners are aligned: by a key inside the lists, or else by their place where both lists have the same number of items."""
    lefts, rights = _by_owner(left), _by_owner(right)
    numbers = {a: index for index, (a, b) in enumerate(parents) if a in lefts and b in rights}
    partner = dict(parents)
    placed = [pair for a in numbers if len(lefts[a]) == len(rights[partner[a]]) for pair in zip(lefts[a], rights[partner[a]], strict=True)]
    options = [(_support(left, right, placed, None, None), len(placed), 1, Alignment(placed))] if len(placed) >= _FEWEST else []
    back = {b: numbers[a] for a, b in parents if a in numbers}

    def owner(row: Row) -> Hashable:
        return numbers.get(row[:-1], -1)

    def owner_right(row: Row) -> Hashable:
        return back.get(row[:-1], -2)

    for a, b, rows in _candidates(left, right, owner, owner_right):
        options.append((_support(left, right, rows, a, b) + 1, len(rows), 0, Alignment(rows, a, b)))
    best = max(options, key=lambda entry: entry[:3], default=None)
    return best[3] if best and best[0] else None


def _by_owner(columns: list[Column]) -> dict[Row, list[Row]]:
    rows = sorted({row for column in columns for row in column.values})
    found: dict[Row, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[:-1]].append(row)
    return found


def _is_telling(column: Column) -> bool:
    """Whether equal values are hardly ever chance: text with letters, long numbers."""
    texts = [text_of(value) for value in islice(column.values.values(), 50)]
    return column.form in ("e-mail", "uuid", "phone") or (column.form not in TIMES and bool(texts) and sum(map(len, texts)) >= 5 * len(texts))


def _unique(column: Column, owner: Owner) -> dict[Hashable, Row]:
    if not column.group and column.distinct < 0.5 * len(column.values):
        return {}  # as below, without the work
    rows: dict[Hashable, Row] = {}
    double: set[Hashable] = set()
    values: Mapping[Row, Hashable] = column.texts if column.form in NUMBERS and not column.types & {float} else column.normal
    for row, value in values.items():
        key = (owner(row), value)
        if key in rows:
            double.add(key)
        rows[key] = row
    return {key: row for key, row in rows.items() if key not in double} if len(rows) >= 0.7 * len(values) else {}


def _candidates(left: list[Column], right: list[Column], owner: Owner, owner_right: Owner | None = None) -> list[tuple[Column, Column, Pairs]]:
    """Pairs of columns whose values are unique on both sides and occur on both, the most in common first."""
    usable = [column for column in left if _can_be_key(column)]
    uniques = [(column, _unique(column, owner)) for column in usable]
    holders: dict[Hashable, list[int]] = defaultdict(list)
    for index, (_, unique) in enumerate(uniques):
        for value in unique:
            holders[value].append(index)
    found: list[tuple[int, int, int, Column, dict[Hashable, Row]]] = []
    for place, column in enumerate(column for column in right if _can_be_key(column)):
        unique = _unique(column, owner_right or owner)
        common: Counter[int] = Counter()
        for value in unique.keys() & holders.keys():
            for index in holders[value]:
                common[index] += 1
        found += [(count, index, place, column, unique) for index, count in common.items() if count >= _FEWEST]
    telling = {key: _is_telling(column) for key, column in {id(entry[3]): entry[3] for entry in found}.items()}
    found.sort(key=lambda entry: (-entry[0] * (1 + telling[id(entry[3])]), entry[1], entry[2]))
    return [
        (uniques[index][0], column, [(row, unique[value]) for value, row in uniques[index][1].items() if value in unique])
        for _, index, _, column, unique in found[:_MOST_KEYS]
    ]


def _can_be_key(column: Column) -> bool:
    return column.form not in ("flag", "nothing", "list", "date", "two letters", "three letters", "written date") and column.distinct >= _FEWEST


def _can_support(column: Column) -> bool:
    return column.distinct >= 5 or (column.distinct >= _FEWEST and not column.is_enum)


def _support(left: list[Column], right: list[Column], rows: Pairs, key_left: Column | None, key_right: Column | None) -> int:
    """How many other fields of the left side agree, row by row, with some field of the right side."""
    lefts = [column for column in left if column is not key_left and _can_support(column)]
    rights = [column for column in right if column is not key_right and _can_support(column)]
    looked = rows[:: max(1, len(rows) // _MOST_LOOKED_AT)][:_MOST_LOOKED_AT]
    agreed: Counter[tuple[int, int]] = Counter()
    seen: defaultdict[tuple[int, int], set[Hashable]] = defaultdict(set)
    ours = [(index, _family(column), column.normal) for index, column in enumerate(lefts)]
    theirs = [(index, _family(column), column.normal) for index, column in enumerate(rights)]
    for a, b in looked:
        there: dict[Hashable, list[int]] = defaultdict(list)
        for index, family, values in theirs:
            if (value := values.get(b)) is not None:
                there[family, value].append(index)
        for index, family, values in ours:
            value = values.get(a)
            for other in there.get((family, value), ()) if value is not None else ():
                agreed[index, other] += 1
                seen[index, other].add(value)
    found = set()
    for (index, other), count in agreed.items():
        if count >= _FEWEST and index not in found and len(seen[index, other]) >= _FEWEST:
            one, two = lefts[index].normal, rights[other].normal
            if count >= 0.8 * sum(a in one and b in two for a, b in looked):
                found.add(index)
    return len(found)


def _family(column: Column) -> str:
    return "number" if column.form in NUMBERS else "time" if column.form in TIMES else "phone" if column.form == "phone" else "text"
