"""How rows are parted into buckets of a few rows each, the same way on both servers: by ranges of a whole number, by its remainder, or by a digest.

Rows whose key identifies nothing are in the bucket -1, which is never clean. Pure: SQL out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from attrs import evolve, frozen

from integrakit.reconciliation.engines.segments.pairing import Pair
from integrakit.reconciliation.engines.segments.words import Words

__all__ = ["NO_KEY", "Buckets", "chosen"]

NO_KEY = -1
#: More would be too many names for one statement.
_MOST = 2**20
#: A range of numbers of which fewer are taken is parted by remainders: ranges of equal width could hold very different numbers of rows.
_SPARSE = 64
#: Beyond this, differences would leave 64 bits.
_FAR = 2**62


@frozen(kw_only=True)
class Buckets:
    """One way to part rows. ``keys``: the parts of the key on both sides."""

    how: Literal["ranges", "remainders", "digests"]
    keys: tuple[Pair, ...]
    words: Words
    #: The lowest key there is, where keys are whole numbers.
    low: int = 0
    #: Of "ranges": numbers in each. Of the others: how many buckets there are; a power of two for "digests".
    size: int = 1

    @property
    def alone(self) -> bool:
        """Whether each bucket holds one key."""
        return self.how == "ranges" and self.size == 1

    def key(self, side: int) -> str:
        """The key as text, the same on both sides for equal keys."""
        texts = [pair.text(side) for pair in self.keys]
        return texts[0] if len(texts) == 1 else f"concat_ws('{self.words.separator}', {', '.join(texts)})"

    def number(self, side: int) -> str:
        """The one part of the key, a whole number, as one of 64 bits."""
        return self.keys[0].of(side).whole

    def sql(self, side: int, postgres: bool) -> str:
        """The number of the bucket that a row is in."""
        if self.how == "ranges":
            found = f"({self.number(side)} - ({self.low})) {'/' if postgres else 'DIV'} {self.size}"
        elif self.how == "remainders":
            found = f"abs(mod({self.number(side)}, {self.size}))"
        elif postgres:
            found = f"(CAST(CAST('x' || left(md5({self.key(side)}), 8) AS bit(32)) AS int8) & {self.size - 1})"
        else:
            found = f"(CAST(CONV(LEFT(MD5({self.key(side)}), 8), 16, 10) AS UNSIGNED) & {self.size - 1})"
        if missing := self.missing(side):
            return f"CASE WHEN {missing} THEN {NO_KEY} ELSE {found} END"
        return found

    def missing(self, side: int) -> str:
        """The condition under which a key identifies nothing; empty where each identifies something."""
        parts = [pair.of(side) for pair in self.keys]
        nulls = [f"{form.value} IS NULL" for form in parts if not form.required]
        return " OR ".join([*nulls, *(form.no_key for form in parts if form.no_key)])

    def stretches(self, dirty: Sequence[int]) -> list[tuple[int, int]]:
        """Of "ranges" of several keys: the first and the last key of each stretch that these buckets make up."""
        found: list[tuple[int, int]] = []
        if self.how != "ranges" or self.alone:
            return found
        for bucket in sorted(dirty):
            first = self.low + bucket * self.size
            if bucket != NO_KEY and found and found[-1][1] == first - 1:
                found[-1] = found[-1][0], first + self.size - 1
            elif bucket != NO_KEY:
                found.append((first, first + self.size - 1))
        return found

    def finest(self) -> Buckets | None:
        """The same rows in buckets of one key each; None where keys are no whole numbers."""
        return None if self.how == "digests" else evolve(self, how="ranges", size=1)


def chosen(keys: list[Pair], words: Words, *, rows: int, bounds: tuple[int, int] | None, wanted: int) -> Buckets:
    """The best way to part about so many rows into buckets of ``wanted``. ``bounds``: the lowest and highest key, where keys are whole numbers."""
    count = max(1, min(rows // wanted, _MOST))
    made = Buckets(how="digests", keys=tuple(keys), words=words, size=1 << max(0, (count - 1).bit_length()))
    if bounds is None or not -_FAR < bounds[0] <= bounds[1] < _FAR:
        return made
    made = evolve(made, low=bounds[0])
    span = bounds[1] - bounds[0] + 1
    if span > _SPARSE * max(rows, 1):
        return evolve(made, how="remainders", size=_prime(count))
    return evolve(made, how="ranges", size=-(-span // count))


def _prime(least: int) -> int:
    """The next prime: numbers that grow by steps are spread over all remainders of it, whatever the step."""
    found = max(2, least)
    while any(found % factor == 0 for factor in range(2, int(found**0.5) + 1)):
        found += 1
    return found
