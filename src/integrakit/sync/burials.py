"""Which record of a sync a tombstone is about, and which of those staged are there after all. Pure but for looking up what was written.

A tombstone carries the source's key, a sync remembers records by the key of the mapped record. Where these are not known to be the same nothing is
guessed: the source's keys are remembered beside what was written, or the user's own function tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field

from integrakit.errors import IntegrakitError
from integrakit.model import Tombstone
from integrakit.writing import Remembered, key_text, letter_id

__all__ = ["Burials", "Graves"]


@define(kw_only=True)
class Graves:
    """What the tombstones of one page ask for."""

    #: Records that are to be deleted, and those that were and are there after all.
    gone: list[str] = field(factory=list)
    back: list[str] = field(factory=list)
    #: Key text of the source → record: what is not noted yet.
    sources: dict[str, str] = field(factory=dict)
    #: What tombstones named and nothing is known of: keys of the source where those are remembered, else records. A plan may hold them.
    strangers: list[str] = field(factory=list)
    #: Letter id and record id of what is gone: a letter of it, or a write that failed, is not tried again.
    over: list[tuple[str, str]] = field(factory=list)
    #: Tombstones that could not be matched with any record, and why.
    unmatched: int = 0
    why: str = ""


@define(kw_only=True)
class Burials:
    """Resolves tombstones for one sync. ``direct``: the keys of source and sync are the same. ``indexed``: the source's keys are remembered."""

    remembered: Remembered
    direct: bool
    indexed: bool
    tombstone_key: Callable[[Tombstone], Any] | None

    @property
    def resolves(self) -> bool:
        """Whether a key of the source can be told to be a record of this sync."""
        return self.direct or self.indexed or self.tombstone_key is not None

    def ids(self, keys: Iterable[Any]) -> dict[Any, str]:
        """Keys of the source → records, those that can be told. Blocks."""
        texts = {key: key_text(key) for key in keys}
        if self.direct:
            return texts
        found = self.remembered.ids_of(set(texts.values()))
        return {key: found[text] for key, text in texts.items() if text in found}

    def page(
        self, walked: Iterable[tuple[str, Any, str | None]], written: Iterable[str], doubtful: Callable[[str], bool] = lambda _: False
    ) -> Graves:
        """What one page asks for. Blocks.

        ``walked``: in their order ``("gone", tombstone, None)``, and ``("there", key of the source, record)`` for records, the record None where it
        could not be mapped. ``written``: the records that this page writes. ``doubtful``: those that an earlier write may have brought to the sink.
        """
        walked = list(walked)
        graves = Graves()
        here = {key_text(key): id for kind, key, id in walked if kind == "there" and key is not None and id is not None}
        if self.indexed and here:
            known = self.remembered.ids_of(here)
            graves.sources = {text: id for text, id in here.items() if known.get(text) != id}
        gone: dict[str, None] = {}
        back: dict[str, None] = {}
        over: dict[str, str] = {}
        unnamed = [key for kind, key, id in walked if kind == "there" and id is None and key is not None]
        found = self.ids(unnamed) if unnamed and (self.direct or self.indexed) else {}
        for kind, what, id in walked:
            if kind == "gone":
                id = self._resolve(what, here, graves)
                if id is not None or self.tombstone_key is None:  # else the user's function says to leave it alone
                    over[_letter(what.key)] = "" if id is None else id
                if id is not None:
                    gone[id] = None
                    back.pop(id, None)
                continue
            if what is not None:
                over.pop(_letter(what), None)
            if (id := id if id is not None else found.get(what)) is not None:
                gone.pop(id, None)
                back[id] = None
        graves.back = list(back)
        graves.over = [(letter, id) for letter, id in over.items() if id not in back]
        graves.gone = self._owned(gone, set(written), doubtful, graves)
        return graves

    def _resolve(self, tombstone: Tombstone, here: dict[str, str], graves: Graves) -> str | None:
        key = tuple(tombstone.key) if isinstance(tombstone.key, list) else tombstone.key
        try:
            if self.tombstone_key is not None:
                own = self.tombstone_key(tombstone)
                return None if own is None else key_text(own)
            text = key_text(key)
            if self.direct:
                return text
            found = here.get(text) or self.remembered.ids_of([text]).get(text) if self.indexed else None
        except Exception as problem:  # noqa: BLE001 - whatever a user's function raises about a tombstone concerns that one alone
            why = str(problem) if isinstance(problem, IntegrakitError) else f"tombstone_key failed with {type(problem).__name__}: {problem}"
            graves.unmatched, graves.why = graves.unmatched + 1, why[:300]
            return None
        if found is None and not self.indexed:
            graves.unmatched += 1
            graves.why = (
                "the source's keys are not those of this sync: give Sync(tombstone_key=…), a function of a tombstone that gives the record's key, "
                "and sweep() once for what was told before"
            )
        elif found is None:
            graves.strangers.append(text)
            self._lookalike(key, lambda other: bool(self.remembered.ids_of([other])), graves)
        return found

    def _owned(self, gone: Iterable[str], written: set[str], doubtful: Callable[[str], bool], graves: Graves) -> list[str]:
        """Those that this sync wrote, or may have written; of others there is nothing to delete."""
        gone = list(gone)
        there = self.remembered.read(gone)
        owned = []
        for id in gone:
            if id in there or id in written or doubtful(id):
                owned.append(id)
                continue
            if not self.indexed:
                graves.strangers.append(id)
            if self.direct:
                self._lookalike(_value(id), lambda other: bool(self.remembered.read([other])), graves)
        return owned

    def _lookalike(self, key: Any, known: Callable[[str], bool], graves: Graves) -> None:
        """A key that is known as another type only is no match, and no silence either."""
        other = str(key) if isinstance(key, int) else int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() else None
        if other is not None and known(key_text(other)):
            graves.unmatched += 1
            graves.why = f"the tombstone names {key!r}, and the record's key is {other!r}: give Sync(tombstone_key=…) that makes one of the other"


def _letter(key: Any) -> str:
    try:
        return letter_id(tuple(key) if isinstance(key, list) else key)
    except IntegrakitError:
        return ""  # a key that cannot be written down has no letter


def _value(id: str) -> Any:
    """The key that a short key text is of, where it is a number or plain text."""
    if id.lstrip("-").isdecimal():
        return int(id)
    return id[1:-1] if id[:1] == id[-1:] == '"' else None
