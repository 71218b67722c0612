"""Whether this engine is worth trying for two sides, and why or why not. Cheap: nothing is opened."""

from __future__ import annotations

from integrakit.reconciliation.engines.run import Order
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.inputs.relations import shared_by

__all__ = ["suits_duckdb", "suits_pushdown"]


def suits_pushdown(feeds: tuple[Feed, Feed], order: Order) -> tuple[bool, str]:
    """Whether one engine holds both sides already: a database, a connection of DuckDB, a session of Spark.

    Files and frames in order are read faster as columns; for others see `suits_duckdb`.
    """
    if order.engine == "pushdown":
        return True, "asked for"
    found = shared_by(feeds)
    if found.place is None:
        return False, found.reason
    if found.place == "files":
        return False, "files and frames in the order of their keys need no database to be joined"
    return _with_plain_key(order, found.reason)


def suits_duckdb(feeds: tuple[Feed, Feed], order: Order) -> tuple[bool, str]:
    """Whether DuckDB can read and join both sides, within ``memory=`` and in any order: for files and frames that turned out not to be ordered."""
    found = shared_by(feeds)
    if found.place != "files":
        return False, found.reason if found.place is None else "there is a better place for them"
    return _with_plain_key(order, found.reason)


def _with_plain_key(order: Order, reason: str) -> tuple[bool, str]:
    if order.key.normalise is not None:
        return False, "the key is changed before it is compared, which has no form in SQL"
    return True, reason
