"""What a read is made of: pages, where it can resume, and what it can prove.

Values only: how pages are fetched is the business of ``integrakit.http`` and ``integrakit.reading``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from attrs import evolve, field, frozen

from integrakit.errors import CheckpointMismatch, ConfigurationError

__all__ = ["Checkpoint", "Evidence", "Page", "Record", "Stability", "Tombstone", "Window"]

#: One row or object: a plain ``dict``, or an attrs instance where ``into=`` asked for one.
Record: TypeAlias = Any

#: How far a collection holds still while it is read. ``snapshot``: it is frozen for this read. ``keyset``: the order is by a key that rows keep.
#: ``offset``: rows are counted off, so an insert or delete shifts the rest. ``unknown``: nothing is known (a plain iterable).
Stability: TypeAlias = Literal["snapshot", "keyset", "offset", "unknown"]

CHECKPOINT_VERSION = 1


def utc(moment: datetime) -> datetime:
    """The same instant in UTC; a naive time is taken to be UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"Checkpoint({attribute.name}=…) takes a text, not {value!r}")


def _count(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"Checkpoint({attribute.name}=…) takes a whole number of 0 or more, not {value!r}")


def _moment(value: Any) -> datetime | None:
    if value is not None and not isinstance(value, datetime):
        raise ConfigurationError(f"Checkpoint(born=…, expires=…) takes a datetime, not {value!r}")
    return None if value is None else utc(value)


@frozen(kw_only=True)
class Checkpoint:
    """Where a read can resume. Typed and versioned: a checkpoint of another resource or other parameters is refused, never misread.

    ``token`` goes on in the middle of a read (JSON-able, opaque to everyone but the source that made it). ``watermark`` starts a new read from the
    highest cursor value of the last complete one. A checkpoint with neither starts from the beginning.
    """

    #: What was read: the name or path of the resource.
    resource: str = field(validator=_text)
    #: A hash of the parameters that select records; other parameters are another read.
    parameters: str = field(default="", validator=_text)
    #: How ``token`` goes on ("offset", "cursor", "lines" …). A source that goes on otherwise now drops the token, and begins at the watermark.
    mode: str = field(default="", validator=_text)
    #: Where to go on, in the middle of a read.
    token: Any = None
    #: The highest cursor value of the last complete read, inclusive.
    watermark: Any = None
    #: Of the records at the very watermark, which the next read brings again: key as text → digest. One that is still the same is not new.
    ties: Mapping[str, str] = field(factory=dict)
    #: How far a feed of deletes was read, where the source has one of its own: its ``watermark``, and the ``ties`` that were given out already.
    deletes: Mapping[str, Any] | None = None
    #: Pages and records delivered before ``token``, so that a resumed read counts on.
    pages: int = field(default=0, validator=_count)
    records: int = field(default=0, validator=_count)
    #: When the read that made it began; aware, UTC.
    born: datetime | None = field(default=None, converter=_moment)
    #: After this moment ``token`` is worthless and the watermark counts.
    expires: datetime | None = field(default=None, converter=_moment)

    def check(self, resource: str, parameters: str) -> None:
        """Raises `CheckpointMismatch` unless it was made for this resource and these parameters."""
        if self.resource != resource or self.parameters != parameters:
            raise CheckpointMismatch(
                f"this checkpoint is of {self.resource!r} (parameters {self.parameters or 'none'}), not of {resource!r} (parameters "
                f"{parameters or 'none'}): start without a checkpoint, or give the one that belongs here"
            )

    def live(self, now: datetime) -> Checkpoint:
        """Itself, or without its token when that has expired."""
        if self.token is not None and self.expires is not None and self.expires <= now:
            return evolve(self, token=None, pages=0, records=0)
        return self

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, with the format's version in ``v``."""
        values: dict[str, Any] = {"v": CHECKPOINT_VERSION, "resource": self.resource}
        for name, default in _DEFAULTS:
            if (value := getattr(self, name)) != default:
                values[name] = dict(value) if name in ("ties", "deletes") else value
        for name in ("born", "expires"):
            if moment := getattr(self, name):
                values[name] = moment.isoformat()
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Checkpoint:
        """The inverse of `to_dict`; raises `CheckpointMismatch` on a version this integrakit does not know."""
        try:
            values = dict(values)
            version = values.pop("v", None)
            if version == CHECKPOINT_VERSION:
                for name in ("born", "expires"):
                    if name in values:
                        values[name] = datetime.fromisoformat(values[name])
                return cls(**values)
        except (TypeError, ValueError, ConfigurationError) as problem:
            raise CheckpointMismatch(f"this is not a checkpoint: {problem}") from problem
        raise CheckpointMismatch(f"this is a checkpoint of version {version!r}, and this integrakit knows version {CHECKPOINT_VERSION} only")


