"""The planner: looks at both sides, says which engines can do it in which order of preference and why, and tries them until one gives an answer.

An engine that finds on its way that it cannot give a right answer raises `Unsuitable`; the next one begins anew, and `explain()` tells the story.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from attrs import field, frozen

from integrakit.errors import ConfigurationError, IntegrakitError
from integrakit.reconciliation.engines.arrow import compare_columns, suits_arrow
from integrakit.reconciliation.engines.arrow.keys import kind_of
from integrakit.reconciliation.engines.in_memory import join_in_memory
from integrakit.reconciliation.engines.merging import merge
from integrakit.reconciliation.engines.pushdown import push_down, suits_duckdb, suits_pushdown
from integrakit.reconciliation.engines.run import Order, Run, Unsuitable
from integrakit.reconciliation.engines.segments import compare_segments, suits_segments
from integrakit.reconciliation.engines.spill import join_on_disk
from integrakit.reconciliation.inputs.batches import Unreadable
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.inputs.plain_columns import arrow_or_none
from integrakit.runtimes import runtime

__all__ = ["ENGINES", "Finished", "Way", "carried_out", "ways"]

#: Name → what runs it. A name stands in `engine=`, in `explain()` and in the report. What is returned is the name of what it turned out to be.
ENGINES: Mapping[str, Callable[[Run], Awaitable[str | None]]] = MappingProxyType(
    {
        "dict": join_in_memory,
        "merge": merge,
        "spill": join_on_disk,
        "arrow": compare_columns,
        "pushdown": push_down,
        "segments": compare_segments,
    }
)

Feeds = tuple[Feed, Feed]


def _suits_merge(feeds: Feeds, order: Order) -> tuple[bool, str]:
    for feed in feeds:
        if feed.in_memory:
            return False, f"the {feed.name} side is in memory already"
        if feed.once:
            return False, f"the {feed.name} side can be read only once, so nothing could be mended if it were not in the order of its keys"
    return True, "neither side is in memory, and both can be read again should they not be in the order of their keys"


def _suits_always(feeds: Feeds, order: Order) -> tuple[bool, str]:
    merges, obstacle = _suits_merge(feeds, order)
    return True, "it takes records in any order, and to the disk what does not fit into memory=" if merges else obstacle


#: What is considered, the best first: the engine, what it is called there, and whether it suits two sides and why or why not.
#: "spill" is "dict" for as long as there is memory. Files that DuckDB could join are faster as columns, or as a merge of Python's, in order.
_CONSIDERED: tuple[tuple[str, str, Callable[[Feeds, Order], tuple[bool, str]]], ...] = (
    ("pushdown", "pushdown", suits_pushdown),
    ("segments", "segments", suits_segments),
    ("arrow", "arrow", suits_arrow),
    ("pushdown", "pushdown to DuckDB", suits_duckdb),
    ("merge", "merge", _suits_merge),
    ("spill", "dict", _suits_always),
)


@frozen
class Way:
    """An engine, whether it suits both sides, and why or why not. ``called``: as people know it."""

    engine: str
    suits: bool
    reason: str
    called: str


@frozen
class Finished:
    """A run that came to its end, which engine did it, and the story of the choice."""

    run: Run
    engine: str
    why: list[str] = field(factory=list)
    #: What would have been better and does not suit: "merge: the left side is in memory already".
    considered: list[str] = field(factory=list)


def ways(feeds: Feeds, order: Order) -> list[Way]:
    """What is considered, the best first. The last of them always gives an answer, or the engine was asked for."""
    if order.engine != "auto":
        return [Way(order.engine, True, "asked for", order.engine)]
    return [Way(engine, *suits(feeds, order), called) for engine, called, suits in _CONSIDERED]


async def carried_out(feeds: Feeds, order: Order) -> Finished:
    """Raises `ConfigurationError` where the engine that was asked for cannot do it."""
    considered = ways(feeds, order)
    why: list[str] = []
    against: list[str] = []
    for way in considered:
        if not way.suits:
            against.append(f"{way.called}: {way.reason}")
            continue
        if way is considered[-1]:
            for feed in feeds:
                feed.keep_nothing()
        run = Run(feeds, order)
        try:
            engine = await ENGINES[way.engine](run)
        except Unsuitable as problem:
            if order.engine != "auto":
                raise ConfigurationError(f'engine="{way.engine}" cannot do this: {problem}. {_INSTEAD.get(way.engine, _ANY)}') from None
            why.append(f"{way.called} was given up: {problem}")
            for feed in feeds:
                feed.restart()
        else:
            await runtime().blocking(_declare, run)
            name = way.engine if engine is None or order.engine != "auto" else engine
            return Finished(run, name, [*why, way.reason, *run.remarks], [each for each in against if not each.endswith(f": {way.reason}")])
    raise AssertionError("unreachable")


def _declare(run: Run) -> None:
    """What the schema of a typed side says, for repairs out of the untyped text of the other: an engine on columns meets few of its values."""
    untyped = run.comparison.untyped
    if untyped[0] == untyped[1]:
        return
    side = untyped.index(False)
    columns, arrow = run.feeds[side].columns, arrow_or_none()
    if columns is None or arrow is None or columns.once:
        return
    try:
        read = columns.open_columns()
        try:
            kinds = {each.name: kind_of(arrow, each.type) for each in read.schema}
        finally:
            read.close()
    except (IntegrakitError, Unreadable):  # gone by now: then what was met says what it can
        return
    run.comparison.declared[side].update({name: kind for name, kind in kinds.items() if kind not in ("", "null")})


_ANY = 'engine="auto" chooses one that can'
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "merge": 'Sort both sides by the key, or use engine="dict" or engine="spill"',
        "dict": 'Give more memory=, or use engine="spill", which needs little, or engine="auto"',
    }
)
