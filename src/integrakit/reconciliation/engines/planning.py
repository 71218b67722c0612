"""The planner: looks at both sides, says which engines can do it in which order of preference and why, and tries them until one gives an answer.

An engine that finds on its way that it cannot give a right answer raises `Unsuitable`; the next one begins anew, and `explain()` tells the story.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.engines.arrow import compare_columns, suits_arrow
from integrakit.reconciliation.engines.in_memory import join_in_memory
from integrakit.reconciliation.engines.merging import merge
from integrakit.reconciliation.engines.pushdown import push_down, suits_pushdown
from integrakit.reconciliation.engines.run import Order, Run, Unsuitable
from integrakit.reconciliation.engines.segments import compare_segments, suits_segments
from integrakit.reconciliation.engines.spill import join_on_disk
from integrakit.reconciliation.inputs.feed import Feed

__all__ = ["ENGINES", "Finished", "Way", "carried_out"]

#: Name → what runs it. A name stands in `engine=`, in `explain()` and in the report.
ENGINES: Mapping[str, Callable[[Run], Awaitable[None]]] = MappingProxyType(
    {
        "dict": join_in_memory,
        "merge": merge,
        "spill": join_on_disk,
        "arrow": compare_columns,
        "pushdown": push_down,
        "segments": compare_segments,
    }
)

#: Engines that make no records of what is surely the same, the best first: whether they suit two sides, and why.
_BETTER: Mapping[str, Callable[[tuple[Feed, Feed], Order], tuple[bool, str]]] = MappingProxyType(
    {"pushdown": suits_pushdown, "segments": suits_segments, "arrow": suits_arrow}
)


@frozen
class Way:
    """An engine to try, and why."""

    engine: str
    reason: str
    #: Whether the sides will not be read again, should it give up: nothing needs to be kept for that.
    last: bool = False


@frozen
class Finished:
    """A run that came to its end, which engine did it, and the story of the choice."""

    run: Run
    engine: str
    why: list[str] = field(factory=list)


def ways(feeds: tuple[Feed, Feed], order: Order) -> list[Way]:
    """What to try, the best first. The last of them always gives an answer, or the engine was asked for."""
    if order.engine != "auto":
        return [Way(order.engine, "asked for", last=True)]
    found = [Way(name, reason) for name, suits in _BETTER.items() for suitable, reason in [suits(feeds, order)] if suitable]
    if obstacle := _why_not_merge(feeds):
        return [*found, Way("dict", obstacle, last=True)]
    return [
        *found,
        Way("merge", "neither side is in memory, and both can be read again should they not be in the order of their keys"),
        Way("dict", "it takes records in any order", last=True),
    ]


async def carried_out(feeds: tuple[Feed, Feed], order: Order) -> Finished:
    """Raises `ConfigurationError` where the engine that was asked for cannot do it."""
    why: list[str] = []
    for way in ways(feeds, order):
        if way.last:
            for feed in feeds:
                feed.keep_nothing()
        why.append(way.reason)
        run = Run(feeds, order)
        try:
            await ENGINES[way.engine](run)
        except Unsuitable as problem:
            if order.engine != "auto":
                raise ConfigurationError(f'engine="{way.engine}" cannot do this: {problem}. {_INSTEAD.get(way.engine, _ANY)}') from None
            why[-1:] = [f"{way.engine} was given up: {problem}"]
            for feed in feeds:
                feed.restart()
        else:
            return Finished(run, way.engine, [*why, *run.remarks])
    raise AssertionError("unreachable")


_ANY = 'engine="auto" chooses one that can'
_INSTEAD: Mapping[str, str] = MappingProxyType({"merge": 'Sort both sides by the key, or use engine="dict"'})


def _why_not_merge(feeds: tuple[Feed, Feed]) -> str:
    for feed in feeds:
        if feed.in_memory:
            return f"the {feed.name} side is in memory already"
        if feed.once:
            return f"the {feed.name} side can be read only once, so nothing could be mended if it were not in the order of its keys"
    return ""
