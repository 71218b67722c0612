"""The mapping as its author wrote it: a TOML file or a dict, brought to one plain form, and the hash of that form.

Plain means: dicts, lists, text, whole numbers, bools, dates, times, null, and Decimals for every fraction, because 0.1 in a mapping means one tenth.
What the entries mean is the business of `parsing`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

from integrakit.errors import ConfigurationError

__all__ = ["content_hash", "plain_tree", "read_toml"]

# Deeper than any mapping, and far from the interpreter's own limit.
_DEEPEST = 64
_LARGEST = 10_000_000


def _fraction(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"{text} is not a number a mapping can use")
    return value


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads a mapping file. Raises `ConfigurationError` naming the file, and line and column of a syntax error."""
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as problem:
        raise ConfigurationError(f"the mapping file {os.fspath(path)!r} cannot be read: {problem}") from problem
    if len(data) > _LARGEST:
        raise ConfigurationError(f"{os.fspath(path)}: {len(data)} bytes are too many for a mapping file (at most {_LARGEST})")
    try:
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=_fraction)
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"{os.fspath(path)}: a mapping file is UTF-8 text: {problem}") from problem
    except RecursionError as problem:
        raise ConfigurationError(f"{os.fspath(path)}: nested too deeply for a mapping") from problem
    except (ValueError, InvalidOperation) as problem:
        raise ConfigurationError(f"{os.fspath(path)}: not valid TOML: {problem}") from problem


def plain_tree(tree: Any, name: str) -> dict[str, Any]:
    """A copy of the tree in plain form, so that later changes to the caller's dict change nothing. Raises `ConfigurationError`."""
    if not isinstance(tree, Mapping):
        raise ConfigurationError(f"{name}: a mapping is a tree of dicts (or a TOML file: Mapping.load), not a {type(tree).__name__}")
    plain: dict[str, Any] = _plain(tree, name, ())
    return plain


def _plain(value: Any, name: str, at: tuple[str, ...]) -> Any:
    def refuse(why: str) -> NoReturn:
        raise ConfigurationError(f"{name}: {'.'.join(at) or 'the mapping'}: {why}")

    if len(at) > _DEEPEST:
        raise ConfigurationError(f"{name}: {'.'.join(at[:3])}…: nested too deeply for a mapping")
    if isinstance(value, Mapping):
        table: dict[str, Any] = {}
        for key, item in value.items():
            # TOML keys are always text; a dict may spell the 1 of a lookup as a number.
            text = _key(key) if at[:1] == ("lookups",) and len(at) == 2 else key
            if not isinstance(text, str):
                refuse(f"a name must be text, not {type(key).__name__}")
            text = str.__str__(text)
            if text in table:
                refuse(f"{text!r} is there twice, as text and as something else")
            table[text] = _plain(item, name, (*at, text))
        return table
    if isinstance(value, list | tuple):
        return [_plain(item, name, (*at, f"[{index}]")) for index, item in enumerate(value)]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            refuse(f"{float.__repr__(value)} is not a number a mapping can use")
        return Decimal(float.__repr__(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            refuse(f"{value} is not a number a mapping can use")
        return value
    if value is not None and not isinstance(value, bool | int | datetime | date | time):
        refuse(f"a {type(value).__name__} cannot be part of a mapping: text, numbers, bools, dates, lists and dicts can")
    return value


def _key(key: Any) -> Any:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key) if isinstance(key, int) else key


def content_hash(tree: dict[str, Any]) -> str:
    """12 hex digits that change with the content of the tree, and not with the order of its keys."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), default=lambda value: {"$": type(value).__name__, "v": str(value)})
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
