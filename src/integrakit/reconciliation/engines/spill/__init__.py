"""The engine **spill**: sides in any order that are larger than memory, parted by their keys into a file on the disk, and joined part by part."""

from integrakit.reconciliation.engines.spill.engine import join_on_disk

__all__ = ["join_on_disk"]
