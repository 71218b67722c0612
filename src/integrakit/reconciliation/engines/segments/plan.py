"""What both digest passes have in common: the columns, which of them are added up, and what each line of an answer says. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import field, frozen

from integrakit.reconciliation.engines.segments.pairing import Pair

__all__ = ["Plan"]


@frozen(kw_only=True, slots=False)
class Plan:
    """The columns of both sides, and what is asked about them."""

    keys: tuple[Pair, ...]
    #: By the names on the left.
    fields: Mapping[str, Pair]
    postgres: tuple[bool, bool]
    #: Whether each side is known to have no key twice.
    unique: tuple[bool, bool]
    #: Buckets in one row of an answer: drivers take longer for a row than for a text.
    page: int = field(default=64)

    @property
    def both_postgresql(self) -> bool:
        return all(self.postgres)

    @property
    def whole_key(self) -> bool:
        """Whether the key is one whole number."""
        return len(self.keys) == 1 and self.keys[0].numbers == {"int"}

    @cached_property
    def summed(self) -> tuple[str, ...]:
        """Fields whose values are numbers."""
        return tuple(name for name, pair in self.fields.items() if pair.family == "number")

    def counts_twice(self, side: int) -> bool:
        """Whether this side looks for keys that stand more than once. Where all rows are the same, what one side knows holds for both."""
        return side == 0 and not any(self.unique)

    def barred(self, side: int) -> str:
        """The number of the column, from 1, whose value may not be there; 0 where all is well. Empty where nothing can be wrong."""
        cases = [f"WHEN {found[0]} THEN {place}" for place, pair in enumerate(self._pairs, 1) if (found := pair.barred(side)) is not None]
        return f"CASE {' '.join(cases)} ELSE 0 END" if cases else ""

    def why_barred(self, side: int, place: int) -> str:
        pair = self._pairs[place - 1]
        found = pair.barred(side)
        assert found is not None
        return f"{pair.of(side).name!r}: {found[1]}"

    @property
    def _pairs(self) -> tuple[Pair, ...]:
        return (*self.keys, *self.fields.values())
