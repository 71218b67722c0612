"""Whether a log is whole: one walk over what is stored, believing nothing, that names each record at which the chain breaks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import Factory, define, frozen

from integrakit.audit.chain import NOTHING, Head, Stored, sha256

__all__ = ["Problem", "Verification", "verify"]

#: More than this is not listed: the log is not what it was, and one look says so.
MOST = 1000


@frozen
class Problem:
    """One place at which the log is not what was written. ``seq``: the record it is about, None where that cannot be told."""

    seq: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.seq is None else f"record {self.seq}: {self.what}"


@frozen(kw_only=True)
class Verification:
    """What `AuditLog.verify` found."""

    #: How many records there are, the first one included.
    records: int
    problems: tuple[Problem, ...]
    #: Where the log ends now: to be kept elsewhere. None where there is no record to be found.
    head: Head | None
    #: Lines that a crash cut off in the middle: noted by the record after them, or at the very end. Only the form as JSON lines can have any.
    torn: int = 0

    @property
    def ok(self) -> bool:
        """Nothing was changed, removed, reordered or put in; with heads given, nothing was cut off up to them."""
        return not self.problems

    def __bool__(self) -> bool:
        """`ok`: whoever asks ``if log.verify()`` must not get a yes for a log that was tampered with."""
        return self.ok

    def __str__(self) -> str:
        torn = f", {self.torn} torn by a crash" if self.torn else ""
        if self.ok:
            return f"{self.records} records{torn}, whole"
        many = "problem" if len(self.problems) == 1 else "problems"
        return "\n".join([f"{self.records} records{torn}, {len(self.problems)} {many}:", *(f"  {problem}" for problem in self.problems)])


@define
class _Walk:
    heads: list[Head]
    log: str | None = None
    records: int = 0
    torn: int = 0
    #: The record that the next one must follow, the hashes it may be named by, and the one it is stored under.
    seq: int = -1
    hashes: tuple[str, ...] = (NOTHING,)
    last: Head | None = None
    #: Lines that are no records, until a note vouches for them.
    scraps: list[Stored] = Factory(list)
    problems: list[Problem] = Factory(list)

    def found(self, seq: int | None, what: str) -> None:
        if len(self.problems) < MOST:
            self.problems.append(Problem(seq, what))
        elif len(self.problems) == MOST:
            self.problems.append(Problem(None, f"and more: only the first {MOST} problems are listed"))

    def step(self, stored: Stored) -> None:
        record = _read(stored)
        if stored.data is not None:
            self.records += 1
        if record is None:
            if stored.seq is None:
                self.scraps.append(stored)
            else:
                self.found(stored.seq, "was changed: it cannot be read")
                self._take(stored.seq, (stored.hash,), None)
            return
        self._scraps(record)
        computed = sha256(stored.data or b"")
        if computed != stored.hash:
            # What it says of itself is not believed: it counts as the record that should lie here.
            seq = self.seq + 1 if stored.seq is None else stored.seq
            self.found(seq, f"was changed ({stored.place}): its content and its hash do not belong together")
            if seq > self.seq:
                self._gap(seq)
                self._take(seq, (stored.hash, computed), None)
            return
        self._place(stored, record, stored.hash)

    def _place(self, stored: Stored, record: dict[str, Any], computed: str) -> None:
        seq = record["seq"]
        if stored.seq not in (None, seq):
            self.found(stored.seq, f"is gone: a copy of record {seq} lies in its place")
            if stored.seq is not None and stored.seq > self.seq:
                self._gap(stored.seq)
                self._take(stored.seq, (), None)
            return
        if seq <= self.seq:
            self.found(seq, f"stands where it does not belong ({stored.place}, after record {self.seq}): moved, or a copy")
            return
        missing = self._gap(seq)
        if not missing and self.hashes and record.get("previous") not in self.hashes:
            before = "it is not the beginning of a log" if seq == 0 else f"record {seq - 1} is not the one that it was written after"
            self.found(seq, f"breaks the chain: {before}; one of the two was replaced, or comes from another log")
        if seq == 0:
            self.log = record.get("log") if record.get("kind") == "log" else None
            if not isinstance(self.log, str):
                self.found(0, "is not the beginning of a log")
        for head in self.heads:
            if head.seq == seq and head.hash != computed:
                self.found(seq, "is not the one of the head that was kept: it, or one before it, was replaced, and the chain made anew")
        at = record.get("at")
        whole = isinstance(self.log, str) and self.log and isinstance(at, str) and at
        self._take(seq, (computed,), Head(log=str(self.log), seq=seq, hash=computed, at=str(at)) if whole else None)

    def _gap(self, seq: int) -> bool:
        if seq == self.seq + 1:
            return False
        lost = f"records {self.seq + 1} to {seq - 1} are" if seq > self.seq + 2 else "is"
        self.found(self.seq + 1, f"{lost} missing before record {seq}: removed, or moved")
        return True

    def _take(self, seq: int, hashes: tuple[str, ...], head: Head | None) -> None:
        if seq >= self.seq:
            self.seq, self.hashes, self.last = seq, hashes, head

    def _scraps(self, record: dict[str, Any]) -> None:
        """A note that names the very bytes of the lines before it says that a crash tore them: it was written when that was found."""
        noted = record.get("torn") if record.get("kind") in ("note", "log") else None
        for scrap in self.scraps:
            if isinstance(noted, list) and sha256(scrap.scrap) in noted:
                self.torn += 1
            else:
                self.found(None, f"{scrap.place} is no record, and no note says that a crash tore it: damaged, or put in")
        self.scraps.clear()

    def end(self) -> Verification:
        for scrap in self.scraps:
            if scrap.cut:
                self.torn += 1
            else:
                self.found(None, f"{scrap.place} is no record: damaged, or put in")
        if self.records == 0:
            self.found(None, "there is no record, not even the one that every log begins with")
        for head in self.heads:
            if self.log is not None and head.log != self.log:
                self.found(None, f"this is another log: it has the id {self.log}, and the head that was kept is of {head.log}")
            elif head.seq > self.seq:
                self.found(self.seq + 1, f"the end was cut off: the head that was kept is of record {head.seq}, and the log ends with {self.seq}")
        return Verification(records=self.records, problems=tuple(self.problems), head=self.last, torn=self.torn)


def _read(stored: Stored) -> dict[str, Any] | None:
    if stored.data is None:
        return None
    try:
        record = json.loads(stored.data)
    except (ValueError, RecursionError):
        return None
    seq = record.get("seq") if isinstance(record, dict) else None
    return record if isinstance(seq, int) and not isinstance(seq, bool) and seq >= 0 else None


def verify(stored: Iterable[Stored], heads: Sequence[Head]) -> Verification:
    """Walks over all of it once; memory stays flat."""
    walk = _Walk(heads=list(heads))
    for one in stored:
        walk.step(one)
    return walk.end()
