"""`watched`: a source whose records are looked at as they pass, so that a field that is new, gone or of another type is an event and no surprise.

What is learned is kept in a store, by the resource's name. Which shapes differ, and how much that matters, is for ``integrakit.transform.shapes``.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from typing import Any

from integrakit.errors import ConfigurationError, VersionConflict
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence, Page, Tombstone
from integrakit.model.events import SchemaChanged
from integrakit.protocols import Put, Reader, Store
from integrakit.reading.open import is_source, open_reader
from integrakit.runtimes import runtime
from integrakit.state import open_store
from integrakit.transform.shapes import Shape

__all__ = ["Watched", "watched"]

SPACE = "shapes"
#: How often what was learned is put on top of what others keep meanwhile: each time one of them is done.
TRIES = 100
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def to_log(change: SchemaChanged) -> None:
    """What is done with a change where nothing else is said: a line in the log, logger ``integrakit.schema``."""
    logging.getLogger("integrakit.schema").log(_LEVELS[change.severity], "%s", change, extra={"event": "schema_changed", "path": change.path})


class _WatchedReader:
    """Passes pages on and learns their shapes; at the end of the read they are compared with what was known, told, and kept."""

    def __init__(self, reader: Reader, source: Watched) -> None:
        self._reader = reader
        self._source = source
        self._seen = Shape()
        self._told = False

    async def next_page(self) -> Page | None:
        page = await self._reader.next_page()
        if page is not None:
            self._seen.learn(record for record in page.records if not isinstance(record, Tombstone))
        elif not self._told:
            await self._source.compare(self._seen)
            self._told = True  # not before: asked again, it tells what could not be told
        return page

    @property
    def evidence(self) -> Evidence:
        return self._reader.evidence

    @property
    def checkpoint(self) -> Checkpoint | None:
        return self._reader.checkpoint


class Watched(Rereadable):
    """A source seen as before, whose records' shapes are learned. Made by `watched`."""

    def __init__(self, source: Any, store: Any, name: str, on_change: Callable[[SchemaChanged], None]) -> None:
        self._source = source
        opened: Store = open_store(store)
        self._store = opened
        self._finalizer = weakref.finalize(self, opened.close) if opened is not store else None
        self._name = name
        self._on_change = on_change
        #: What the latest read that came to its end brought to light.
        self.changes: tuple[SchemaChanged, ...] = ()
        for attribute in ("key", "cursor", "name"):
            if hasattr(source, attribute):
                setattr(self, attribute, getattr(source, attribute))

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        return _WatchedReader(open_reader(self._source, since), self)

    @property
    def shape(self) -> Shape:
        """What is known so far; empty before the first read."""
        entry = self._store.get(SPACE, self._name)
        return Shape() if entry is None else Shape.from_dict(entry.value)

    def forget(self) -> None:
        """The next read is the first one again: after a change that was meant, say."""
        self._store.commit([Put(SPACE, self._name, Shape().to_dict())])

    def close(self) -> None:
        """Closes the store, if it was opened here from a path or URL. The source is its owner's to close."""
        if self._finalizer is not None:
            self._finalizer()

    async def compare(self, seen: Shape) -> None:
        """Tells what is different in ``seen``, and keeps it as known. What ``on_change`` raises goes through; then it is told again next time."""
        changes, version, known = await runtime().blocking(self._compared, seen)
        self.changes = tuple(changes)
        for change in changes:
            self._on_change(change)
        if seen.records:
            await runtime().blocking(self._keep, seen, version, known)

    def _compared(self, seen: Shape) -> tuple[list[SchemaChanged], int, Shape]:
        entry = self._store.get(SPACE, self._name)
        known = Shape() if entry is None else Shape.from_dict(entry.value)
        return seen.changes(self._name, known), 0 if entry is None else entry.version, known

    def _keep(self, seen: Shape, version: int, known: Shape) -> None:
        for left in range(TRIES, 0, -1):
            known.merge(seen)
            try:
                self._store.commit([Put(SPACE, self._name, known.to_dict(), expect=version)])
                return
            except VersionConflict:
                # Another read of the same resource kept what it learned meanwhile; ours is learned on top of that.
                if left == 1:
                    raise
            _, version, known = self._compared(seen)

    def __repr__(self) -> str:
        return f"<{self._source!r}, watched as {self._name!r}>"


def watched(
    source: Any,
    store: Any,
    *,
    name: str | None = None,
    on_change: Callable[[SchemaChanged], None] = to_log,
) -> Watched:
    """``watched(shop.orders, "integrakit.db")``: reads as before, and tells when the records are not what they were.

    ``store``: a store, or the path or URL of one. ``name``: what the resource is known by; default: the source's own. ``on_change`` is called with
    each `SchemaChanged` at the end of a read; by default they go to the log. What it raises ends the read, and nothing is learned.
    """
    if not is_source(source):
        raise ConfigurationError(f"watched(source, store) takes a resource, table, file, or iterable of records, not {type(source).__name__}")
    if not callable(on_change):
        raise ConfigurationError(f"watched(on_change=…) takes a function of a SchemaChanged, not {on_change!r}")
    name = getattr(source, "name", None) if name is None else name
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"watched(name=…) takes what the resource is known by, a text; {type(source).__name__} has no name of its own")
    return Watched(source, store, name, on_change)
