"""The engine **spill**: unordered sides larger than memory, parted by their keys into files on the disk, and joined part by part."""

from __future__ import annotations

from integrakit.reconciliation.engines.run import Run, Unsuitable

__all__ = ["join_on_disk"]


async def join_on_disk(run: Run) -> None:
    """Raises `Unsuitable`."""
    raise Unsuitable("not yet")
