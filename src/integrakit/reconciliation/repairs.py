"""Repairs as a plan: the changes that make one side say what the other says, to look at first, then to write through the same sinks a sync uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from integrakit.model import Change, Outcome
from integrakit.reconciliation.changes import changes
from integrakit.reconciliation.findings import Findings
from integrakit.runtimes import runtime
from integrakit.writing import Guard, Plan, SinkHandle, Spool, Tally, open_sink
from integrakit.writing.plan import change_to_dict

__all__ = ["RepairReport", "repairs"]

BATCH = 100
#: Outcomes kept to be looked at; beyond that they are counted.
SHOWN = 1000


@frozen(kw_only=True)
class RepairReport:
    """What applying the repairs did. Counts are of records; ``refused`` holds the outcomes that are neither applied nor unchanged, 1,000 at most."""

    written: int
    deleted: int
    unchanged: int
    rejected: int
    failed: int
    unknown: int
    refused: tuple[Outcome, ...]
    seconds: float

    def __str__(self) -> str:
        counts = ((name, getattr(self, name)) for name in ("written", "deleted", "unchanged", "rejected", "failed", "unknown"))
        lines = [f"repairs: {', '.join(f'{count} {name}' for name, count in counts if count or name == 'written')} in {self.seconds:.1f} s"]
        return "\n".join([*lines, *(f"  {outcome.key!r} {outcome.status}: {outcome.error}" for outcome in self.refused[:10])])


def repairs(findings: Findings, to: Any, sink: Any, guard: Guard) -> Plan:
    """A plan of the changes that side ``to`` needs, to be written to ``sink``. Raises `GuardTripped` when it would be too much."""
    handle = open_sink(sink)
    spool = Spool()
    deletes = 0
    for change in changes(findings, to):
        deletes += change.kind == "delete"
        spool.append({"change": change_to_dict(change)})
    owned = findings.summary[to]
    guard.check_deletes(deletes, owned)
    guard.check_changes(len(spool), owned)
    notes = []
    source = findings.evidence.left if to == "right" else findings.evidence.right
    if deletes and (source is None or source.complete is not True):
        notes.append(f"of the {deletes} deletes nothing proves that the other side was read completely: look at them before applying")
    left_out = sum(1 for found in findings.breaks if found.kind in ("duplicate", "null_key", "invalid"))
    if left_out:
        notes.append(f"{left_out} breaks (duplicates, null keys, invalid records) cannot be repaired: a person must look")

    async def apply() -> RepairReport:
        return await _apply(plan, handle)

    plan = Plan(spool, apply, title=f"repairs to the {to}", unchanged=findings.summary["equal"], notes=tuple(notes))
    return plan


def _batches(plan: Plan, size: int) -> Iterator[list[Change]]:
    batch: list[Change] = []
    for change in plan:
        batch.append(change)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def _apply(plan: Plan, sink: SinkHandle) -> RepairReport:
    world = runtime()
    started, tally = world.now(), Tally()
    refused: list[Outcome] = []
    for batch in _batches(plan, BATCH if sink.batch is None else min(BATCH, sink.batch)):
        outcomes: Sequence[Outcome] = await sink.write(batch)
        for change, outcome in zip(batch, outcomes, strict=True):
            tally.note(change, outcome)
            if outcome.status not in ("applied", "unchanged") and len(refused) < SHOWN:
                refused.append(outcome)
    return RepairReport(
        written=tally.written,
        deleted=tally.deleted,
        unchanged=tally.unchanged,
        rejected=tally.rejected,
        failed=tally.failed,
        unknown=tally.unknown,
        refused=tuple(refused),
        seconds=world.now() - started,
    )
