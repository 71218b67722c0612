"""The engine **pushdown**: both sides are in one engine, which joins them by itself; only what may differ comes back."""

from __future__ import annotations

from integrakit.reconciliation.engines.run import Order, Run, Unsuitable
from integrakit.reconciliation.inputs.feed import Feed

__all__ = ["push_down", "suits_pushdown"]


def suits_pushdown(feeds: tuple[Feed, Feed], order: Order) -> tuple[bool, str]:
    """Whether one engine can join both sides, and why or why not."""
    return False, "not yet"


async def push_down(run: Run) -> None:
    """Raises `Unsuitable`."""
    raise Unsuitable("not yet")
