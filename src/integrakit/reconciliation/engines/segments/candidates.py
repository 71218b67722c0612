"""The rows of the buckets that differ, read in the order of their keys on both sides and merged: the only rows that become records.

They are read in the snapshots that were digested, so what is written meanwhile is neither here nor there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrakit.reconciliation.engines.merging import merge
from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.engines.segments.snapshot import Snapshot
from integrakit.reconciliation.rules.keys import Keyed
from integrakit.runtimes import runtime
from integrakit.sql.layout import Layout
from integrakit.sql.server_schema import server_layout

__all__ = ["Candidates", "merged"]

_PAGE = 1000


class Candidates:
    """The rows of one side that a condition names."""

    def __init__(self, snapshot: Snapshot, key: Sequence[str], condition: str, *, types: Mapping[str, Any]) -> None:
        self._snapshot = snapshot
        names = tuple(key)
        self._layout: Layout = server_layout(snapshot.schema, key=names, order=names, cursor=None, types=types)
        order = ", ".join(term.sort for term in self._layout.terms)
        self._statement = f"SELECT {self._layout.selected} FROM {self._layout.source} WHERE {condition} ORDER BY {order}"
        self._begun = self._over = False

    def page(self) -> list[dict[str, Any]] | None:
        """The next rows as records; None at the end. Raises what reading the source raises."""
        if self._over:
            return None
        if not self._begun:
            self._begun = True
            self._snapshot.begin(self._statement, digesting=False)
        rows = self._snapshot.fetch(_PAGE, digesting=False)
        if len(rows) < _PAGE:
            self._over = True
            self._snapshot.finish()
        return self._layout.records(rows) or None


class _Some(Run):
    """The run, whose pages are the candidates only."""

    def __init__(self, run: Run, candidates: tuple[Candidates, Candidates]) -> None:
        self.__dict__.update(run.__dict__)
        self._candidates = candidates

    async def page(self, side: int) -> Keyed | None:
        records = await runtime().blocking(self._candidates[side].page)
        if records is None:
            return None
        self.count(side, len(records))
        return Keyed(rows=records)


async def merged(run: Run, candidates: tuple[Candidates, Candidates]) -> None:
    """Joins them by all the rules. Raises `Unsuitable` where their keys have no order in common, and what reading raises."""
    await merge(_Some(run, candidates))
