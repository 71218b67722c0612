"""Repairs as a plan: the changes that make one side say what the other says, to look at first, then to write through the same sinks a sync uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Change, Outcome
from integrakit.reconciliation.changes import REPAIRABLE, Repair
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


def repairs(findings: Findings, to: Any, sink: Any, guard: Guard, truth: Any = None, kinds: Iterable[Any] = REPAIRABLE) -> Plan:
    """A plan of the changes that side ``to`` needs, to be written to ``sink``. Raises `GuardTripped` when it would be too much.

    Applying it stops with `GuardTripped` when the sink rejects too many; what was written until then stays, and comparing again shows the rest.
    """
    if not isinstance(guard, Guard):
        raise ConfigurationError(f"guard= takes a Guard, such as Guard(max_deletes=20), not {guard!r}")
    repair = Repair(findings, to, truth, kinds)
    handle = open_sink(sink)
    spool = Spool()
    deletes = 0
    for change in repair:
        deletes += change.kind == "delete"
        spool.append({"change": change_to_dict(change)})
    owned = findings.summary[to]
    guard.check_deletes(deletes, owned)
    guard.check_changes(len(spool), owned)
    notes = tuple(_notes(findings, repair, to, deletes))

    async def apply() -> RepairReport:
        return await _apply(plan, handle, guard)

    plan = Plan(spool, apply, title=f"repairs to the {to}", unchanged=findings.summary["equal"], notes=notes)
    return plan


def _notes(findings: Findings, repair: Repair, to: Any, deletes: int) -> Iterator[str]:
    source = findings.evidence.left if to == "right" else findings.evidence.right
    if deletes and (source is None or source.complete is not True):
        yield f"of the {deletes} deletes nothing proves that the other side was read completely: look at them before applying"
    if left_out := sum(1 for found in findings.breaks if found.kind not in REPAIRABLE):
        yield f"{left_out} breaks (duplicates, null keys, invalid records) cannot be repaired: a person must look"
    if repair.right_here:
        yield f"{repair.right_here} values that differ are right on the {to}: a plan for the other side writes them there"
    if repair.left_as_they_are:
        yield f"{repair.left_as_they_are} records that only one side has are left as they are: the {to} is right about them"
    if repair.not_writable:
        yield f"{repair.not_writable} values are absent on one side and null on the other, which no write mends: Field(…, null_is_empty=True)?"
    if repair.stays_text:
        names = ", ".join(map(repr, repair.stays_text))
        why = f"no value on the {to} says their type, or they are not written that way"
        yield f"new records hold cells of {names} as text, for {why}: CsvFile(path, types=…) says what they are"
    if findings.unstable:
        yield f"something moved while it was read, so some of this may be over already: {'; '.join(findings.unstable)}"
    if waiting := len(findings.in_flight):
        yield f"{waiting} breaks are in flight and not repaired: compare again later"


def _batches(plan: Plan, size: int) -> Iterator[list[Change]]:
    batch: list[Change] = []
    for change in plan:
        batch.append(change)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def _apply(plan: Plan, sink: SinkHandle, guard: Guard) -> RepairReport:
    world = runtime()
    started, tally, sent = world.now(), Tally(), 0
    refused: list[Outcome] = []
    for batch in _batches(plan, BATCH if sink.batch is None else min(BATCH, sink.batch)):
        outcomes: Sequence[Outcome] = await sink.write(batch)
        for change, outcome in zip(batch, outcomes, strict=True):
            tally.note(change, outcome)
            if outcome.status not in ("applied", "unchanged") and len(refused) < SHOWN:
                refused.append(outcome)
        sent += len(batch)
        if sent < len(plan):  # at the end a report of what was refused says more than an error
            guard.check_rejected(tally.rejected, sent, end=False, because=str(refused[0].error) if refused else "", kept=False)
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
