"""The engine **arrow**: both sides as batches of columns, compared column by column without making records of what is surely the same."""

from __future__ import annotations

from integrakit.reconciliation.engines.run import Order, Run, Unsuitable
from integrakit.reconciliation.inputs.feed import Feed

__all__ = ["compare_columns", "suits_arrow"]


def suits_arrow(feeds: tuple[Feed, Feed], order: Order) -> tuple[bool, str]:
    """Whether both sides come as columns, and why or why not."""
    return False, "not yet"


async def compare_columns(run: Run) -> None:
    """Raises `Unsuitable`."""
    raise Unsuitable("not yet")
