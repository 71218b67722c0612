"""`WrittenRecords`: what a sync wrote last, for people who ask. Reading only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from integrakit.writing import Remembered, Written, key_text

__all__ = ["WrittenRecords"]


class WrittenRecords:
    """The records a sync owns, each as it was written last, with the version of the mapping that made it. Blocks."""

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered

    def __iter__(self) -> Iterator[Written]:
        return (written for _, written in self._remembered.all())

    def __len__(self) -> int:
        return self._remembered.count()

    def get(self, key: Any) -> Written | None:
        """The record of this key, or None where the sync wrote none."""
        id = key_text(key)
        return self._remembered.read([id]).get(id)

    def mappings(self) -> dict[str, int]:
        """Version of the mapping → number of records that it made. More than one: some records have not changed since the mapping did."""
        return dict(Counter(written.mapping for written in self))

    def __repr__(self) -> str:
        return f"<{len(self)} written records>"