_DEFAULTS: tuple[tuple[str, Any], ...] = (
    ("parameters", ""),
    ("mode", ""),
    ("token", None),
    ("watermark", None),
    ("ties", {}),
    ("deletes", None),
    ("pages", 0),
    ("records", 0),
)


@frozen
class Page:
    """What one read step brings: ``records``, and the ``checkpoint`` that is true once they are dealt with (None: this source cannot resume)."""

    records: Sequence[Record]
    checkpoint: Checkpoint | None = None

    def __len__(self) -> int:
        return len(self.records)


@frozen
class Tombstone:
    """In place of a record: the one with this key is gone. A sync deletes what it wrote for it, under its guard; a plain loop may skip or use it."""

    key: Any
    #: When it was deleted, as the source says it; None where it does not.
    at: Any = None
    #: What the feed of deletes says of it, as it came.
    record: Any = None


@frozen(kw_only=True)
class Evidence:
    """What a read can prove about its own completeness.

    ``complete`` is True when the protocol ended explicitly (or the declared total was reached), no body was short, no key came twice and the
    collection held still; False when something is known to be missing or doubled; None when nothing can be proved either way.
    ``reasons`` says why it is not True, in words; ``notes`` what else happened that is worth knowing and takes nothing from the proof.
    """

    complete: bool | None = None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pages: int = 0
    records: int = 0
    #: The number of records the server announced, where it did.
    declared_total: int | None = None
    #: Records whose key had come before in the same read.
    duplicates: int = 0
    #: Records that came again, where rows are asked for more than once, and were given out once.
    overlapped: int = 0
    stability: Stability = "unknown"
    #: What ended the read: "protocol", "total", "exhausted", or None while it runs or after an early break.
    ended_by: str | None = None
    #: Pages asked for again because the server repeated one, and records that did not fit ``into=``.
    repeated_pages: int = 0
    invalid: int = 0
    #: Whether the token of the checkpoint it was given was of no use, so that it began at the watermark; `notes` says why.
    began_anew: bool = False
    #: Whether it ended with an `IncompleteReadWarning` where it would have raised: nothing may move or be deleted by it.
    warned: bool = False
    #: When the read began; aware, UTC.
    started: datetime | None = None

    def __str__(self) -> str:
        verdict = {True: "complete", False: "INCOMPLETE", None: "not proved complete"}[self.complete]
        why = f" ({'; '.join(self.reasons)})" if self.reasons else ""
        records = "1 record" if self.records == 1 else f"{self.records} records"
        pages = "1 page" if self.pages == 1 else f"{self.pages} pages"
        return f"{verdict}: {records} in {pages}{why}"


def _seconds(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ConfigurationError(f"Window({attribute.name}=…) takes seconds, 0 or more, not {value!r}")


@frozen(kw_only=True)
class Window:
    """How a watermark is taken with care.

    ``overlap`` seconds are read again below the watermark, for rows that became visible late; the newest ``settle`` seconds are not believed yet, so
    the watermark never moves into them.
    """

    overlap: float = field(default=0.0, validator=_seconds)
    settle: float = field(default=0.0, validator=_seconds)
