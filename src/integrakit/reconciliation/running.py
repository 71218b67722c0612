"""`reconcile` and `areconcile`: the arguments checked, an engine chosen, and its findings handed to a `Diff`."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from attrs import evolve

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.acceptance import Accept
from integrakit.reconciliation.assembling import findings_of
from integrakit.reconciliation.diff import Diff
from integrakit.reconciliation.engines.planning import ENGINES, carried_out
from integrakit.reconciliation.engines.run import Order
from integrakit.reconciliation.inputs.feed import attach_both
from integrakit.reconciliation.live import Copies, Live, Moments, Recheck, Settle
from integrakit.reconciliation.memory import memory_of
from integrakit.reconciliation.reports.naming import names_of_sides
from integrakit.reconciliation.rules.spec import Field, Key, names_of, read_fields
from integrakit.reconciliation.rules.values import Incomparable
from integrakit.runtimes import drive, runtime

__all__ = ["areconcile", "reconcile"]

Engine: TypeAlias = Literal["auto", "dict", "merge", "spill", "arrow", "pushdown", "segments"]
KeyLike: TypeAlias = str | Sequence[str] | Key
FieldLike: TypeAlias = str | tuple[str, str] | Field


def reconcile(
    left: Any,
    right: Any,
    *,
    key: KeyLike,
    fields: Iterable[FieldLike] | None = None,
    ignore: Collection[str] = (),
    memory: str | int | None = None,
    settle: float | timedelta | Settle | None = None,
    recheck: int | Recheck = 0,
    accept: Accept | None = None,
    names: tuple[str, str] = ("left", "right"),
    engine: Engine = "auto",
) -> Diff:
    """Compares two sources record by record and field by field, strictly and by value.

    ``left``, ``right``: iterables of records (dicts, attrs instances), resources, sources, tables, frames, and paths to ``.csv``, ``.jsonl``,
    ``.ndjson``, ``.json`` and ``.parquet`` files. ``key``: a name, several names, or a `Key`. ``fields``: names, pairs (left, right) and `Field`;
    None: every field that both sides have. ``ignore``: names that are not compared. ``memory``: bytes of records to hold at a time, as a number or
    as "512MB"; None: 1 GB. ``engine``: "auto" chooses, `Diff.explain` says what and why. ``accept``: the rule that `Diff.verdict` is given by.
    ``names``: what reports call the sides, such as ("Shop", "Books").

    For systems that go on working: ``settle``, in seconds, a ``timedelta`` or `Settle`: what differs in records that changed so shortly before the
    comparison began is in flight, and no break. ``recheck``, a number of times or `Recheck`: breaks are looked at again, by key or by another read,
    and stay breaks only where they are as they were.

    Raises `ConfigurationError` for wrong arguments, for an engine that cannot do it, for a named field that no record has, and for ``settle=`` where
    no record says when it changed; `IncompleteRead` when a read says that it missed something; and whatever reading raises.
    """
    return drive(
        areconcile(
            left,
            right,
            key=key,
            fields=fields,
            ignore=ignore,
            memory=memory,
            settle=settle,
            recheck=recheck,
            accept=accept,
            names=names,
            engine=engine,
        )
    )


async def areconcile(
    left: Any,
    right: Any,
    *,
    key: KeyLike,
    fields: Iterable[FieldLike] | None = None,
    ignore: Collection[str] = (),
    memory: str | int | None = None,
    settle: float | timedelta | Settle | None = None,
    recheck: int | Recheck = 0,
    accept: Accept | None = None,
    names: tuple[str, str] = ("left", "right"),
    engine: Engine = "auto",
) -> Diff:
    """`reconcile` for async code, with the same arguments and errors: reads without holding up the event loop, and takes asynchronous sources too."""
    how_settled, again = Settle.of(settle), Recheck.of(recheck)
    if accept is not None and not isinstance(accept, Accept):
        raise ConfigurationError(f"accept= takes a rule, such as Accept(breaks=5), not {accept!r}")
    called = names_of_sides(names)
    order = _order(key, fields, ignore, memory, engine)
    started = runtime().wall()
    feeds = attach_both(left, right)
    moments = Moments(feeds, how_settled)
    copies = Copies(feeds, moments, live=how_settled is not None or again.times > 0)
    live = Live(settle=how_settled, recheck=again, moments=moments, copies=copies, started=started)
    try:
        finished = await carried_out(feeds, evolve(order, newest=copies.newest))
        finished.run.comparison.check()
        findings = await live.findings(finished, findings_of(finished, accept=accept, names=called, started=started))
    except Incomparable as problem:
        raise ConfigurationError(f"the keys of these records cannot be compared: {problem}") from problem
    finally:
        # After an error or a cancellation the other side may be in the middle of its read.
        for feed in feeds:
            feed.close()
    return Diff(evolve(findings, ended=runtime().wall()))


_DATABASES = frozenset({"sql", "database", "db", "duckdb", "spark", "pyspark", "postgresql", "postgres", "mysql", "mariadb"})


def _order(key: KeyLike, fields: Any, ignore: Any, memory: Any, engine: Any) -> Order:
    """The arguments, checked."""
    the_key = Key.of(key)
    ignored = names_of(ignore, "ignore=")
    the_fields = read_fields(fields, ignored, the_key)
    if keyed := sorted(ignored.intersection(the_key.names)):
        raise ConfigurationError(f"{keyed[0]!r} stands in key= and in ignore=: a key is never compared, and cannot be left out")
    if engine != "auto" and engine not in ENGINES:
        database = isinstance(engine, str) and engine.lower() in _DATABASES
        hint = '; for sides that are in one database, or that DuckDB or Spark can join, it is engine="pushdown"' if database else ""
        raise ConfigurationError(f"engine= takes {', '.join(map(repr, ('auto', *ENGINES)))}, not {engine!r}{hint}")
    # Who asks for memory by name and says no limit means all there is.
    limit = sys.maxsize if memory is None and engine == "dict" else memory_of(memory)
    return Order(key=the_key, fields=the_fields, ignored=ignored, engine=engine, memory=limit)
