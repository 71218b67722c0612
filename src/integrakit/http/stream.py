"""`Stream`: a collection behind an API, as something to iterate. Each iteration is a new read; only pages cross the runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrakit.http.frames import to_arrow, to_pandas, to_polars
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence
from integrakit.protocols import Reader

__all__ = ["Stream"]


class Stream(Rereadable):
    """Records page by page, in flat memory: ``for record in stream``, ``async for record in stream``, ``stream.pages()``, ``stream.to_list()``."""

    def __init__(self, open_reader: Callable[[Checkpoint | None], Reader], description: str) -> None:
        self._open = open_reader
        self._description = description
        self._latest: Reader | None = None

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        self._latest = self._open(since)
        return self._latest

    @property
    def evidence(self) -> Evidence:
        """Of the latest read; nothing is known before the first."""
        return Evidence(reasons=("nothing was read yet",)) if self._latest is None else self._latest.evidence

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
