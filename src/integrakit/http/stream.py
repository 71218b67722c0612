"""`Stream`: a collection behind an API, as something to iterate. Each iteration is a new read; only pages cross the runtime."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from integrakit.http.frames import to_arrow, to_pandas, to_polars
from integrakit.iterating import AsyncRecords, Pages, Read
from integrakit.model import Checkpoint, Evidence, Record
from integrakit.protocols import Reader

__all__ = ["Stream"]


class Stream:
    """Records page by page, in flat memory: ``for record in stream``, ``async for record in stream``, ``stream.pages()``, ``stream.to_list()``."""

    def __init__(self, open_reader: Callable[[Checkpoint | None], Reader], description: str) -> None:
        self._open = open_reader
        self._description = description
        self._latest: Reader | None = None

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        self._latest = self._open(since)
        return self._latest

    def read(self, since: Checkpoint | None = None) -> Read:
        """One new read, with its own evidence."""
        return Read(self.open_read(since))

    def pages(self, since: Checkpoint | None = None, /) -> Pages:
        """One new read as pages, each with the checkpoint that is true after it."""
        return Pages(self.open_read(since))

    def __iter__(self) -> Iterator[Record]:
        return iter(self.read())

    def __aiter__(self) -> AsyncIterator[Record]:
        return AsyncRecords(self.open_read())

    @property
    def evidence(self) -> Evidence:
        """Of the latest read; nothing is known before the first."""
        return Evidence(reasons=("nothing was read yet",)) if self._latest is None else self._latest.evidence

    def to_list(self) -> list[Record]:
        """Everything in memory. Raises as iterating does."""
        return list(self)

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table``; needs ``integrakit[arrow]``."""
        return to_arrow(self.to_list())

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``; needs ``integrakit[pandas]``."""
        return to_pandas(self.to_list())

    def to_polars(self) -> Any:
        """A ``polars.DataFrame``; needs ``integrakit[polars]``."""
        return to_polars(self.to_list())

    def __repr__(self) -> str:
        return f"<Stream of {self._description}>"
