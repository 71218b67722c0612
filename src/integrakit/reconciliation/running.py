"""`reconcile` and `areconcile`: the arguments checked, an engine chosen, and its findings handed to a `Diff`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.breaks import Kept
from integrakit.reconciliation.comparison import Comparison
from integrakit.reconciliation.diff import Diff
from integrakit.reconciliation.engines import Run
from integrakit.reconciliation.findings import ControlTotal, FieldMismatches, Findings, Sides
from integrakit.reconciliation.inputs import Feed, attach_both
from integrakit.reconciliation.joining import CannotMerge
from integrakit.reconciliation.spec import Field, Key, names_of, read_fields
from integrakit.reconciliation.totals import Total, wide
from integrakit.reconciliation.values import Incomparable
from integrakit.runtimes import drive

__all__ = ["areconcile", "reconcile"]

Engine: TypeAlias = Literal["auto", "dict", "merge"]
KeyLike: TypeAlias = str | Sequence[str] | Key
FieldLike: TypeAlias = str | tuple[str, str] | Field

_ENGINES = ("auto", "dict", "merge")


def reconcile(
    left: Any,
    right: Any,
    *,
    key: KeyLike,
    fields: Iterable[FieldLike] | None = None,
    ignore: Collection[str] = (),
    memory: str | int | None = None,
    settle: float | None = None,
    recheck: int = 0,
    engine: Engine = "auto",
) -> Diff:
    """Compares two sources record by record and field by field, strictly and by value.

    ``left``, ``right``: iterables of records (dicts, attrs instances), resources, sources, paths to ``.csv`` and ``.jsonl`` files.
    ``key``: a name, several names, or a `Key`. ``fields``: names, pairs (left, right) and `Field`; None: every field that both sides have.
    ``ignore``: names that are not compared. ``engine``: "dict" (in memory), "merge" (both sides in the order of their keys, streamed), or "auto".

    Raises `ConfigurationError` for wrong arguments, for what this version does not have (``memory=``, ``settle=``, ``recheck=``), for an unordered
    side with ``engine="merge"`` and for a named field that no record has; `IncompleteRead` when a read says that it missed something; and whatever
    reading raises.
    """
    return drive(areconcile(left, right, key=key, fields=fields, ignore=ignore, memory=memory, settle=settle, recheck=recheck, engine=engine))


async def areconcile(
    left: Any,
    right: Any,
    *,
    key: KeyLike,
    fields: Iterable[FieldLike] | None = None,
    ignore: Collection[str] = (),
    memory: str | int | None = None,
    settle: float | None = None,
    recheck: int = 0,
    engine: Engine = "auto",
) -> Diff:
    """`reconcile` for async code: reads without holding up the event loop, and takes asynchronous sources too."""
    the_key = Key.of(key)
    ignored = names_of(ignore, "ignore=")
    the_fields = read_fields(fields, ignored)
    if keyed := sorted(ignored.intersection(the_key.names)):
        raise ConfigurationError(f"{keyed[0]!r} stands in key= and in ignore=: a key is never compared, and cannot be left out")
    _refuse(memory, settle, recheck, engine)
    feeds = attach_both(left, right)
    fresh = partial(Comparison, the_key, the_fields, ignored, (feeds[0].untyped, feeds[1].untyped))
    try:
        run, chosen, why = await _run(feeds, engine, fresh)
    except Incomparable as problem:
        raise ConfigurationError(f"the keys of these records cannot be compared: {problem}") from problem
    run.comparison.check()
    return Diff(_findings(run, chosen, why))


def _refuse(memory: Any, settle: Any, recheck: Any, engine: Any) -> None:
    if engine not in _ENGINES:
        raise ConfigurationError(f"engine= takes {', '.join(map(repr, _ENGINES))} in this version, not {engine!r}")
    if memory is not None:
        raise ConfigurationError(
            'memory= is not in this version: the dict engine keeps both sides in memory; engine="merge" needs the memory of a few pages, for sides '
            "in the order of their keys"
        )
    if settle:
        raise ConfigurationError("settle= is not in this version: leave the newest records out of both sides before they are compared")
    if recheck:
        raise ConfigurationError("recheck= is not in this version: reconcile again, and compare the breaks of both runs")


async def _run(feeds: tuple[Feed, Feed], engine: Engine, fresh: Callable[[], Comparison]) -> tuple[Run, str, list[str]]:
    why = ["asked for"]
    obstacle = ""
    if engine == "auto":
        obstacle = _why_not_merge(feeds)
        why = [obstacle or "neither side is in memory, and both can be read again should they not be in the order of their keys"]
    if engine == "merge" or (engine == "auto" and not obstacle):
        if engine == "merge":
            _keep_nothing(feeds)
        run = Run(feeds, fresh())
        try:
            await run.merged()
        except CannotMerge as problem:
            if engine == "merge":
                raise ConfigurationError(f'engine="merge" cannot do this: {problem}. Sort both sides by the key, or use engine="dict"') from None
            why.append(f"merge was given up: {problem}")
            for feed in feeds:
                feed.restart()
        else:
            return run, "merge", why
    _keep_nothing(feeds)
    run = Run(feeds, fresh())
    await run.in_memory()
    return run, "dict", why


def _keep_nothing(feeds: tuple[Feed, Feed]) -> None:
    for feed in feeds:
        feed.keep_nothing()


def _why_not_merge(feeds: tuple[Feed, Feed]) -> str:
    for feed in feeds:
        if feed.in_memory:
            return f"the {feed.name} side is in memory already"
        if feed.once:
            return f"the {feed.name} side can be read only once, so nothing could be mended if it were not in the order of its keys"
    return ""


def _control(left: Total, right: Total) -> ControlTotal:
    a, b = left.value, right.value
    difference = a - b if isinstance(a, int) and isinstance(b, int) else wide().subtract(a, b)
    return ControlTotal(a, b, difference, exact=not (left.inexact or right.inexact))


def _findings(run: Run, engine: str, why: list[str]) -> Findings:
    comparison, tally = run.comparison, run.tally
    dropped = comparison.one_sided
    tally.close(dropped)
    columns = comparison.compared()
    counts: Counter[str] = tally.counts
    breaks = sum(counts[kind] for kind in ("changed", "missing_left", "missing_right", "duplicate", "null_key", "invalid"))
    alike, shown = tally.lookalikes.found()
    by_field = {}
    totals = {}
    for column in columns:
        name = column.field.name
        if causes := tally.causes.get(name):
            by_field[name] = FieldMismatches(causes.total(), MappingProxyType(dict(causes.most_common())))
        # A sum of one side next to text on the other would look like a difference and be none.
        if any(total.numeric for total in column.totals) and not any(total.others for total in column.totals):
            totals[name] = _control(*column.totals)
    return Findings(
        summary=MappingProxyType(
            {
                "left": counts["left"],
                "right": counts["right"],
                "matched": counts["equal"] + counts["changed"],
                "equal": counts["equal"],
                "changed": counts["changed"],
                "missing_left": counts["missing_left"],
                "missing_right": counts["missing_right"],
                "duplicates": counts["duplicates"],
                "null_keys": counts["null_key"],
                "invalid": counts["invalid"],
            }
        ),
        by_field=MappingProxyType(by_field),
        totals=MappingProxyType(totals),
        key=comparison.key,
        fields=tuple(column.field for column in columns),
        only_left=comparison.only(0),
        only_right=comparison.only(1),
        ignored=tuple(sorted(comparison.ignored)),
        lookalikes=shown,
        lookalike_count=alike,
        agreeing_duplicates=tuple(tally.agreeing),
        notes=_notes(run),
        engine=engine,
        why=tuple(why),
        sides=(run.feeds[0].label, run.feeds[1].label),
        untyped=comparison.untyped,
        evidence=Sides(run.feeds[0].evidence, run.feeds[1].evidence),
        breaks=Kept(tally.logs, names={column.field.name: column.field.right for column in columns}, dropped=dropped, count=breaks),
    )


def _notes(run: Run) -> tuple[str, ...]:
    notes = [
        f"no record on the {feed.name} has a usable key ({', '.join(reading.names)}): is that its name?"
        for feed, reading in zip(run.feeds, run.readings, strict=True)
        if feed.records and not any(reading.kinds)
    ]
    notes += [
        f'the {feed.name} side was read twice, for it turned out late that merging would not do (see explain()): engine="dict" reads it once'
        for feed in run.feeds
        if feed.restarts
    ]
    return tuple(notes)
