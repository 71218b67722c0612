"""The value types every layer speaks in. No I/O, no policy, nothing above the errors is imported here."""

from integrakit.model.exchange import Request, Response, Timeout
from integrakit.model.reading import Checkpoint, Evidence, Page, Record, Stability, Tombstone, Window
from integrakit.model.writing import Change, ChangeKind, FieldError, Outcome, OutcomeStatus
from integrakit.unset import UNSET, Unset

__all__ = [
    "UNSET",
    "Change",
    "ChangeKind",
    "Checkpoint",
    "Evidence",
    "FieldError",
    "Outcome",
    "OutcomeStatus",
    "Page",
    "Record",
    "Request",
    "Response",
    "Stability",
    "Timeout",
    "Tombstone",
    "Unset",
    "Window",
]
