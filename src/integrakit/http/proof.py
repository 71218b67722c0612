"""What a read can prove: its counts, its doubts, and the verdict that follows from them. Pure.

Four kinds of doubt. ``wrong``: something is known to be missing or doubled. ``moved``: rows moved while they were counted off, so that some were
passed over. ``reasons`` leave it open whether anything is missing; ``unseen``, whether anything moved. Reading the keys once more can show that
nothing was passed over, which settles what ``moved`` or was ``unseen``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrakit.model import Evidence, Stability

__all__ = ["Proof"]

#: Texts of a kind that are kept: what goes wrong on every page is known by then, and each checkpoint carries them.
MOST_TOLD = 20


class Proof:
    """Of one read. The reader counts; this concludes."""

    def __init__(self, stability: Stability, *, named: bool) -> None:
        self.stability: Stability = stability
        #: Whether the paginator was named, and not recognised.
        self.named = named
        self.reasons: list[str] = []
        self.wrong: list[str] = []
        self.moved: list[str] = []
        self.unseen: list[str] = []
        self.notes: list[str] = []
        self.pages = self.records = self.duplicates = self.repeated = self.invalid = self.overlapped = 0
        #: Rows that came in this pass, those that had come before included: how far rows were counted off.
        self.rows = 0
        self.total: int | None = None
        self.highest_total = 0
        self.started: datetime | None = None
        #: Whether reading the keys once more showed that nothing was passed over; None: nobody looked, or it could not be told.
        self.closed: bool | None = None
        #: Rows asked for again with each page.
        self.overlap = 0
        #: How often the keys were read once more.
        self.passes = 0
        self.ended_by: str | None = None
        self.over = self.warned = self.began_anew = False

    # ------------------------------------------------------------------ what happens

    def doubt(self, reason: str) -> None:
        _once(self.reasons, reason)

    def wrong_about(self, reason: str) -> None:
        _once(self.wrong, reason)

    def moved_about(self, reason: str) -> None:
        _once(self.moved, reason)

    def unseen_about(self, reason: str) -> None:
        _once(self.unseen, reason)

    def note(self, text: str) -> None:
        _once(self.notes, text)

    def declared(self, total: int) -> None:
        """What the server says that there is in all."""
        if self.total is not None and total != self.total and self.stability == "offset":
            what = f"the declared total changed from {self.total} to {total} while rows were counted off"
            if self.overlap:
                self.note(what)
            else:
                self.moved_about(what)
        self.total = total
        self.highest_total = max(self.highest_total, total)

    def reaches(self, total: int | None, rows: int) -> bool:
        """Whether ``rows`` more make it the declared total: then no page is asked for beyond it. A total below what came is no end."""
        if total is None or self.rows + rows < total:
            return False
        return self.rows + rows <= max(self.highest_total, total)

    def begin_pass(self) -> None:
        """Rows are counted off once more, from the first one."""
        self.rows = 0

    def begin_anew(self) -> None:
        """What was carried over from a read that was cut off does not count."""
        self.pages = self.records = self.duplicates = self.overlapped = self.rows = self.highest_total = 0
        self.total = None
        self.began_anew = True
        for doubts in (self.reasons, self.wrong, self.moved, self.unseen):
            doubts.clear()

    # ------------------------------------------------------------------ over a restart

    def carried(self) -> dict[str, Any]:
        """What a read that is taken up here must not forget; empty where there is nothing."""
        values = {name: getattr(self, name) for name in _CARRIED if getattr(self, name)}
        if self.total is not None:
            values["total"] = self.total
        if self.rows != self.records:
            values["rows"] = self.rows
        return values

    def carry_on(self, values: Any, pages: int, records: int) -> bool:
        """Takes up what `carried` gave, after so many pages and records. False for what it cannot have given."""
        if not isinstance(values, dict):
            return False
        for name, value in values.items():
            wanted = _CARRIED.get(name, int)
            if name not in (*_CARRIED, "total", "rows") or type(value) is not wanted:
                return False
            if isinstance(value, list) and not all(isinstance(text, str) for text in value):
                return False
        self.pages, self.records, self.rows = pages, records, records
        for name, value in values.items():
            setattr(self, name, list(value) if isinstance(value, list) else value)
        self.highest_total = self.total or 0
        return True

    # ------------------------------------------------------------------ what follows

    def evidence(self) -> Evidence:
        complete, reasons, notes = self._verdict() if self.over else (None, [*self._doubts(), "the read was not finished"], self.notes)
        return Evidence(
            complete=complete,
            reasons=tuple(reasons),
            notes=tuple(notes),
            pages=self.pages,
            records=self.records,
            declared_total=self.total,
            duplicates=self.duplicates,
            overlapped=self.overlapped,
            stability=self.stability,
            ended_by=self.ended_by,
            repeated_pages=self.repeated,
            invalid=self.invalid,
            began_anew=self.began_anew,
            warned=self.warned,
            started=self.started,
        )

    def _doubts(self) -> list[str]:
        unsaid = [_UNSAID] if self.stability == "unknown" and self.named else []
        return [*self.wrong, *self.moved, *unsaid, *self.reasons, *self.unseen]

    def _verdict(self) -> tuple[bool | None, list[str], list[str]]:
        wrong, moved, reasons, notes = list(self.wrong), list(self.moved), list(self.reasons), list(self.notes)
        if self.duplicates:
            wrong.append(f"{self.duplicates} records came twice, so others may have been passed over")
        if self.overlapped and not self.overlap:
            moved.append(f"{self.overlapped} records came twice and were given out once, so others may have been passed over")
        if self.total is not None and self.records < self.total:
            moved.append(f"the server declared {self.total} records and gave {self.records}")
        elif self.total is not None and self.records > self.highest_total and not self.overlap and not self.closed:
            # Where it ended the read, any number may stand behind it.
            doubts = wrong if self.ended_by == "total" else reasons
            doubts.append(f"the server declared {self.total} records and gave {self.records}: its total cannot be believed")
        if self.closed:
            moved, notes = [], [*notes, *moved]
        elif self.closed is False:
            moved.append(f"the keys were read again {self.passes} times, and each time they were not all that was there")
        if wrong or moved:
            return False, [*wrong, *moved, *reasons], notes
        if not self.closed:
            reasons += self.unseen
            if self.stability == "offset":
                reasons.append(_OVERLAPPING if self.overlap else _COUNTED_OFF)
            elif self.stability == "unknown" and self.named:
                reasons.append(_UNSAID)
        return (None if reasons else True), reasons, notes


_MORE = "and more of the kind"
_UNSAID = "the paginator does not say how far the collection holds still: name stability="
_COUNTED_OFF = "rows were counted off, so one that moved meanwhile may be missing: stability= says if they hold still"
_OVERLAPPING = (
    "rows were counted off: with an overlap none is lost where others are inserted or deleted, but one that moved meanwhile may be missing: "
    "final_check='ids' reads the keys once more"
)
_CARRIED: dict[str, type] = {"duplicates": int, "overlapped": int, "wrong": list, "moved": list, "reasons": list, "unseen": list}


def _once(texts: list[str], text: str) -> None:
    if text not in texts and _MORE not in texts:
        texts.append(text if len(texts) < MOST_TOLD else _MORE)
