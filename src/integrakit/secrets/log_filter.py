"""A filter for logging that takes secret values out of records, whoever wrote them: httpx logs URLs, and drivers log what they please."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any, cast

from integrakit.errors import ConfigurationError
from integrakit.secrets.redaction import forms_of, hide

__all__ = ["RedactingFilter"]

#: Values shorter than this are not looked for: they would be found everywhere, and are no secrets.
SHORTEST = 4
#: Containers in containers; what lies deeper is hidden as a text.
DEEPEST = 6
#: What every record has. All else is an ``extra``, or what a formatter made of these.
_OWN = frozenset(vars(logging.makeLogRecord({})))

_Forms = tuple[tuple[str, ...], tuple[str, ...]]


class RedactingFilter(logging.Filter):
    """Replaces the values of ``holders`` by ``***`` in messages, arguments, tracebacks, stacks and extra fields, in whatever way they are written.

    A holder is a `Secret`, an auth, a client (anything with ``known()`` or ``secrets()``), or a text. They are asked at each record, so that a value
    that was fetched or rotated later is hidden too. Put it on handlers: a filter on a logger does not see the records of its children. It changes the
    record, lets each one pass, and never raises; of a record that it cannot make sense of it leaves the level and the place.
    """

    def __init__(self, *holders: Any) -> None:
        super().__init__()
        self._askers = [_asker(holder) for holder in holders]
        # Values and their forms: swapped as one, so that threads need no lock.
        self._latest: tuple[tuple[str, ...], _Forms] = ((), ((), ()))

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            forms = self._forms()
            if forms[0]:
                _clean(record, forms)
        except Exception:  # noqa: BLE001 - logging must neither fail nor show what could not be looked through
            _blank(record)
        return True

    def _forms(self) -> _Forms:
        values = tuple(value for ask in self._askers for value in ask() if len(value) >= SHORTEST)
        known, forms = self._latest
        if values != known:
            forms = forms_of(values)
            self._latest = (values, forms)
        return forms

    def __repr__(self) -> str:
        return f"<RedactingFilter of {len(self._askers)} holders>"


def _asker(holder: Any) -> Callable[[], Iterable[str]]:
    if isinstance(holder, str):
        return lambda: (holder,)
    for name in ("known", "secrets"):
        ask = getattr(holder, name, None)
        if callable(ask) and not isinstance(holder, type):
            found: Any = ask
            return cast("Callable[[], Iterable[str]]", found)
    raise ConfigurationError(f"RedactingFilter takes Secrets, auths, clients and texts, not {type(holder).__name__}: it needs known() or secrets()")


def _clean(record: logging.LogRecord, forms: _Forms) -> None:
    message = record.getMessage()
    shown = hide(message, forms)
    # Formatters that write the arguments beside the message, or the template without them, get neither when there is something to hide.
    if shown is not message or (record.args and (_shows(str(record.msg), forms) or _shows(repr(record.args), forms))):
        record.msg, record.args = shown, None
    if record.exc_info and isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
        text = record.exc_text or "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if (hidden := hide(text, forms)) is not text or _holds(record.exc_info[1], forms):
            # The exception itself would be written out anew by other formatters.
            record.exc_text, record.exc_info = hidden, None
    if record.exc_text:
        record.exc_text = hide(record.exc_text, forms)
    if record.stack_info:
        record.stack_info = hide(record.stack_info, forms)
    for name, value in list(vars(record).items()):
        if name not in _OWN:
            setattr(record, name, _hidden(value, forms, DEEPEST))


def _shows(text: str, forms: _Forms) -> bool:
    return hide(text, forms) is not text


def _holds(value: Any, forms: _Forms) -> bool:
    return _shows(str(value), forms) or _shows(repr(value), forms)


def _hidden(value: Any, forms: _Forms, depth: int) -> Any:
    """The value, or what can be shown of it."""
    if isinstance(value, str):
        return hide(value, forms) if type(value) is str else hide(str(value), forms)
    if value is None or isinstance(value, bool | int | float) or not _holds(value, forms):
        return value
    if depth and type(value) is dict:
        return {_hidden(name, forms, depth - 1): _hidden(item, forms, depth - 1) for name, item in value.items()}
    if depth and type(value) in (list, tuple, set):
        return type(value)(_hidden(item, forms, depth - 1) for item in value)
    return hide(repr(value), forms)


def _blank(record: logging.LogRecord) -> None:
    record.msg, record.args = "a record that could not be looked through for secrets, and so is not shown", None
    record.exc_info = record.exc_text = record.stack_info = None
    for name in list(vars(record)):
        if name not in _OWN:
            setattr(record, name, None)
