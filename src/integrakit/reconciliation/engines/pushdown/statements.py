"""The statements that are asked: one full outer join of both sides, what is counted in it, and what comes back. Text only; nothing is run here.

Both sides are called ``l`` and ``r`` in all of them, their columns ``c0``, ``c1`` … in the order of the side, and ``p`` says that there is a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

from integrakit.reconciliation.engines.pushdown.dialects import Dialect
from integrakit.reconciliation.engines.pushdown.kinds import PlacedSide
from integrakit.sql.statement import Statement

__all__ = ["Part", "Statements"]

_NAMES = ("l", "r")


@frozen(kw_only=True)
class Part:
    """One part of the key: what is joined by ``=``, left and right."""

    left: str
    right: str


@frozen(kw_only=True)
class Statements:
    """What can be asked about two sides."""

    dialect: Dialect
    sides: tuple[PlacedSide, PlacedSide]
    parts: Sequence[Part]
    #: Implies that a pair is the same in all fields.
    sure: str

    # ---------------------------------------------------------------- parts of statements

    def _with(self, used: Iterable[int], *more: str) -> tuple[str, tuple[object, ...]]:
        found: list[str] = []
        values: list[object] = []
        for index in used:
            side = self.sides[index]
            columns = ", ".join(f"{column.selected} AS c{place}" for place, column in enumerate(side.columns.values()))
            found.append(f"{_NAMES[index]} AS {self.dialect.inline}(SELECT 1 AS p, {columns} FROM {side.source})")
            values += side.values
        return "WITH " + ", ".join([*found, *more]), tuple(values)

    def _keys(self, side: int) -> list[str]:
        return [part.right if side else part.left for part in self.parts]

    def _on(self) -> str:
        return " AND ".join(f"{part.left} = {part.right}" for part in self.parts)

    def _pair(self) -> str:
        """The condition of a pair that is surely the same: that there are two rows is said by the first part of its key."""
        return f"({self.parts[0].left} IS NOT NULL AND {self.parts[0].right} IS NOT NULL AND {self.sure})"

    def _given(self, side: int) -> str:
        """Everything of a side, under names of its own."""
        name = _NAMES[side]
        return ", ".join([f"{name}.p AS {name}p", *(f"{name}.c{place} AS {name}{place}" for place in range(len(self.sides[side].columns)))])

    def _nothing(self, side: int) -> str:
        name = _NAMES[side]
        return ", ".join([f"NULL AS {name}p", *(f"NULL AS {name}{place}" for place in range(len(self.sides[side].columns)))])

    def _order(self) -> str:
        return ", ".join(self.dialect.nulls_last.format(f"o{place}") for place in range(len(self.parts)))

    # ---------------------------------------------------------------- statements

    def differing(self, *, again: bool) -> Statement:
        """Every row without a partner and every pair that may differ, in the order of keys: the key, whether it stands more than once, left, right.

        ``again``: keys that stand more than once on a side are left out of the join, and all their rows follow as they are.
        """
        keys = ", ".join(f"coalesce({part.left}, {part.right}) AS o{place}" for place, part in enumerate(self.parts))
        everything = f"{self._given(0)}, {self._given(1)}"
        if not again:
            head, values = self._with((0, 1))
            join = self._joined(f"{keys}, 0 AS tag, {everything}", "l", "r")
            return Statement(f"{head} SELECT * FROM ({join}) AS j ORDER BY {self._order()}", values)
        twice = " UNION ".join(
            f"SELECT {', '.join(f'{key} AS k{place}' for place, key in enumerate(self._keys(side)))} FROM {_NAMES[side]}"
            f" WHERE {self._keyed(side)} GROUP BY {', '.join(self._keys(side))} HAVING count(*) > 1"
            for side in (0, 1)
        )
        head, values = self._with((0, 1), f"twice AS ({twice})")
        once = [f"(SELECT * FROM {name} WHERE NOT EXISTS ({self._is_twice(side)}))" for side, name in enumerate(_NAMES)]
        parts = [self._joined(f"{keys}, 0 AS tag, {everything}", *(f"{query} AS {name}" for query, name in zip(once, _NAMES, strict=True)))]
        for side, name in enumerate(_NAMES):
            own = ", ".join(f"{key} AS o{place}" for place, key in enumerate(self._keys(side)))
            both = f"{self._given(0)}, {self._nothing(1)}" if side == 0 else f"{self._nothing(0)}, {self._given(1)}"
            parts.append(f"SELECT {own}, 1 AS tag, {both} FROM {name} WHERE EXISTS ({self._is_twice(side)})")
        return Statement(f"{head} SELECT * FROM ({' UNION ALL '.join(parts)}) AS j ORDER BY {self._order()}", values)

    def _keyed(self, side: int) -> str:
        return " AND ".join(f"{key} IS NOT NULL" for key in self._keys(side))

    def _is_twice(self, side: int) -> str:
        return "SELECT 1 FROM twice WHERE " + " AND ".join(f"twice.k{place} = {key}" for place, key in enumerate(self._keys(side)))

    def _joined(self, selected: str, left: str, right: str) -> str:
        """The full join, of which what is surely the same is left out."""
        maybe = f"{self._pair()} IS NOT TRUE"
        if self.dialect.full_join:
            return f"SELECT {selected} FROM {left} FULL JOIN {right} ON {self._on()} WHERE {maybe}"
        # The rows of the left with what they have on the right, then those of the right that have nothing.
        first = f"SELECT {selected} FROM {left} LEFT JOIN {right} ON {self._on()} WHERE {maybe}"
        alone = f"SELECT {selected} FROM {right} LEFT JOIN {left} ON {self._on()} WHERE l.p IS NULL"
        return f"{first} UNION ALL {alone}"

    def counted(self, side: int, measures: Sequence[str]) -> Statement:
        """One row: how many rows there are on one side, and what is measured of its columns."""
        head, values = self._with((side,))
        return Statement(f"{head} SELECT {', '.join(['count(*) AS n', *measures])} FROM {_NAMES[side]}", values)

    def repeated(self, side: int) -> Statement:
        """How many keys stand more than once on one side."""
        head, values = self._with((side,))
        keys = ", ".join(self._keys(side))
        groups = f"SELECT 1 AS one FROM {_NAMES[side]} WHERE {self._keyed(side)} GROUP BY {keys} HAVING count(*) > 1"
        return Statement(f"{head} SELECT count(*) AS n FROM ({groups}) AS g", values)

    def column(self, side: int, place: int, *, one: bool = False) -> Statement:
        """One column of a side: all of it, or ``one`` value that is not null."""
        head, values = self._with((side,))
        return Statement(f"{head} SELECT c{place} FROM {_NAMES[side]}{f' WHERE c{place} IS NOT NULL LIMIT 1' if one else ''}", values)

    def in_one(self, measures: Sequence[str]) -> Statement:
        """Everything in one pass, where the engine has lists: one row that says how many rows of each side are in the join, what is measured of them,
        and all that may differ as a list in the order of keys."""
        head, values = self._with((0, 1))
        keys = ", ".join(f"coalesce({part.left}, {part.right}) AS o{place}" for place, part in enumerate(self.parts))
        join = f"SELECT {keys}, {self._given(0)}, {self._given(1)}, coalesce({self._pair()}, FALSE) AS sure FROM l FULL JOIN r ON {self._on()}"
        names = [f"o{place}" for place in range(len(self.parts))]
        for side, name in enumerate(_NAMES):
            names += [f"{name}p", *(f"{name}{place}" for place in range(len(self.sides[side].columns)))]
        listed = f"list({{{', '.join(f'{name}: {name}' for name in names)}}} ORDER BY {self._order()}) FILTER (WHERE NOT sure)"
        return Statement(
            f"{head} SELECT {', '.join(['count(lp) AS lefts', 'count(rp) AS rights', *measures, f'{listed} AS found'])} FROM ({join}) AS j", values
        )
