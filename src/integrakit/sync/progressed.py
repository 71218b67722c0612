"""How far a sync has come: one document of the store, and the checkpoint in it. Values; reading the store is all that blocks."""

from __future__ import annotations

from attrs import evolve, frozen

from integrakit.model import Checkpoint
from integrakit.protocols import Entry, Put, Reader, Store

__all__ = ["Progressed", "final_checkpoint", "from_the_beginning", "from_watermark", "load_progressed", "since_for_plan"]

SPACE = "checkpoints"


@frozen(kw_only=True)
class Progressed:
    """How far a sync has come: what its document in the store says."""

    checkpoint: Checkpoint | None = None
    #: The version of the mapping that read up to there.
    mapping: str = ""
    #: Complete runs so far: tells the records of one append run from those of the next.
    runs: int = 0
    #: The document's version; 0: there is none yet.
    version: int = 0

    def put(self, name: str) -> Put:
        checkpoint = None if self.checkpoint is None else self.checkpoint.to_dict()
        return Put(SPACE, name, {"checkpoint": checkpoint, "mapping": self.mapping, "runs": self.runs})


def load_progressed(store: Store, name: str) -> Progressed:
    """From the store. Blocks."""
    entry: Entry | None = store.get(SPACE, name)
    if entry is None:
        return Progressed()
    found = entry.value["checkpoint"]
    checkpoint = None if found is None else Checkpoint.from_dict(found)
    return Progressed(checkpoint=checkpoint, mapping=entry.value["mapping"], runs=entry.value["runs"], version=entry.version)


def final_checkpoint(reader: Reader, pages: int, since: Checkpoint | None) -> Checkpoint | None:
    """Where the next run begins. A source that had nothing new gave no page, and so no checkpoint either: then it begins where this one did."""
    return since if reader.checkpoint is None and not pages else reader.checkpoint


def from_the_beginning(checkpoint: Checkpoint | None) -> Checkpoint | None:
    """All records once more. How far a feed of deletes was read stays: it may have forgotten since, and what it forgot must not go unnoticed."""
    return None if checkpoint is None or not checkpoint.deletes else evolve(from_watermark(checkpoint), watermark=None)


def from_watermark(checkpoint: Checkpoint) -> Checkpoint:
    """Without the place in the middle of a read, and without its ties: what was given out since then is not known, so they come again."""
    return evolve(checkpoint, token=None, ties={}, pages=0, records=0)


def since_for_plan(progressed: Progressed, mapping: str) -> Checkpoint | None:
    """Where a plan begins: it shows all that is new, not what is left of a run that was cut off."""
    since = progressed.checkpoint
    if progressed.mapping != mapping:
        return from_the_beginning(since)
    return since if since is None or since.token is None else from_watermark(since)
