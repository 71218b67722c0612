"""`memory=`: how many bytes of records a reconciliation may hold at a time, as a number or as a text with a unit."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

from integrakit.errors import ConfigurationError

__all__ = ["DEFAULT", "memory_of"]

#: Bytes, where nothing was said.
DEFAULT = 1_000_000_000
LEAST = 16_000_000

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]i?)?b?", re.IGNORECASE | re.ASCII)
_UNITS = MappingProxyType(
    {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40},
)


def memory_of(value: Any) -> int:
    """Bytes for 512_000_000, "512MB", "1.5 GiB"; the default for None. Raises `ConfigurationError`."""
    if value is None:
        return DEFAULT
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None:
        size = int(float(found[1]) * _UNITS[(found[2] or "").lower()])
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise ConfigurationError(f'memory= takes bytes or a text such as "512MB" or "1.5GiB", not {value!r}')
    if size < LEAST:
        raise ConfigurationError(f"memory={value!r} is less than the {LEAST // 10**6} MB that any engine needs")
    return size
