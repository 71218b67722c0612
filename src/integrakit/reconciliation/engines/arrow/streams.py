"""One side of the comparison: batches with their keys in order, a window of them at a time, and what came out of order found out at once.

Rows without a key are set aside. Nothing is compared with the other side here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve

from integrakit.errors import DecodeError
from integrakit.files.arrow_values import records_of
from integrakit.reconciliation.engines.arrow.keys import Keys, read_keys
from integrakit.reconciliation.engines.run import Unsuitable
from integrakit.reconciliation.rules.columns import Row

__all__ = ["OutOfOrder", "Stream", "rows_at"]


class OutOfOrder(Unsuitable):
    """Keys that do not ascend."""


def rows_at(arrow: Any, batch: Any, places: Any, label: str) -> list[Row]:
    """Some rows of a batch as records. Raises `DecodeError` for values that Python does not have."""
    if not len(places):
        return []
    try:
        if len(places) == batch.num_rows:
            return records_of(arrow, batch)
        try:
            return records_of(arrow, batch.take(arrow.array(places)))
        except arrow.ArrowException:  # there are types of which rows cannot be taken
            return [row for place in places for row in records_of(arrow, batch.slice(int(place), 1))]
    except (arrow.ArrowException, ValueError, OverflowError, KeyError, TypeError) as problem:
        raise DecodeError(f"the {label} holds what cannot be told in Python: {problem!s:.300}") from problem


class Stream:
    """``batches``: anything with ``next()`` that gives batches. ``kinds``: what the parts of the key are read as. ``most``: bytes of a window."""

    def __init__(self, arrow: Any, batches: Any, names: Sequence[str], kinds: Sequence[str], label: str, most: int) -> None:
        self._arrow = arrow
        self._source = batches
        self._names = names
        self._kinds = kinds
        self._label = label
        self._most = most
        #: Rows without a key that nobody has taken yet, as batches.
        self.unkeyed: list[Any] = []
        #: Batches that came and were not looked at yet by whoever counts and adds up.
        self.news: list[Any] = []
        self.batch: Any = None
        self.keys: Keys | None = None
        self._ahead: tuple[Any, Keys] | None = None
        self._begun = False

    @property
    def ended(self) -> bool:
        return self.batch is None

    @property
    def last(self) -> tuple[Any, ...]:
        assert self.keys is not None
        return self.keys.at(self.keys.length - 1)

    def fill(self) -> None:
        """Makes sure that there is a window, complete up to its last key, or the end. Raises `OutOfOrder` and `Unsuitable`."""
        if self.batch is not None:
            return
        if not self._begun:
            self._begun = True
            self._ahead = self._read(None)
        if self._ahead is None:
            return
        self.batch, self.keys = self._ahead
        self._ahead = self._read(self.keys)
        while self._ahead is not None and self._ahead[1].at(0) == self.last:
            # The last key goes on in the next batch.
            batch, keys = self._ahead
            if self.batch.nbytes + batch.nbytes > self._most:
                raise Unsuitable(f"a key of the {self._label} stands more often than there is memory for: {self.last!r}")
            self.batch = self._arrow.concat_batches([self.batch, batch])
            self.keys = read_keys(self._arrow, [self.batch.column(name) for name in self._names], self._kinds)
            self._ahead = self._read(keys)

    def _read(self, before: Keys | None) -> tuple[Any, Keys] | None:
        while (batch := self._source.next()) is not None:
            self.news.append(batch)
            keys = read_keys(self._arrow, [batch.column(name) for name in self._names], self._kinds)
            if keys.null is not None:
                self.unkeyed.append(batch.filter(self._arrow.array(keys.null)))
                batch = batch.filter(self._arrow.array(~keys.null))
            if keys.length:
                return batch, self._checked(before, keys)
        return None

    def _checked(self, before: Keys | None, keys: Keys) -> Keys:
        if before is not None and keys.at(0) < before.at(before.length - 1):
            raise OutOfOrder(
                f"the {self._label} is not in the order of its keys: {_shown(keys.at(0))} comes after {_shown(before.at(before.length - 1))}"
            )
        if keys.length > 1:
            above, same = keys.compared()
            if above.all():
                return evolve(keys, unique=True)
            if not (above | same).all():
                place = int((~(above | same)).argmax())
                raise OutOfOrder(
                    f"the {self._label} is not in the order of its keys: {_shown(keys.at(place + 1))} comes after {_shown(keys.at(place))}"
                )
        return keys

    def take(self, limit: tuple[Any, ...]) -> tuple[Any, Keys]:
        """The rows at or below the limit; none after the end."""
        batch, keys = self.batch, self.keys
        if keys is None:
            return None, Keys((), 0)
        count = keys.count_up_to(limit)
        if count == keys.length:
            self.batch = self.keys = None
            return batch, keys
        self.batch, self.keys = batch.slice(count), keys.slice(count, keys.length)
        return batch.slice(0, count), keys.slice(0, count)


def _shown(key: tuple[Any, ...]) -> str:
    return repr(key[0] if len(key) == 1 else key)
