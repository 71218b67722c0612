"""`memory=`: how many bytes of records a reconciliation may hold at a time, as a number or as a text with a unit; and how many some records take."""

from __future__ import annotations

import gc
import random
import re
import sys
from collections.abc import Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

from integrakit.errors import ConfigurationError

__all__ = ["DEFAULT", "JOINING", "LEAST", "Scales", "memory_of", "written"]

#: Bytes, where nothing was said.
DEFAULT = 1_000_000_000
#: Bytes below which no engine can work.
LEAST = 16_000_000
#: Bytes that a record costs beside itself while it is joined: its place in an index, in lists of keys, of pairs and of breaks.
JOINING = 200

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]i?)?b?", re.IGNORECASE | re.ASCII)
_UNITS = MappingProxyType(
    {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40},
)
#: Values of these types hold no others.
_FLAT = frozenset({str, int, float, bool, bytes})


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


def written(size: float) -> str:
    """A number of bytes for people: 512 MB."""
    for unit, limit in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= limit:
            return f"{size / limit:.4g} {unit}"
    return f"{size:.0f} bytes"


class Scales:
    """Estimates how many bytes records take in memory, from a few of each lot that are weighed with all that is in them."""

    _SAMPLE = 8
    #: Items of a list or dict that are weighed; the others count as much as these on average.
    _ITEMS = 64
    _DEEP = 12
    #: Objects that are weighed at most: a record may hang on to the whole world.
    _MOST = 20_000

    def __init__(self) -> None:
        # Seeded, for a run should end twice in the same way; random, for whatever stands in every tenth record must not be missed each time.
        self._random = random.Random(7)

    def weigh(self, rows: Sequence[Any]) -> int:
        """Bytes of all these records. What several of the sample share, names of fields above all, counts once."""
        sample = rows if len(rows) <= self._SAMPLE else self._random.sample(rows, self._SAMPLE)
        seen: set[int] = set()
        return sum(self._weigh(row, seen, 0) for row in sample) * len(rows) // max(1, len(sample))

    def _weigh(self, value: Any, seen: set[int], depth: int) -> int:
        if value is None or id(value) in seen or isinstance(value, type):
            return 0
        seen.add(id(value))
        try:
            size = sys.getsizeof(value) + 15 & ~15  # what the allocator hands out
        except Exception:  # noqa: BLE001 - a foreign class may count itself wrongly
            size = 64
        if type(value) in _FLAT or depth >= self._DEEP or len(seen) > self._MOST:
            return size
        parts = gc.get_referents(value)
        inner = sum(self._weigh(part, seen, depth + 1) for part in islice(parts, self._ITEMS) if not callable(part))
        return size + inner * max(1, len(parts)) // max(1, min(len(parts), self._ITEMS))
