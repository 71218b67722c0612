"""`mapped`: a source seen through a mapping, with the source's own evidence: what a reconciliation of two unlike systems compares."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from attrs import evolve

from integrakit.errors import ConfigurationError
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence, Page, Tombstone
from integrakit.protocols import Reader
from integrakit.reading.open import is_source, open_reader

__all__ = ["Mapped", "mapped"]


class _MappedReader:
    """Maps page by page. A record that breaks the mapping ends the read with the mapping's error."""

    def __init__(self, reader: Reader, mapping: Callable[[Any], Any]) -> None:
        self._reader = reader
        self._mapping = mapping
        self._page: Page | None = None

    async def next_page(self) -> Page | None:
        # Kept until it is mapped: a read that is taken up again after an error must not pass it over.
        page = self._page = self._page or await self._reader.next_page()
        if page is None:
            return None
        # A tombstone is no record: there is nothing to map, and what it says holds for what it names.
        targets = (record if isinstance(record, Tombstone) else self._mapping(record) for record in page.records)
        records = [target for target in targets if target is not None]
        self._page = None
        return evolve(page, records=records)

    @property
    def evidence(self) -> Evidence:
        return self._reader.evidence

    @property
    def checkpoint(self) -> Checkpoint | None:
        return self._reader.checkpoint


class Mapped(Rereadable):
    """A source whose records are those of another, mapped. Each iteration is a new read."""

    def __init__(self, source: Any, mapping: Callable[[Any], Any]) -> None:
        if not is_source(source):
            raise ConfigurationError(f"mapped(source, mapping) takes a resource, table, file, or iterable of records, not {type(source).__name__}")
        if not callable(mapping):
            raise ConfigurationError(f"mapped(source, mapping) takes a Mapping or a function of a record, not {type(mapping).__name__}")
        if inspect.iscoroutinefunction(mapping):
            raise ConfigurationError("mapped(source, mapping) takes a plain function of a record, not an async one: mapping does no I/O")
        self._source = source
        self._mapping = mapping

    @property
    def marks_what_was_read(self) -> bool:
        return bool(getattr(self._source, "marks_what_was_read", False))

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        return _MappedReader(open_reader(self._source, since), self._mapping)

    def __repr__(self) -> str:
        return f"<{self._source!r} through {self._mapping!r}>"


def mapped(source: Any, mapping: Callable[[Any], Any]) -> Mapped:
    """``source`` seen through ``mapping``: ``reconcile(mapped(shop.orders, mapping), books.invoices, key="external_id")``.

    Records for which the mapping gives None are left out. Raises `ConfigurationError` for what is no source or no mapping.
    """
    return Mapped(source, mapping)
