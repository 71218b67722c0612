"""`anti_join`: which of the keys one knows are alive no more. For those who keep records without a `Sync`; a sync has ``sweep()``.

Which keys are alive is read page by page into a temporary file, so that a million of them need no memory. Nothing is deleted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead
from integrakit.model import Evidence, Tombstone
from integrakit.reading.key_table import MEMORY, KeyTable, Side, key_of
from integrakit.reading.open import is_source, open_reader
from integrakit.reading.ties import key_reader
from integrakit.runtimes import drive, runtime

__all__ = ["AntiJoin", "aanti_join", "anti_join"]


class AntiJoin:
    """What an anti-join found. Iterate it for the keys that are gone: known, and not alive.

    ``known``, ``alive``: keys read, doubles included. ``gone``, ``new``: different keys of one side only. A key that is known twice and alive
    once is alive; ``surplus_known`` and ``surplus_alive`` count such doubles. ``lookalikes``: how many keys are gone only because the other side
    has them as another type, such as 42 and "42"; ``pairs`` shows some. ``evidence``: of the read of what is alive. Close it, or let it go: the
    file goes with it.
    """

    def __init__(self, table: KeyTable, *, known: int, alive: int, evidence: Evidence) -> None:
        self._table = table
        self.known = known
        self.alive = alive
        self.gone = table.count_only("known")
        self.new = table.count_only("alive")
        self.surplus_known, self.surplus_alive = table.surplus("known"), table.surplus("alive")
        self.lookalikes, self.pairs = table.lookalikes()
        self.evidence = evidence

    def __iter__(self) -> Iterator[Any]:
        return (key_of(text) for text in self._table.only("known"))

    def new_keys(self) -> Iterator[Any]:
        """The keys that are alive and not known."""
        return (key_of(text) for text in self._table.only("alive"))

    def close(self) -> None:
        self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __str__(self) -> str:
        lines = [f"{self.known} known, {self.alive} alive: {self.gone} gone, {self.new} new; the read is {self.evidence}"]
        if self.surplus_known or self.surplus_alive:
            lines.append(f"  doubles: {self.surplus_known} among the known, {self.surplus_alive} among the alive")
        if self.lookalikes:
            pairs = ", ".join(f"{one!r} / {other!r}" for one, other in self.pairs[:3])
            lines.append(f"  NOT THE SAME TYPE: {self.lookalikes} keys are gone only because the other side has them as another type: {pairs}")
        return "\n".join(lines)

    __repr__ = __str__


async def aanti_join(
    known: Any, alive: Any, *, key: str | tuple[str, ...] | None = None, known_key: str | tuple[str, ...] | None = None, memory: int = MEMORY
) -> AntiJoin:
    """Which of the ``known`` keys are not ``alive``. Both are keys, or records with a key field, of anything that can be read.

    ``key``: the field of records that holds the key (default: the source's own), ``known_key`` where it is another one among the known. ``memory``:
    bytes, after which keys go to a temporary file. Raises `IncompleteRead` when it is not certain that every living key was read: a resource, table
    or file must prove it; a plain list or generator is taken at its word. Raises `ConfigurationError`, `DecodeError` for a record without a key.
    """
    for name, value in (("known", known), ("alive", alive)):
        if not is_source(value):
            raise ConfigurationError(f"anti_join({name}) takes a resource, table, file, or iterable of keys or records, not {type(value).__name__}")
    table = await runtime().blocking(KeyTable, memory)
    try:
        alive_count, evidence = await _fill(table, "alive", alive, key)
        known_count, _ = await _fill(table, "known", known, known_key or key)
        return await runtime().blocking(lambda: AntiJoin(table, known=known_count, alive=alive_count, evidence=evidence))
    except BaseException:
        table.close()
        raise


def anti_join(
    known: Any, alive: Any, *, key: str | tuple[str, ...] | None = None, known_key: str | tuple[str, ...] | None = None, memory: int = MEMORY
) -> AntiJoin:
    """`aanti_join` for blocking code."""
    return drive(aanti_join(known, alive, key=key, known_key=known_key, memory=memory))


async def _fill(table: KeyTable, side: Side, source: Any, key: str | tuple[str, ...] | None) -> tuple[int, Evidence]:
    key = key if key is not None else getattr(source, "key", None)
    read = None if key is None else key_reader(key)
    reader, count = open_reader(source), 0

    def keys(records: Any) -> Iterator[Any]:
        for record in records:
            # Most are bare keys or ordinary dicts: known at once, since there may be millions.
            kind = type(record)
            if kind is int or kind is str:
                yield record
                continue
            if isinstance(record, Tombstone):
                continue
            value = record
            if kind is dict or isinstance(record, Mapping) or hasattr(record, "__attrs_attrs__"):
                if read is None:
                    raise ConfigurationError(f"the {side} side has records: say with key= which field of them is the key")
                value = read(record)
                if value is None:
                    raise DecodeError(f"a record of the {side} side has no {key!r}, which is its key: {record!r:.200}", record=record)
            yield value

    while (page := await reader.next_page()) is not None:
        count += await runtime().blocking(lambda page=page: table.add(side, keys(page.records)))
    evidence = reader.evidence
    proves = hasattr(source, "open_read") or isinstance(getattr(source, "evidence", None), Evidence)
    if (side == "alive" and proves and evidence.complete is not True) or evidence.complete is False:
        raise IncompleteRead(f"which keys are gone cannot be told: the read of the {side} side is {evidence}", evidence=evidence)
    return count, evidence
