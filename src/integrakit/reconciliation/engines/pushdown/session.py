"""What this engine needs of a place where both sides are: statements answered, rows that come back as records, a proof.

Implemented by its neighbours, one for each kind of place.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import frozen

from integrakit.model import Evidence
from integrakit.reconciliation.engines.pushdown.dialects import Dialect
from integrakit.reconciliation.engines.pushdown.kinds import PlacedSide
from integrakit.reconciliation.rules.columns import Row
from integrakit.sql.statement import Statement

__all__ = ["Came", "Session"]


@frozen
class Came:
    """Rows of a join that came back, side by side: their keys, whether the key stands more than once, and the records, None where there is none."""

    keys: Sequence[tuple[Any, ...]]
    tags: Sequence[int]
    lefts: Sequence[Row | None]
    rights: Sequence[Row | None]


class Session(Protocol):
    """Both sides, open at one moment. Used by one thread at a time; raises errors of integrakit's own, and `Unsuitable`."""

    dialect: Dialect
    sides: tuple[PlacedSide, PlacedSide]
    #: Whether all statements see the same moment.
    snapshot: bool

    def rows(self, statement: Statement, /) -> list[tuple[Any, ...]]:
        """All rows of an answer that is short."""
        ...

    def came(self, statement: Statement, /) -> Iterator[Came]:
        """What `Statements.differing` brings, batch by batch."""
        ...

    def listed(self, statement: Statement, /) -> tuple[tuple[Any, ...], Came] | None:
        """What `Statements.in_one` brings: the numbers, and what may differ; None where that may be more than memory holds."""
        ...

    def column(self, statement: Statement, side: int, name: str, /) -> Generator[list[Any], None, None]:
        """The values of one column, as the side's own reader gives them."""
        ...

    def evidence(self, side: int, records: int, started: datetime, /) -> Evidence: ...

    def close(self) -> None:
        """Leaves nothing behind; never raises for what the engine had to say."""
        ...
