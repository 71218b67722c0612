"""`JsonLines`: one JSON object a line, as a source of records, and as a sink that appends to it. Lines, pages and appending are its neighbours'."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from integrakit._json import decoder, dumps, loads
from integrakit.errors import ConfigurationError, DecodeError
from integrakit.files.append import Unfit, append, found, names_of, outcomes_of, page_size_of, record_of
from integrakit.files.lines import Lines
from integrakit.files.opening import file_path, is_packed
from integrakit.files.reader import FileReader, start_of
from integrakit.iterating import Rereadable
from integrakit.model import Change, Checkpoint, Outcome, Record
from integrakit.protocols import SinkLimits
from integrakit.runtimes import runtime

__all__ = ["JsonLines", "Recent"]

#: What may stand after the object of a line.
_ENDS = ("\n", "", "\r\n")
_ONE_DOCUMENT = "; if the file is one JSON document, JsonFile(path) reads it"
#: Lines without a like that are remembered before they are forgotten.
_RECENT = 4000


class Recent(dict[str, Record]):
    """Lines lately read from one of two files that are read side by side with the same options, and their records: each is decoded once for both.

    Nothing depends on what is found here but the time it takes.
    """

    #: False when too few lines have a like to be worth it.
    useful = True


class JsonLines(Rereadable):
    """A file of JSON objects, one a line, in UTF-8: iterate it, read it in pages, append to it.

    ``key``: the field that names a record, or several; what a sync takes as its key. ``decimals``: fractions arrive as exact Decimals, or (False) as
    floats. Blank lines are skipped. Gzip, and a zip with one file in it, are told by their first bytes and read compressed.

    A wrong argument is a `ConfigurationError` at once, a missing file one when it is opened, a line that is not a JSON object a `DecodeError` naming
    it.
    """

    on_runtime = True
    #: A record appended twice is there twice.
    repeatable = False
    deletes = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        key: str | Sequence[str] | None = None,
        decimals: bool = True,
        page_size: int = 1000,
    ) -> None:
        self.path = file_path("JsonLines", path)
        self.name = os.path.basename(self.path)
        self._key = () if key is None else names_of("JsonLines", "key", key)
        #: The field that names a record; a tuple where it takes several.
        self.key: str | tuple[str, ...] | None = self._key[0] if len(self._key) == 1 else self._key or None
        #: Whether `find` can answer.
        self.findable = bool(self._key)
        if not isinstance(decimals, bool):
            raise ConfigurationError(f"JsonLines(decimals=…) takes True or False, not {decimals!r}")
        #: Whether fractions arrive as Decimals.
        self.decimals = decimals
        self._page_size = page_size_of("JsonLines", page_size)
        self._lock = threading.Lock()
        self.limits = SinkLimits()

    def __repr__(self) -> str:
        return f"<JsonLines {self.name}{f', key {self.key!r}' if self._key else ''}>"

    # ---------------------------------------------------------------- reading

    def open_read(self, since: Checkpoint | None = None, /, *, recent: Recent | None = None) -> FileReader[Lines]:
        """A new read, from the start or on from a page's checkpoint. The file is opened when the first page is asked for.

        ``recent``: what is read of another file at the same time; a line that stands in both gives one and the same record.
        """
        parse = self._parse if recent is None else partial(self._parse_beside, recent)
        return FileReader(self._lines, parse, start_of(self.path, "", "lines", since), self._page_size)

    def find(self, keys: Collection[Any], /) -> dict[Any, Mapping[str, Any]]:
        """The last record of each of the keys that is there: ``{key: record}``. Reads the whole file."""
        if not self._key:
            raise ConfigurationError("JsonLines.find() needs to know the key: JsonLines(path, key=…)")
        return found(self, self._key, keys, dumps) if os.path.exists(self.path) else {}

    def _lines(self) -> Lines:
        # A mark at the start of the file is no part of the first line; only a line feed ends one.
        return Lines(self.path, encoding="utf-8-sig", newline="\n")

    def _parse(self, lines: Lines, token: Any) -> Iterator[Record]:
        lines.skip_to(token)
        decode = decoder(decimals=self.decimals).raw_decode
        for line in lines:
            record: Any = None
            try:
                record, end = decode(line)
                whole = type(record) is dict and line[end:] in _ENDS
            except (ValueError, RecursionError):
                whole = False
            if whole:
                yield record
            elif line.strip():
                yield self._with_care(line, lines.number)

    def _parse_beside(self, recent: Recent, lines: Lines, token: Any) -> Iterator[Record]:
        lines.skip_to(token)
        decode, known = decoder(decimals=self.decimals).raw_decode, recent.pop
        for line in lines:
            record: Any = known(line, None)
            if record is None:
                try:
                    record, end = decode(line)
                    whole = type(record) is dict and line[end:] in _ENDS
                except (ValueError, RecursionError):
                    whole = False
                if not whole:
                    if line.strip():
                        yield self._with_care(line, lines.number)
                    continue
                if recent.useful:
                    recent[line] = record
                    if len(recent) >= _RECENT:
                        recent.useful = lines.number > 4 * _RECENT
                        recent.clear()
            yield record

    def _with_care(self, line: str, number: int) -> Record:
        """A line that is not plainly an object and nothing else: with blanks around it, or wrong."""
        try:
            record = loads(line, decimals=self.decimals)
        except ValueError as problem:
            why = "" if line.endswith("\n") else "; the file was cut in the middle of its last line, it seems"
            why = _ONE_DOCUMENT if number == 1 and line[:1] in "[{" and line[1:].strip() in ("", "{") else why
            raise DecodeError(f"{self.name}, line {number}: not JSON ({problem}): {line!r:.60}{why}", path=f"line {number}") from problem
        if not isinstance(record, dict):
            why = _ONE_DOCUMENT if number == 1 and isinstance(record, list) else ""
            raise DecodeError(
                f"{self.name}, line {number}: {type(record).__name__} instead of a JSON object: {line!r:.60}{why}",
                path=f"line {number}",
                record=record,
            )
        return record

    # ---------------------------------------------------------------- writing

    def write(self, changes: Sequence[Change], /) -> list[Outcome]:
        """Appends a line for each create and upsert, and waits until they are on the disk; an update or delete is rejected.

        Decimals are written as numbers with exactly their digits, dates and times as ISO 8601 text. Raises `WriteError` when nothing could be
        written.
        """
        if is_packed(self.path):
            raise ConfigurationError(f"{self.name} cannot be appended to: it is compressed")
        with self._lock:
            lines: list[bytes] = []

            def line(change: Change) -> None:
                try:
                    lines.append(dumps(record_of(change, self._key)) + b"\n")
                except ConfigurationError as problem:
                    raise Unfit(str(problem.__cause__)) from problem

            outcomes = outcomes_of(self.name, changes, line)
            if lines:
                append(self.path, b"".join(lines), newline=b"\n", read_through=lambda: sum(1 for _ in self))
            return outcomes

    async def awrite(self, changes: Sequence[Change], /) -> list[Outcome]:
        """`write`, without holding up an event loop."""
        return await runtime().blocking(self.write, changes)
