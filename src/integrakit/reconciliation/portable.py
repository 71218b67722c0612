"""What can be written to a temporary file and come back as it was. Whoever keeps records outside of memory asks here.

A class of the user may refuse to be pickled, to be unpickled, or come back as something else: that is found out when it is written, not when it is
too late.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import chain
from types import NoneType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from integrakit.money import Currency, Money
from integrakit.reconciliation.rules.values import same
from integrakit.unset import Unset

__all__ = ["described", "pickled", "pickled_rows"]

#: Pickled by their class, and known to come back the same.
_KNOWN = frozenset({Decimal, date, datetime, time, timedelta, timezone, UUID, ZoneInfo, bytearray, Unset, Money, Currency})
#: Values of these types hold no other values, and need no look inside.
_FLAT = frozenset({NoneType, bool, int, float, str, bytes, Decimal, date, timedelta, UUID, Unset})


class _Pickler(pickle.Pickler):
    """Notes whether anything of a class unknown here went in."""

    foreign = False

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind not in _KNOWN and not (kind is type and obj in _KNOWN):
            self.foreign = True
        return NotImplemented


def _dump(value: Any) -> tuple[bytes, bool]:
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=5)
    pickler.dump(value)
    return buffer.getvalue(), pickler.foreign


def pickled(value: Any) -> bytes:
    """The value as bytes that `pickle.loads` takes. Raises whatever a class in it raises."""
    data, foreign = _dump(value)
    if foreign:
        pickle.loads(data)
    return data


def described(value: Any) -> Any:
    """The value, or where it cannot be written the name of its class."""
    try:
        pickled(value)
    except Exception:  # noqa: BLE001 - a foreign class may raise anything when it is pickled; its name is kept then
        if isinstance(value, dict):
            return {name: described(item) for name, item in value.items()}
        if isinstance(value, tuple):
            return tuple(map(described, value))
        return f"<{type(value).__name__}>"
    return value


def pickled_rows(rows: Sequence[dict[str, Any]], beside: Any = None) -> tuple[bytes, frozenset[int]]:
    """Bytes that `pickle.loads` makes (beside, records) of, and the places of records that cannot be written, which are None there.

    ``beside``: values of plain types only.
    """
    if set(map(type, chain.from_iterable(map(dict.values, rows)))) <= _FLAT and set(map(type, chain.from_iterable(rows))) <= {str}:
        return pickle.dumps((beside, rows), protocol=5), frozenset()
    try:
        data, foreign = _dump((beside, rows))
    except Exception:  # noqa: BLE001 - see described; which records it is is found out below
        data, foreign = b"", True
    if not foreign:
        return data, frozenset()
    stubborn = frozenset(index for index, row in enumerate(rows) if not _comes_back(row))
    return pickle.dumps((beside, [None if index in stubborn else row for index, row in enumerate(rows)]), protocol=5), stubborn


def _comes_back(row: dict[str, Any]) -> bool:
    """Whether it is the same record after it was written and read: by the rules, for these will compare it."""
    try:
        data, foreign = _dump(row)
        return not foreign or same(row, pickle.loads(data))
    except Exception:  # noqa: BLE001 - see described
        return False
