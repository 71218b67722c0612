"""One read of a file, page by page. The file stays open between pages, and memory is that of one page.

How lines become records is the business of the format; here are pages, evidence and checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from attrs import evolve

from integrakit.errors import CheckpointMismatch, ReadError
from integrakit.files.lines import Lines
from integrakit.model import Checkpoint, Evidence, Page, Record
from integrakit.runtimes import runtime

__all__ = ["FileReader", "start_of"]


def start_of(resource: str, parameters: str, since: Checkpoint | None) -> Checkpoint:
    """Where a read begins; raises `CheckpointMismatch` for a checkpoint of something else."""
    if since is None:
        return Checkpoint(resource=resource, parameters=parameters)
    since.check(resource, parameters)
    if since.watermark is not None:
        raise CheckpointMismatch(f"the checkpoint of {resource} has a watermark, and a file has no cursor to compare with it")
    return since


class FileReader:
    """One read in progress. ``parse(lines, token)`` gives the records of the lines, from where the token was made."""

    def __init__(self, open_lines: Callable[[], Lines], parse: Callable[[Lines, Any], Iterator[Record]], start: Checkpoint, page_size: int) -> None:
        self._open = open_lines
        self._parse = parse
        self._start = start
        self._page_size = page_size
        self._lines: Lines | None = None
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
            stability="snapshot",
            ended_by="protocol" if over else None,
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
        if self._lines is not None:
            self._lines.close()

    def _fetch(self) -> Page | None:
        try:
            if self._lines is None:
                self._lines = self._open()
                self._records_left = self._parse(self._lines, self._start.token)
            lines = self._lines
            records = list(islice(self._records_left, self._page_size))
            if not records:
                self._changed = lines.changed()
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
        self._latest = evolve(self._start, token=lines.token(), pages=self._pages, records=self._records, born=self._started)
        return Page(records, self._latest)
