"""One read of a file, page by page. The file stays open between pages, and memory is that of one page.

How a file becomes records is the business of the format; here are pages, evidence and checkpoints.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from attrs import evolve

from integrakit.errors import CheckpointMismatch, ReadError
from integrakit.model import Checkpoint, Evidence, Page, Record
from integrakit.runtimes import runtime

__all__ = ["FileReader", "start_of"]


class _Opened(Protocol):
    """An open file of some format."""

    @property
    def declared_total(self) -> int | None:
        """How many records the file says it has; None where it says nothing."""
        ...

    def token(self) -> Any:
        """Where the last record that was taken ends, JSON-able."""
        ...

    def changed(self) -> bool: ...

    def close(self) -> None: ...


File = TypeVar("File", bound=_Opened)


def start_of(resource: str, parameters: str, mode: str, since: Checkpoint | None) -> Checkpoint:
    """Where a read begins; raises `CheckpointMismatch` for a checkpoint of something else."""
    if since is None:
        return Checkpoint(resource=resource, parameters=parameters, mode=mode)
    since.check(resource, parameters)
    if since.watermark is not None:
        raise CheckpointMismatch(f"the checkpoint of {resource} has a watermark, and a file has no cursor to compare with it")
    if since.token is not None and since.mode != mode:
        raise CheckpointMismatch(
            f"the checkpoint of {resource} goes on by {since.mode or 'nothing that is known'}, and this read by {mode}: start without it"
        )
    return evolve(since, mode=mode)


class FileReader(Generic[File]):
    """One read in progress. ``parse(file, token)`` gives the records of an open file, from where the token was made."""

    def __init__(self, open_file: Callable[[], File], parse: Callable[[File, Any], Iterator[Record]], start: Checkpoint, page_size: int) -> None:
        self._open = open_file
        self._parse = parse
        self._start = start
        self._page_size = page_size
        self._file: File | None = None
        self._process = 0
        self._declared: int | None = None
        self._records_left: Iterator[Record] = iter(())
        self._state = "new"
        self._changed = False
        self._latest: Checkpoint | None = None
        self._pages, self._records = start.pages, start.records
        self._started: datetime | None = start.born

    async def next_page(self) -> Page | None:
        """The next page, or None at the end. Raises `ConfigurationError`, `DecodeError`, `ReadError` and `CheckpointMismatch`."""
        if self._state in ("failed", "closed"):
            raise ReadError(f"this read of {self._start.resource} {self._state} before its end: begin a new one", evidence=self.evidence)
        if self._state == "over":
            return None
        if self._started is None:
            self._started = runtime().wall()
        return await runtime().blocking(self._fetch)

    @property
    def evidence(self) -> Evidence:
        over = self._state == "over"
        reasons = () if over else ("the read is not at its end",)
        if self._changed:
            reasons = ("the file was written to while it was read",)
        return Evidence(
            complete=True if not reasons else None,
            reasons=reasons,
            pages=self._pages,
            records=self._records,
            declared_total=self._declared,
            stability="snapshot",
            ended_by=("protocol" if self._declared is None else "total") if over else None,
            started=self._started,
        )

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where to go on; None after the end, since the next read of a file is from its start."""
        return None if self._state == "over" else self._latest

    def close(self) -> None:
        """Ends the read and closes the file; a read that came to its end has done so."""
        if self._state == "new":
            self._state = "closed"
        if self._file is not None:
            self._file.close()

    def _fetch(self) -> Page | None:
        try:
            if self._file is None:
                self._file, self._process = self._open(), os.getpid()
                self._declared = self._file.declared_total
                self._records_left = self._parse(self._file, self._start.token)
            if self._process != os.getpid():
                # The place in the file is one for both: what a child read, its parent would pass over.
                raise ReadError(f"this read of {self._start.resource} was begun before a fork: begin a new one", evidence=self.evidence)
            file = self._file
            records = list(islice(self._records_left, self._page_size))
            if not records:
                self._changed = file.changed()
        except BaseException:
            self._state = "failed"
            self.close()
            raise
        if not records:
            self._state = "over"
            self.close()
            return None
        self._pages += 1
        self._records += len(records)
        self._latest = evolve(self._start, token=file.token(), pages=self._pages, records=self._records, born=self._started)
        return Page(records, self._latest)
