"""What may stand on the left and on the right, and how it is read: once, or again from its start when an engine gives up.

Reading itself is the business of ``integrakit.reading``; nothing is compared here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

from attrs import evolve

from integrakit.errors import ConfigurationError, IncompleteRead
from integrakit.files import CsvFile, JsonFile, JsonLines, ParquetFile
from integrakit.model import Evidence, Page, Tombstone
from integrakit.protocols import Reader
from integrakit.reading import is_source, open_reader
from integrakit.runtimes import runtime

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
        #: How often reading began anew.
        self.restarts = 0

    @property
    def source(self) -> Any:
        """What the user gave, a path as the file that is read from it."""
        return self._source

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
        """Whether it can be read only once: a generator, an open cursor."""
        if is_own(self._source):
            return False
        iterable = hasattr(self._source, "__iter__")
        return iter(self._source) is self._source if iterable else True

    def is_same_iterator(self, other: Feed) -> bool:
        return self._source is other._source and self.once

    @property
    def evidence(self) -> Evidence | None:
        if self._evidence is not None:
            return self._evidence
        return None if self._reader is None else getattr(self._reader, "evidence", None)

    async def next_page(self) -> Page | None:
        """The next page, None at the end. Raises `IncompleteRead` when the read ends and says that something was missed."""
        page = next(self._again, None)
        if page is None:
            if self._reader is None:
                self._reader = open_reader(self._source)
            page = await self._reader.next_page()
            if page is None:
                self._prove()
                return None
            if any(type(record) is Tombstone for record in page.records):
                # What is compared is what is there; a tombstone names what is not.
                page = evolve(page, records=[record for record in page.records if type(record) is not Tombstone])
            if self._kept is not None:
                self._kept.append(page)
        self.pages += 1
        self.records += len(page.records)
        if self.records > PROBATION:
            self._kept = None
        return page

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
        self._reader = None
        self._kept = []
        self.restarts += 1

    def keep_nothing(self) -> None:
        """Says that there will be no restart."""
        self._kept = None


def is_own(source: Any) -> bool:
    """Whether it is an object that begins a new read each time, and no iterable."""
    return any(hasattr(source, name) for name in ("open_read", "pages", "apages"))


def attach(source: Any, name: str) -> Feed:
    """One side, ready to be read. Raises `ConfigurationError` for what cannot be a side."""
    if isinstance(source, str | os.PathLike) and not is_own(source):
        path = Path(source)
        kind = _FILES.get(Path(path.name.lower().removesuffix(".gz")).suffix)
        if kind is None:
            raise ConfigurationError(
                f"the {name} side is the path {os.fspath(source)!r}: it reads paths that end with {', '.join(_FILES)}; give anything else as "
                "an iterable of records"
            )
        return Feed(kind(path), name, str(path))
    if hasattr(source, "__arrow_c_stream__") and not is_own(source):
        raise ConfigurationError(
            f"the {name} side is a {type(source).__name__}: this version compares records, not tables; give its rows as dicts, e.g. "
            "table.to_pylist() of pyarrow, frame.to_dicts() of polars, frame.to_dict('records') of pandas"
        )
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
    return Feed(source, name, type(source).__name__ + count)


def attach_both(left: Any, right: Any) -> tuple[Feed, Feed]:
    """Both sides. Raises `ConfigurationError`; also when both are the same iterator, which would be torn in two."""
    feeds = attach(left, "left"), attach(right, "right")
    if feeds[0].is_same_iterator(feeds[1]):
        raise ConfigurationError("left and right are the same iterator: each side needs its own")
    return feeds
