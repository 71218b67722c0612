"""All fields of one side against all of the other: the record's own fields first, then lists against lists and their items.

It only steers; names, values, rows and rivals are weighed in `names`, `comparing`, `aligning` and `choosing`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from itertools import islice

from attrs import Factory, define, evolve

from integrakit.transform.suggesting.aligning import Alignment, Pairs, align, align_items
from integrakit.transform.suggesting.choosing import Twins, choose
from integrakit.transform.suggesting.columns import Column, Group, Samples, spelled_path
from integrakit.transform.suggesting.comparing import Match, score
from integrakit.transform.suggesting.formats import NUMBERS, TIMES, rounded
from integrakit.transform.suggesting.names import Likeness, Name, compare, house_words, read_name

__all__ = ["Matching", "match_all"]

_ALIKE = 0.3
_MOST_VALUES = 300
_MOST_ROWS = 100
_NAME_SAYS_SO = 0.85
_TWIN = 0.7
# What a pair of lists must bring together, in pairs of fields, and by how much it must beat other lists.
_ENOUGH = 0.9
_MARGIN = 0.4


@define
class Matching:
    """The outcome: pairs that won, pairs of lists (left group, right group), and the alignment of the records."""

    matches: list[Match] = Factory(list)
    lists: dict[Group, Group] = Factory(dict)
    alignment: Alignment | None = None
    rows: dict[Group, Pairs] = Factory(dict)


def match_all(left: Samples, right: Samples) -> Matching:
    """Matches every field of two sides."""
    names = [_names(side) for side in (left, right)]
    found = Matching()
    found.alignment = align(left.of(()), right.of(()))
    rows = found.alignment.rows if found.alignment else None
    own = _choose_in(left.of(()), right.of(()), names, rows)
    if rows:
        found.rows[()] = rows
    found.matches += own
    waiting: list[tuple[Group, Group]] = [((), ())]
    while waiting:
        outer_left, outer_right = waiting.pop(0)
        inner = found.rows.get(outer_left)
        options = []
        for a in _below(left, outer_left):
            for b in _below(right, outer_right):
                options.append(_lists(left, right, a, b, names, inner))
        for a, b, matches, pairs in _best_lists(options):
            found.lists[a] = b
            if pairs:
                found.rows[a] = pairs
            found.matches += matches
            waiting.append((a, b))
    return found


def _names(side: Samples) -> dict[int, Name]:
    house = house_words(keys for _, keys in side.columns)
    return {id(column): read_name(column.keys, house) for column in side.columns.values()}


def _below(side: Samples, outer: Group) -> list[Group]:
    return [group for group in side.groups() if len(group) == len(outer) + 1 and group[:-1] == outer]


def _choose_in(left: list[Column], right: list[Column], names: list[dict[int, Name]], rows: Pairs | None) -> list[Match]:
    """The winning pairs of two groups of columns."""
    pairs = list(_candidates(left, right, names, rows))
    scored = [score(Match(a, b, likeness), rows, 0.0) for a, b, likeness in pairs]
    if rows:
        trust = _trust(scored)
        scored = [score(Match(one.left, one.right, one.likeness), rows, trust, one) for one in scored]
    return choose(scored, _twins(left, names[0]) | _twins(right, names[1]))


def _twins(columns: list[Column], names: dict[int, Name]) -> Twins:
    """Columns of one side that hold the same in nearly every row, and whose names say nearly the same."""
    first: dict[Hashable, list[Column]] = {}
    for column in columns:
        if column.distinct >= 3:
            first.setdefault((_kind(column), next(iter(column.normal.values()))), []).append(column)
    found = set()
    for group in first.values():
        for i, a in enumerate(group[:12]):
            for b in group[i + 1 : 12]:
                likeness = compare(names[id(a)], names[id(b)])
                same = sum(b.normal.get(row) == value for row, value in a.normal.items())
                if likeness.share >= _TWIN and not likeness.conflict and same >= 0.95 * max(len(a.normal), len(b.normal)):
                    found |= {(id(a), id(b)), (id(b), id(a))}
    return frozenset(found)


def _trust(matches: list[Match]) -> float:
    """How far rows that were aligned are about the same thing: whether fields of the same name hold the same there."""
    said = [
        match.agreement for match in matches if match.likeness.share >= _NAME_SAYS_SO and match.agreement is not None and not match.likeness.conflict
    ]
    return sum(one.beyond >= 0.8 or one.table is not None for one in said) / len(said) if said else 0.7


def _candidates(
    left: list[Column], right: list[Column], names: list[dict[int, Name]], rows: Pairs | None
) -> Iterator[tuple[Column, Column, Likeness]]:
    """Pairs that are worth a look: by their names, or because values meet."""
    meeting = _meeting_rows(left, right, rows) if rows else _meeting_values(left, right)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            likeness = compare(names[0][id(a)], names[1][id(b)])
            if likeness.share >= _ALIKE or (i, j) in meeting or (rows and a.is_enum and b.is_enum and likeness.share >= 0.2):
                yield a, b, likeness


def _kind(column: Column) -> str:
    return "number" if column.form in NUMBERS else "time" if column.form in TIMES else "text"


def _keys(kind: str, value: Hashable) -> list[Hashable]:
    if kind == "number" and isinstance(value, int | float):
        return [("number", value), ("number", rounded(value / 100)), ("number", rounded(value * 100))]
    return [(kind, value)]


def _meeting_rows(left: list[Column], right: list[Column], rows: Pairs) -> set[tuple[int, int]]:
    met: Counter[tuple[int, int]] = Counter()
    looked = rows[:: max(1, len(rows) // _MOST_ROWS)][:_MOST_ROWS]
    ours = [(i, _kind(column), column.normal) for i, column in enumerate(left)]
    theirs = [(j, _kind(column), column.normal) for j, column in enumerate(right)]
    for a, b in looked:
        there: defaultdict[Hashable, list[int]] = defaultdict(list)
        for j, kind, values in theirs:
            if (value := values.get(b)) is not None:
                there[kind, value].append(j)
        for i, kind, values in ours:
            if (value := values.get(a)) is not None:
                for j in {j for key in _keys(kind, value) for j in there.get(key, ())}:
                    met[i, j] += 1
    return {
        (i, j)
        for (i, j), count in met.items()
        if 2 * count >= len(looked) or (count > 1 and count >= 0.5 * sum(a in left[i].normal and b in right[j].normal for a, b in looked))
    }


def _meeting_values(left: list[Column], right: list[Column]) -> set[tuple[int, int]]:
    holders: defaultdict[Hashable, list[int]] = defaultdict(list)
    for i, column in enumerate(left):
        kind = _kind(column)
        for value in islice(dict.fromkeys(column.normal.values()), _MOST_VALUES):
            holders[kind, value].append(i)
    met: Counter[tuple[int, int]] = Counter()
    for j, column in enumerate(right):
        kind = _kind(column)
        for value in set(islice(dict.fromkeys(column.normal.values()), _MOST_VALUES)):
            for i in holders.get((kind, value), ()):
                met[i, j] += 1
    return {pair for pair, count in met.items() if count >= 3}


# -------------------------------------------------------------------------------------------------- lists

Option = tuple[float, Group, Group, list[Match], Pairs | None]


def _lists(left: Samples, right: Samples, a: Group, b: Group, names: list[dict[int, Name]], outer: Pairs | None) -> Option:
    ours, theirs = left.of(a), right.of(b)
    alignment = align_items(ours, theirs, outer) if outer else align(ours, theirs)
    rows = alignment.rows if alignment else None
    matches = _choose_in(ours, theirs, names, rows)
    likeness = compare(read_name(a[-1]), read_name(b[-1]))
    worth = sum(match.confidence for match in matches if match.confidence >= 0.5) + 1.5 * (likeness.share - (0.0 if rows else 0.4))
    unlike = sum(word not in dict(likeness.words) for word in read_name(a[-1]).words) + (likeness.conflict is not None)
    return worth - (0.0 if rows else 0.4 * unlike), a, b, matches, rows


def _best_lists(options: list[Option]) -> Iterator[tuple[Group, Group, list[Match], Pairs | None]]:
    """One list for one list; where another comes close, what they hold is less sure."""
    taken: set[tuple[str, Group]] = set()
    for worth, a, b, matches, rows in sorted(options, key=lambda option: -option[0]):
        if worth < _ENOUGH or ("left", a) in taken or ("right", b) in taken:
            continue
        rivals = [other for other, c, d, _, _ in options if (c == a) != (d == b) and ("left", c) not in taken and ("right", d) not in taken]
        taken |= {("left", a), ("right", b)}
        close = bool(rivals) and max(rivals) > worth - _MARGIN
        note = f"the list {spelled_path(a, ())} goes with {spelled_path(b, ())}"
        yield (
            a,
            b,
            [
                evolve(
                    match,
                    confidence=match.confidence * (0.6 if close else 1.0),
                    reasons=[*match.reasons, note + (", and another comes close" if close else "")],
                )
                for match in matches
            ],
            rows,
        )
