"""The engine **segments**: two databases, each of which digests its rows bucket by bucket; only the buckets that differ are read and compared."""

from __future__ import annotations

from integrakit.reconciliation.engines.run import Order, Run, Unsuitable
from integrakit.reconciliation.inputs.feed import Feed

__all__ = ["compare_segments", "suits_segments"]


def suits_segments(feeds: tuple[Feed, Feed], order: Order) -> tuple[bool, str]:
    """Whether both sides are tables of databases that can digest their rows, and why or why not."""
    return False, "not yet"


async def compare_segments(run: Run) -> None:
    """Raises `Unsuitable`."""
    raise Unsuitable("not yet")
