"""What a write is made of: changes, and what became of them. Values only; the engines are in ``integrakit.writing``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from attrs import field, frozen

from integrakit.errors import ConfigurationError

__all__ = ["Change", "ChangeKind", "FieldError", "Outcome", "OutcomeStatus"]

ChangeKind: TypeAlias = Literal["create", "update", "upsert", "delete"]
OutcomeStatus: TypeAlias = Literal["applied", "unchanged", "rejected", "failed", "unknown"]


_KINDS = frozenset(get_args(ChangeKind))
_STATUSES = frozenset(get_args(OutcomeStatus))


def _words(error: Any) -> str | None:
    """An error in words; an exception is what many have at hand."""
    if error is None or isinstance(error, str):
        return error
    if isinstance(error, BaseException):
        return str(error) or type(error).__name__
    raise ConfigurationError(f"Outcome(error=…) takes the error in words, not {type(error).__name__}")


@frozen
class Change:
    """What should happen to one record in the sink. Built by `create`, `update`, `upsert` and `delete`.

    ``record`` is the whole record, and for an update the fields to change and no others: what is absent stays as it is, None is written as null.
    """

    kind: ChangeKind
    #: The record's business key, as the sync and the sink know it. None: the sink gives the key.
    key: Any
    record: Mapping[str, Any] | None = None
    #: What the system itself calls the record (an id of its own making), where known; the ``{key}`` of an endpoint's path is this if it is set.
    remote_key: Any = field(default=None, kw_only=True)
    #: For an update the whole new record too, where it is known: some systems replace, and would wipe what a patch leaves out.
    whole: Mapping[str, Any] | None = field(default=None, kw_only=True)
    #: The same on every attempt and after a restart; goes out as the client's idempotency key.
    idempotency_key: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in _KINDS:
            raise ConfigurationError(f"a Change is one of {', '.join(sorted(_KINDS))}, not {self.kind!r}")
        for name, value in (("record", self.record), ("whole", self.whole)):
            if not (isinstance(value, Mapping) or (value is None and (name == "whole" or self.kind == "delete"))):
                raise ConfigurationError(f"Change.{self.kind}({name}=…) takes a record as a mapping, not {type(value).__name__}")
        if self.idempotency_key is not None and not isinstance(self.idempotency_key, str):
            raise ConfigurationError(f"Change(idempotency_key=…) takes a text, not {type(self.idempotency_key).__name__}")

    @classmethod
    def create(cls, key: Any, record: Mapping[str, Any], *, idempotency_key: str | None = None) -> Change:
        return cls("create", key, record, idempotency_key=idempotency_key)

    @classmethod
    def update(
        cls,
        key: Any,
        patch: Mapping[str, Any],
        *,
        whole: Mapping[str, Any] | None = None,
        remote_key: Any = None,
        idempotency_key: str | None = None,
    ) -> Change:
        return cls("update", key, patch, whole=whole, remote_key=remote_key, idempotency_key=idempotency_key)

    @classmethod
    def upsert(cls, key: Any, record: Mapping[str, Any], *, remote_key: Any = None, idempotency_key: str | None = None) -> Change:
        return cls("upsert", key, record, remote_key=remote_key, idempotency_key=idempotency_key)

    @classmethod
    def delete(cls, key: Any, *, remote_key: Any = None, idempotency_key: str | None = None) -> Change:
        return cls("delete", key, remote_key=remote_key, idempotency_key=idempotency_key)


@frozen
class Outcome:
    """What happened to one change.

    ``applied``: it took place. ``unchanged``: nothing had to be done. ``rejected``: the sink said no to this record, and will again.
    ``failed``: it did not take place, another try may succeed. ``unknown``: it may have taken place, and must be asked about before it is sent again.
    """

    status: OutcomeStatus
    key: Any
    #: What the system itself calls the record, where it told.
    remote_key: Any = field(default=None, kw_only=True)
    #: The error in words, for everything but applied and unchanged.
    error: str | None = field(default=None, kw_only=True, converter=_words)
    #: The server's own id of the exchange.
    request_id: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.status, str) or self.status not in _STATUSES:
            raise ConfigurationError(f"an Outcome is one of {', '.join(sorted(_STATUSES))}, not {self.status!r}")

    @classmethod
    def applied(cls, key: Any, *, remote_key: Any = None, request_id: str | None = None) -> Outcome:
        return cls("applied", key, remote_key=remote_key, request_id=request_id)

    @classmethod
    def unchanged(cls, key: Any) -> Outcome:
        return cls("unchanged", key)

    @classmethod
    def rejected(cls, key: Any, error: str, *, request_id: str | None = None) -> Outcome:
        return cls("rejected", key, error=error, request_id=request_id)

    @classmethod
    def failed(cls, key: Any, error: str, *, request_id: str | None = None) -> Outcome:
        return cls("failed", key, error=error, request_id=request_id)

    @classmethod
    def unknown(cls, key: Any, error: str, *, request_id: str | None = None) -> Outcome:
        return cls("unknown", key, error=error, request_id=request_id)


@frozen
class FieldError:
    """One bad field of one record: where it was read, of what type it was, why it does not do, and which target field wanted it."""

    #: Dotted path in the source record, e.g. ``lines[2].price``.
    path: str
    #: What is wrong and what would be right, with a safe excerpt of the value.
    reason: str
    #: ``type(value).__name__``, or ``"missing"``.
    value_type: str = "missing"
    #: Dotted path in the target record.
    target: str = ""
    #: The rule of that field in words, as `Mapping.document` has it.
    rule: str = ""

    def __str__(self) -> str:
        text = f"{self.target or self.path}: {self.reason} (from {self.path!r}, {self.value_type})"
        # One line of what can be seen: names of a record or a mapping may hold line breaks, or marks that turn the direction of writing.
        return text if text.isprintable() else "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
