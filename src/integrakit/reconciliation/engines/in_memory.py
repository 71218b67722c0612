"""The engine **dict**: both sides in memory, joined at once."""

from __future__ import annotations

from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.rules.keys import Keyed
from integrakit.runtimes import runtime

__all__ = ["join_in_memory"]


async def join_in_memory(run: Run) -> None:
    """Reads everything, then joins."""
    sides = (Keyed(), Keyed())
    for side in run.sides:
        while (page := await run.page(side)) is not None:
            sides[side].rows += page.rows
            sides[side].invalid += page.invalid
    run.comparison.settle()
    await runtime().blocking(_join_all, run, sides)


def _join_all(run: Run, sides: tuple[Keyed, Keyed]) -> None:
    keyed: list[Keyed] = [Keyed(), Keyed()]
    for side in run.sides:
        run.readings[side].coerce(run.readings[1 - side])
        keyed[side] = run.readings[side].read(sides[side].rows)
        keyed[side].invalid = sides[side].invalid + keyed[side].invalid
    for side in (0, 1):
        run.joiner.unkeyed(side, keyed[side])
    run.joiner.join(keyed[0], keyed[1])
