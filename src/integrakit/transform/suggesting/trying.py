"""Rules tried on the samples before they are proposed: one that a sample refuses is weakened, and dropped where nothing weaker helps.

Of those that fit, the one wins whose results are most often what the other side holds; how that is told is in `sameness`. The mapping itself is
built by whoever calls, so that this package needs to know nothing of it but that it is called with a record.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform.suggesting.aligning import Pairs
from integrakit.transform.suggesting.assembling import Placed, assemble
from integrakit.transform.suggesting.columns import Column, Group, Row
from integrakit.transform.suggesting.sameness import exact, loose

__all__ = ["Build", "Tried", "best_that_works", "lists_may_be_missing"]

#: Makes a mapping of a tree.
Build = Callable[[Mapping[str, Any]], Callable[[Any], dict[str, Any]]]

_MOST_RECORDS = 200
_FEWEST = 3
_ALL = 0.995


@frozen
class Tried:
    """A rule that fits the samples. ``share`` of ``compared`` rows, or of values in common, are exactly what the right side holds; None: unknown."""

    placed: Placed
    share: float | None = None
    compared: int = 0
    by_rows: bool = False


def best_that_works(rules: Iterable[Placed], left: list[Any], right: Column, build: Build, rows: Pairs | None, met: Column) -> Tried | None:
    """Of the rules that fit all samples, as they are or as optional fields, the first that gives most of what ``right`` holds.

    ``rows``: which rows belong together; without them values in common with the left column ``met`` are asked.
    """
    best: Tried | None = None
    for placed in rules:
        for option in (placed, _optional(placed)):
            results = _results(option, left, build)
            if results is None:
                continue
            now = _judged(option, results, right, rows, met)
            if best is None or (now.share is not None and now.share > (best.share or 0.0) + 0.02):
                best = now
            break
        if best is not None and (best.share is None or best.share >= _ALL):
            break
    return best


def _optional(placed: Placed) -> Placed:
    rule = placed.rule if isinstance(placed.rule, dict) else {"from": placed.rule}
    return evolve(placed, rule={**rule, "optional": True})


def _results(placed: Placed, records: list[Any], build: Build) -> dict[Row, Any] | None:
    """What the rule gives for a part of the samples, by row; None where one is refused."""
    found: dict[Row, Any] = {}
    try:
        mapping = build(assemble([placed]))
        for index in range(0, len(records), max(1, len(records) // _MOST_RECORDS)):
            found.update(_walk(mapping(records[index]), placed.right, placed.keys, (index,)))
    except (ConfigurationError, MappingError):
        return None
    return found


def _walk(tree: Any, lists: Group, keys: tuple[str, ...], row: Row) -> Iterator[tuple[Row, Any]]:
    for key in lists[0] if lists else keys:
        if not isinstance(tree, Mapping) or key not in tree:
            return
        tree = tree[key]
    if not lists:
        if tree is not None:
            yield row, tree
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _walk(item, lists[1:], keys, (*row, index))


def _judged(placed: Placed, results: dict[Row, Any], right: Column, rows: Pairs | None, met: Column) -> Tried:
    if right.form in ("list", "nothing"):
        return Tried(placed)
    if rows:
        both = [(results[a], right.values[b]) for a, b in rows if a in results and b in right.values]
        if len(both) >= _FEWEST:
            same = sum(exact(one, right) == exact(other, right) for one, other in both)
            return Tried(placed, same / len(both), len(both), by_rows=True)
    wanted = {exact(value, right) for value in right.values.values()}
    there: frozenset[Hashable] = frozenset(loose(value, right) for value in right.values.values()) - {None}
    alike = [value for row, value in results.items() if row in met.values and loose(met.values[row], right) in there]
    if len({loose(value, right) for value in alike}) < _FEWEST:
        return Tried(placed)
    return Tried(placed, sum(exact(value, right) in wanted for value in alike) / len(alike), len(alike))


def lists_may_be_missing(group: Group, records: list[Any]) -> tuple[bool, ...]:
    """For each list on the way into a group, whether some sample lacks it."""
    found = []
    level: list[Any] = records
    for part in group:
        missing, below = False, []
        for item in level:
            for key in part:
                item = item.get(key) if isinstance(item, Mapping) else None
            if isinstance(item, list | tuple):
                below += [inner for inner in item if isinstance(inner, Mapping)]
            else:
                missing = True
        found.append(missing)
        level = below
    return tuple(found)
