"""How one side is looked at again: asked for some records by their keys, read once more from its start, or not at all.

A source is asked by key where its answer says the same as a read of it would. What the answers mean is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from integrakit.errors import IntegrakitError, ReadError
from integrakit.files import CsvFile, JsonLines
from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.inputs.feed import Feed, attach
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.keys import rows_of
from integrakit.reconciliation.rules.spec import Key
from integrakit.runtimes import runtime
from integrakit.sql import SqlTable

__all__ = ["Again"]

#: A file is read from its start to find one record, and gives only the last of several.
_READS_IT_ALL = (CsvFile, JsonLines)
#: No key has more.
_DIGITS = 40


class Again:
    """One side."""

    def __init__(self, feed: Feed, side: int, key: Key, *, cells: bool) -> None:
        """``cells``: one of the sides has untyped text, so that keys of one side are no keys of the other."""
        self.feed = feed
        self._side = side
        self._source = feed.source
        self._names = key.right if side else key.names
        #: "ask" by key, "read" everything once more, or "never".
        self.way: Literal["ask", "read", "never"] = "never" if feed.once else "read"
        if key.normalise is None and not cells and self._answers():
            self.way = "ask"

    def _answers(self) -> bool:
        source = self._source
        own = getattr(source, "key", None)
        if isinstance(source, _READS_IT_ALL) or own is None or getattr(source, "findable", True) is not True:
            return False
        # A record that a read would have left out, or made something else of, is no answer to what a read brought.
        if not getattr(source, "finds_as_read", True):
            return False
        names = (own,) if isinstance(own, str) else tuple(own)
        return sorted(names) == sorted(self._names) and (self._awaits or hasattr(source, "find"))

    @property
    def _awaits(self) -> bool:
        source = self._source
        if not hasattr(source, "afind"):
            return False
        return getattr(source, "on_runtime", False) or runtime().name == "concurrent"

    @property
    def sure(self) -> bool:
        """Whether a key that is not found is not there; else the first answers are held against what the read brought."""
        return isinstance(self._source, SqlTable)

    def distrust(self) -> None:
        """Its answers are not what its reads say."""
        self.way = "never" if self.feed.once else "read"

    def asked_as(self, raw: Any) -> Any:
        """A key as the source is asked for it: its parts in the source's own order; whole numbers as such, for 7.0 is another address."""
        own = self._source.key
        if isinstance(own, str):
            return _plain(raw)
        parts = dict(zip(self._names, raw if len(self._names) > 1 else (raw,), strict=True))
        return tuple(_plain(parts[name]) for name in own)

    async def find(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
        """The records that are there now. Raises integrakit's errors, and `ReadError` for any other."""
        if not keys:
            return {}
        try:
            found = await self._source.afind(keys) if self._awaits else await runtime().blocking(self._source.find, keys)
        except IntegrakitError:
            raise
        except Exception as problem:
            raise ReadError(
                f"the {self.feed.name} side ({self.feed.label}) could not be asked for {len(keys)} records again: {type(problem).__name__}: {problem}"
            ) from problem
        if not isinstance(found, Mapping):
            raise ReadError(
                f"find(keys) of the {self.feed.name} side ({self.feed.label}) gives a dict of keys and records, not {type(found).__name__}"
            )
        return found

    async def read(self, run: Run, wanted: set[Hashable]) -> dict[Hashable, list[Row]]:
        """The records of some keys, as ``run`` reads keys, out of a new read of everything. Raises what reading raises."""
        found: dict[Hashable, list[Row]] = {}
        if not wanted:
            return found
        feed = attach(self._source, self.feed.name)
        feed.keep_nothing()
        reading = run.readings[self._side]
        while (page := await feed.next_page()) is not None:
            keyed = reading.read(rows_of(page.records)[0])
            for key, row in zip(keyed.keys, keyed.rows, strict=True):
                if key in wanted:
                    found.setdefault(key, []).append(row)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _DIGITS and value == value.to_integral_value():
        return int(value)
    return value
