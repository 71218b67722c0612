"""`reconcile` and `areconcile`: the arguments checked, an engine chosen, and its findings handed to a `Diff`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.acceptance import Accept
from integrakit.reconciliation.assembling import findings_of
from integrakit.reconciliation.diff import Diff
from integrakit.reconciliation.engines.planning import ENGINES, carried_out
from integrakit.reconciliation.engines.run import Order
from integrakit.reconciliation.inputs.feed import attach_both
from integrakit.reconciliation.live import Recheck, Settle
from integrakit.reconciliation.memory import memory_of
from integrakit.reconciliation.rules.spec import Field, Key, names_of, read_fields
from integrakit.reconciliation.rules.values import Incomparable
from integrakit.runtimes import drive

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
    engine: Engine = "auto",
) -> Diff:
    """Compares two sources record by record and field by field, strictly and by value.

    ``left``, ``right``: iterables of records (dicts, attrs instances), resources, sources, paths to ``.csv``, ``.jsonl`` and ``.parquet`` files.
    ``key``: a name, several names, or a `Key`. ``fields``: names, pairs (left, right) and `Field`; None: every field that both sides have.
    ``ignore``: names that are not compared. ``engine``: "auto" chooses, `Diff.explain` says what and why.

    Raises `ConfigurationError` for wrong arguments, for an engine that cannot do it and for a named field that no record has; `IncompleteRead` when
    a read says that it missed something; and whatever reading raises.
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
    engine: Engine = "auto",
) -> Diff:
    """`reconcile` for async code: reads without holding up the event loop, and takes asynchronous sources too."""
    order = _order(key, fields, ignore, memory, engine)
    Settle.of(settle), Recheck.of(recheck)
    feeds = attach_both(left, right)
    try:
        finished = await carried_out(feeds, order)
    except Incomparable as problem:
        raise ConfigurationError(f"the keys of these records cannot be compared: {problem}") from problem
    finished.run.comparison.check()
    return Diff(findings_of(finished))


def _order(key: KeyLike, fields: Any, ignore: Any, memory: Any, engine: Any) -> Order:
    """The arguments, checked."""
    the_key = Key.of(key)
    ignored = names_of(ignore, "ignore=")
    the_fields = read_fields(fields, ignored)
    if keyed := sorted(ignored.intersection(the_key.names)):
        raise ConfigurationError(f"{keyed[0]!r} stands in key= and in ignore=: a key is never compared, and cannot be left out")
    if engine != "auto" and engine not in ENGINES:
        raise ConfigurationError(f"engine= takes {', '.join(map(repr, ('auto', *ENGINES)))}, not {engine!r}")
    return Order(key=the_key, fields=the_fields, ignored=ignored, engine=engine, memory=memory_of(memory))
