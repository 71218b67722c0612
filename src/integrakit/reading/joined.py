"""What slices prove together: complete only if all are, if what full ones showed came again, and if no key came from two of them.

Pure bookkeeping; what is read, and when a slice is full, is `sliced_reader`'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrakit.model import Evidence
from integrakit.reading.slices import Slice

__all__ = ["Joined"]

#: Keys are remembered over this many records, so that memory stays flat.
KEYS_REMEMBERED = 100_000
#: So many reasons are told one by one.
REASONS = 20


class Joined:
    """The evidence of a read in slices, as it grows."""

    def __init__(self, by: str) -> None:
        self._by = by
        #: Whether something is known to be missing, and whether something could not be proved.
        self.missing = self.unproved = False
        self.reasons: list[str] = []
        self.notes: list[str] = []
        self.cuts = 0
        self._slices = self._changed = self._duplicates = self._invalid = self._repeated = 0
        self._keys: dict[Any, int | None] = {}
        self._stabilities: set[Any] = set()

    def say(self, reason: str) -> None:
        if reason not in self.reasons and len(self.reasons) < REASONS:
            self.reasons.append(reason)

    def add(self, span: Slice, words: str, full: str | None) -> None:
        """A slice that is over. ``words``: how it is called; ``full``: what is wrong with it, where it could not be cut."""
        evidence = span.evidence or Evidence()
        self._slices += 1
        self._stabilities.add(evidence.stability)
        self._duplicates += evidence.duplicates
        self._invalid += evidence.invalid
        self._repeated += evidence.repeated_pages
        if full is not None:
            self.missing = True
            self.say(full)
        elif evidence.complete is not True:
            self.missing = self.missing or evidence.complete is False
            self.unproved = True
            for reason in evidence.reasons or ("not proved",):
                self.say(f"{words}: {reason}" if evidence.complete is False else reason)
        self._settle(span)
        self._look_for_keys(span)

    def _settle(self, span: Slice) -> None:
        for each in span.owed:
            each.came += span.came
            each.parts -= 1
            if each.parts == 0 and each.came < each.expected:
                self.unproved = True
                self.say(
                    f"{each.where} showed {each.expected} records, and its parts brought {each.came}: they were deleted or moved meanwhile, or the "
                    f"server orders {self._by} otherwise"
                )

    def _look_for_keys(self, span: Slice) -> None:
        """Keys that came before: of a record that moved meanwhile, or of one that two slices gave."""
        told = span.evidence is not None and span.evidence.duplicates > 0
        for key, place in span.keys:
            if key is None:
                continue
            if key in self._keys:
                # What came twice within the slice its own reader may have told already.
                self._duplicates += self._keys[key] == place and not told
                self._changed += self._keys[key] != place
            self._keys[key] = place
        while len(self._keys) > KEYS_REMEMBERED:
            del self._keys[next(iter(self._keys))]

    def evidence(self, *, over: bool, pages: int, records: int, started: datetime | None) -> Evidence:
        complete: bool | None = None
        reasons, notes = list(self.reasons), list(self.notes)
        if self.cuts:
            notes.append(f"{self._slices} slices, after {self.cuts} that were full")
        if self._changed:
            notes.append(f"{self._changed} records changed while they were read, and came as they were and as they are")
        if not over:
            reasons.append("the read was not finished")
        if self._duplicates:
            reasons.append(f"{self._duplicates} records came twice, so others may have been passed over")
        if self.missing or (over and self._duplicates):
            complete = False
        elif over and not self.unproved:
            complete = True
        return Evidence(
            complete=complete,
            reasons=tuple(reasons),
            notes=tuple(notes),
            pages=pages,
            records=records,
            duplicates=self._duplicates,
            stability=next(iter(self._stabilities)) if len(self._stabilities) == 1 else "unknown",
            ended_by="protocol" if over else None,
            repeated_pages=self._repeated,
            invalid=self._invalid,
            started=started,
        )
