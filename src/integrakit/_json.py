"""JSON as it goes over the wire, and as it is kept in stores. The only place that encodes or decodes either.

On the wire a Decimal is a number written with exactly its digits, Money is ``{"amount": "12.30", "currency": "EUR"}``, a date or time is ISO 8601,
NaN does not exist. In stores the same values come back as what they were (`pack` / `unpack`), which plain JSON cannot do.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any
from uuid import UUID

from attrs import asdict, has

from integrakit.errors import ConfigurationError
from integrakit.money.value import Money, from_parts, parts_of
from integrakit.unset import UNSET

__all__ = ["canonical", "decoder", "dumps", "loads", "pack", "unpack"]

# The standard encoder cannot write a Decimal as a number, so one is written as a marked string and unquoted afterwards. The marker is random per
# process: no data can be made to look like it.
_MARK = secrets.token_hex(8)
_MARKED = re.compile(rf'"{_MARK}(-?[0-9.eE+-]+)"')


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(f"the exponent of {text[:40]} is out of all bounds") from None


def loads(body: bytes | str, *, decimals: bool = False) -> Any:
    """Decodes strict JSON (no NaN, no Infinity); ValueError says what is wrong. ``decimals``: fractions as exact Decimals instead of floats."""
    if isinstance(body, bytes):
        body = body.decode(json.detect_encoding(body), "surrogatepass")
    try:
        return (_DECIMALS if decimals else _FLOATS).decode(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None


# Made once: a call of json.loads with options builds a decoder each time, which costs more than a small body.
_FLOATS = json.JSONDecoder(parse_constant=_no_constant)
_DECIMALS = json.JSONDecoder(parse_float=_decimal, parse_constant=_no_constant)


def decoder(*, decimals: bool = False) -> json.JSONDecoder:
    """What `loads` decodes with, for those who decode a text value by value."""
    return _DECIMALS if decimals else _FLOATS


def _iso(moment: datetime | date | time) -> str:
    if moment != moment:  # pandas' NaT calls itself a datetime
        raise ValueError(f"{moment} is no time: give None where there is none")
    return moment.isoformat()


def _wire(value: Any) -> Any:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} cannot be written as JSON")
        return _MARK + format(value, "f" if -20 < value.adjusted() < 40 else "E")
    if isinstance(value, datetime | date | time):
        return _iso(value)
    if isinstance(value, Money):
        # The amount as text: most decoders would make a float of a number.
        return {"amount": f"{value.amount:f}", "currency": value.currency}
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum) and value is not UNSET:
        return value.value
    if has(type(value)):
        return asdict(value, recurse=False)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        raise TypeError("a set has no order: make it a list")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def dumps(value: Any) -> bytes:
    """Encodes compact JSON for the wire. Raises `ConfigurationError` for what JSON cannot say (NaN, sets, UNSET, objects of unknown classes)."""
    try:
        text = json.dumps(value, default=_wire, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
        if _MARK in text:
            text = _MARKED.sub(r"\1", text)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as problem:  # a lone surrogate is a ValueError too
        raise ConfigurationError(f"this body cannot be sent as JSON: {problem}") from problem


# ---------------------------------------------------------------- what stores keep

_TAG = "$"


def _pack(value: Any) -> Any:
    # Tagged objects: {"$": kind, "v": text}. A dict of the user's own that has the key "$" is itself wrapped, so nothing can be mistaken.
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        if any(not isinstance(name, str) for name in value):
            items = [[_pack_name(name), _pack(item)] for name, item in value.items()]
            return {_TAG: "items", "v": items}
        packed = {name: _pack(item) for name, item in value.items()}
        return {_TAG: "dict", "v": packed} if _TAG in packed else packed
    if isinstance(value, tuple):
        return {_TAG: "tuple", "v": [_pack(item) for item in value]}
    if isinstance(value, list):
        return [_pack(item) for item in value]
    if isinstance(value, Decimal):
        return {_TAG: "decimal", "v": str(value)}
    if isinstance(value, datetime):
        return {_TAG: "datetime", "v": _iso(value), **({"fold": 1} if value.fold else {})}
    if isinstance(value, date):
        return {_TAG: "date", "v": value.isoformat()}
    if isinstance(value, time):
        return {_TAG: "time", "v": value.isoformat(), **({"fold": 1} if value.fold else {})}
    if isinstance(value, timedelta):
        return {_TAG: "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    if isinstance(value, bytes | bytearray):
        return {_TAG: "bytes", "v": base64.b64encode(value).decode()}
    if isinstance(value, UUID):
        return {_TAG: "uuid", "v": str(value)}
    if isinstance(value, Money):
        return {_TAG: "money", "v": list(parts_of(value))}
    if value is UNSET:
        return {_TAG: "unset"}
    if has(type(value)):
        return _pack(asdict(value, recurse=False))
    takes = "JSON-able values, dates, Decimals, Money, bytes or attrs instances"
    raise ConfigurationError(f"a {type(value).__name__} cannot be kept in a store: give {takes}")


def _pack_name(name: Any) -> Any:
    packed = _pack(name)
    try:
        hash(_unpack(packed))
    except TypeError:  # an attrs instance comes back as the dict of its fields
        raise ConfigurationError(f"a {type(name).__name__} cannot be a key of what a store keeps: give text, numbers, dates or tuples") from None
    return packed


_UNPACK: dict[str, Callable[[Any], Any]] = {
    "items": dict,
    "tuple": tuple,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "timedelta": lambda v: timedelta(*v),
    "bytes": base64.b64decode,
    "uuid": UUID,
    "money": lambda v: from_parts(*v),
}


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TAG)
    if kind is None:
        return {name: _unpack(item) for name, item in value.items()}
    if kind == "unset":
        return UNSET
    if kind in ("datetime", "time"):
        moment = (datetime if kind == "datetime" else time).fromisoformat(value["v"])
        return moment.replace(fold=value.get("fold", 0))
    if kind == "dict":
        return {name: _unpack(item) for name, item in value["v"].items()}
    return _UNPACK[kind](_unpack(value["v"]))


# Most of what is kept is plain JSON: found out by looking once, and then written and read by the C encoder and decoder alone.
_SCALARS = frozenset({str, int, float, bool, NoneType})
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_encode_sorted = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode
_TAG_BYTES = b'"$"'


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        for name, item in value.items():  # noqa: SIM110 - a generator takes twice as long
            if type(name) is not str or name == _TAG or (type(item) not in _SCALARS and not _is_plain(item)):
                return False
        return True
    if kind is list:
        return all(type(item) in _SCALARS or _is_plain(item) for item in value)
    return kind in _SCALARS


def pack(value: Any) -> bytes:
    """Encodes so that `unpack` gives the same value back: Decimals with their digits, dates, times, bytes, tuples, NaN, UNSET. Key order is kept."""
    try:
        return _encode(value if _is_plain(value) else _pack(value)).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError) as problem:
        raise _unfit(problem) from problem


def canonical(value: Any) -> bytes:
    """Like `pack`, but the same for objects that differ in the order of their fields only: what fingerprints are made of."""
    try:
        # Not as ASCII: two halves of a character would be written like the whole one.
        return _encode_sorted(value if _is_plain(value) else _ordered(_pack(value))).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError) as problem:
        raise _unfit(problem) from problem


def _unfit(problem: Exception) -> ConfigurationError:
    why = "it is nested too deeply, or holds itself" if isinstance(problem, RecursionError) else str(problem)
    return ConfigurationError(f"this value cannot be kept in a store: {why}")


def _ordered(packed: Any) -> Any:
    """What `_pack` made, with the items of objects whose keys are not text in one order."""
    if isinstance(packed, list):
        return [_ordered(item) for item in packed]
    if not isinstance(packed, dict):
        return packed
    if packed.get(_TAG) == "dict":
        return {**packed, "v": {name: _ordered(item) for name, item in packed["v"].items()}}
    ordered = {name: _ordered(item) for name, item in packed.items()}
    return {**ordered, "v": sorted(ordered["v"], key=_encode_sorted)} if packed.get(_TAG) == "items" else ordered


def unpack(data: bytes) -> Any:
    """The inverse of `pack`."""
    value = json.loads(data.decode("utf-8", "surrogatepass"))
    return _unpack(value) if _TAG_BYTES in data else value
