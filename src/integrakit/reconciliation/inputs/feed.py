"""What may stand on the left and on the right, and how it is read: once, or again from its start when an engine gives up.

Reading itself is the business of ``integrakit.reading``; nothing is compared here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

from attrs import evolve

from integrakit.errors import ConfigurationError, IncompleteRead
from integrakit.files import CsvFile, JsonFile, JsonLines, ParquetFile
from integrakit.files.json_lines import Recent
from integrakit.files.reader import FileReader
from integrakit.model import Evidence, Page, Tombstone
from integrakit.protocols import Reader
from integrakit.reading import is_source, open_reader
from integrakit.reconciliation.inputs.batches import Columns, columns_of
from integrakit.reconciliation.inputs.frames import Frame, is_frame, is_relation
from integrakit.reconciliation.inputs.spark_frames import SparkRows, is_spark
from integrakit.runtimes import runtime
from integrakit.sql import SqlTable

__all__ = ["Feed", "attach", "attach_both"]

#: Records of a side kept until the engine is known to be the right one, so that giving it up costs no second read.
PROBATION = 10_000

_FILES: dict[str, Any] = {".csv": CsvFile, ".jsonl": JsonLines, ".ndjson": JsonLines, ".json": JsonFile, ".parquet": ParquetFile}


class Feed:
    """One side: its pages, one after the other, and what it is."""

    def __init__(self, source: Any, name: str, label: str) -> None:
        self.name = name
        self.label = label
        self._source = source
        self._reader: Reader | None = None
        self._evidence: Evidence | None = None
        self._kept: list[Page] | None = []
        self._again: Iterator[Page] = iter(())
        self.records = 0
        self.pages = 0
        self._recent: Recent | None = None
        #: How often reading began anew.
        self.restarts = 0
        #: The first record that came as one; None where an engine read columns.
        self.sample: Any = None

    @property
    def source(self) -> Any:
        """What the user gave, a path as the file that is read from it."""
        return self._source.given if isinstance(self._source, Frame | SparkRows) else self._source

    @property
    def columns(self) -> Columns | None:
        """The source as columns; None where it cannot come as such."""
        return columns_of(self._source)

    def told(self, evidence: Evidence) -> None:
        """An engine read the source by itself, and this is what its read can prove. Raises `IncompleteRead`."""
        self._evidence = evidence
        self._prove()

    @property
    def untyped(self) -> bool:
        return getattr(self._source, "untyped", False) is True

    @property
    def in_memory(self) -> bool:
        return isinstance(self._source, Sized) and not is_own(self._source)

    @property
    def once(self) -> bool:
        """Whether it can be read only once: a generator, an open cursor, a reader of batches."""
        if isinstance(self._source, Frame):
            return self._source.once
        if is_own(self._source):
            return False
        iterable = hasattr(self._source, "__iter__")
        return iter(self._source) is self._source if iterable else True

    def is_same_iterator(self, other: Feed) -> bool:
        return self.source is other.source and self.once

    @property
    def evidence(self) -> Evidence | None:
        if self._evidence is not None:
            return self._evidence
        return None if self._reader is None else getattr(self._reader, "evidence", None)

    def read_beside(self, other: Feed) -> None:
        """Both are going to be read at the same pace: lines of JSON that stand in both are decoded once."""
        mine, theirs = self._source, other._source
        if type(mine) is JsonLines and type(theirs) is JsonLines and mine.decimals == theirs.decimals:
            self._recent = other._recent = Recent()

    async def next_page(self) -> Page | None:
        """The next page, None at the end. Raises `IncompleteRead` when the read ends and says that something was missed."""
        page = next(self._again, None)
        if page is None:
            reader = self._reader
            if reader is None:
                reader = open_reader(self._source) if self._recent is None else self._source.open_read(recent=self._recent)
                self._reader = reader
            page = await reader.next_page()
            if page is None:
                self._prove()
                return None
            if Tombstone in set(map(type, page.records)):
                # What is compared is what is there; a tombstone names what is not.
                page = evolve(page, records=[record for record in page.records if type(record) is not Tombstone])
            if self._kept is not None:
                self._kept.append(page)
        self.pages += 1
        self.counted(len(page.records))
        if self.sample is None and page.records:
            self.sample = page.records[0]
        return page

    def counted(self, records: int) -> None:
        """So many more were read, as a page or by an engine that reads columns."""
        self.records += records
        if self.records > PROBATION:
            self._kept = None

    def _prove(self) -> None:
        evidence = self.evidence
        if evidence is not None and evidence.complete is False:
            raise IncompleteRead(f"the {self.name} side ({self.label}) cannot be compared: {evidence}", evidence=evidence)

    def restart(self) -> None:
        """From the beginning: from what was kept where that is everything so far, else by another read."""
        self.pages = self.records = 0
        self._evidence = None
        if self._kept is not None:
            self._again = iter(tuple(self._kept))
            return
        self._let_go()
        self._recent = None
        self._kept = []
        self.restarts += 1

    def drain(self) -> None:
        """Says that the other side cannot be read for as long as this one is being read."""
        if isinstance(self._source, Frame):
            self._source.drains = True

    def close(self) -> None:
        """Lets go of the read in progress, if there is one: of its file, connection or stream. What it can prove stays known."""
        self._evidence = self.evidence
        self._let_go()

    def _let_go(self) -> None:
        reader, self._reader = self._reader, None
        if isinstance(reader, FileReader):  # others let go when nobody holds them
            reader.close()

    def keep_nothing(self) -> None:
        """Says that there will be no restart."""
        self._kept = None
        if isinstance(self._source, Frame):
            self._source.keep_nothing()


def is_own(source: Any) -> bool:
    """Whether it is an object that begins a new read each time, and no iterable."""
    return any(hasattr(source, name) for name in ("open_read", "pages", "apages"))


def _called(source: Any) -> str:
    """What a person calls it: a file by its path, a table by its name and its database, which has no password in it."""
    if isinstance(source, CsvFile | JsonFile | JsonLines | ParquetFile):
        return str(source.path)
    if isinstance(source, SqlTable):
        return f"{source.table} in {source._name}"
    return type(source).__name__


#: With one slash too, which is what `pathlib` leaves of two.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_SECRET = re.compile(r"@|\bpassword\s*=|\bpwd\s*=", re.IGNORECASE)
_DATABASES = (".db", ".sqlite", ".sqlite3")


def _no_path(given: Any) -> str | None:
    """Why a text is no path to read records from, in words that hold nothing that may be secret; None: it may be one."""
    text = given if isinstance(given, str) else ""
    address = _ADDRESS.match(text)
    if address is not None and address[1].lower() in ("http", "https", "ftp", "s3", "gs", "sftp", "file"):
        return f"an address ({address[1]}://…), and it reads paths of this machine: give a resource or a source that reads from there"
    if address is not None:
        return f"an address ({address[1]}://…): give SqlTable(url, table, key=…), which says which table of the database is meant"
    if text.lower().endswith(_DATABASES):
        shown = "a file of a database" if _SECRET.search(text) else f"the database {text!r}"
        return f"{shown}: give SqlTable(path, table, key=…), which says which table of it is meant"
    known = Path(Path(text).name.lower().removesuffix(".gz")).suffix in _FILES
    return _HIDDEN if not known and _SECRET.search(text) else None


_HIDDEN = (
    "a text that may hold a password, and is no path that it reads: of a database give SqlTable(url, table, key=…), of anything else an iterable "
    "of records"
)


def attach(source: Any, name: str) -> Feed:
    """One side, ready to be read. Raises `ConfigurationError` for what cannot be a side."""
    if isinstance(source, str | os.PathLike) and not is_own(source):
        if (refusal := _no_path(os.fspath(source))) is not None:
            raise ConfigurationError(f"the {name} side is {refusal}")
        path = Path(source)
        kind = _FILES.get(Path(path.name.lower().removesuffix(".gz")).suffix)
        if kind is None:
            raise ConfigurationError(
                f"the {name} side is the path {os.fspath(source)!r}: it reads paths that end with {', '.join(_FILES)}; give anything else as "
                "an iterable of records"
            )
        return Feed(kind(path), name, str(path))
    if is_spark(source):
        return Feed(SparkRows(source), name, "DataFrame of Spark")
    if is_relation(source) or (is_frame(source) and not is_own(source)):
        count = f" of {len(source):,}" if isinstance(source, Sized) and not is_relation(source) else ""
        return Feed(Frame(source), name, type(source).__name__ + count)
    if isinstance(source, Mapping | type) or not is_source(source):
        what = "the class" if isinstance(source, type) else "a"
        called = source.__name__ if isinstance(source, type) else type(source).__name__
        raise ConfigurationError(
            f"the {name} side is {what} {called}: give an iterable of records, a resource, an object with pages(since), or a path to "
            "a .csv or .jsonl file"
        )
    if not any(hasattr(source, verb) for verb in ("open_read", "pages", "__iter__")) and runtime().name == "blocking":
        raise ConfigurationError(
            f"the {name} side ({type(source).__name__}) can be read in async code only: await areconcile(…) instead of reconcile(…)"
        )
    count = f" of {len(source):,}" if isinstance(source, Sized) and not is_own(source) else ""
    return Feed(source, name, _called(source) + count)


def attach_both(left: Any, right: Any) -> tuple[Feed, Feed]:
    """Both sides. Raises `ConfigurationError`; also when both are the same iterator, which would be torn in two."""
    feeds = attach(left, "left"), attach(right, "right")
    if is_relation(left) and is_relation(right):
        for feed in feeds:
            feed.drain()
    if feeds[0].is_same_iterator(feeds[1]):
        raise ConfigurationError("left and right are the same iterator: each side needs its own")
    return feeds
