"""What becomes of one item of a ledger from one reconciliation to the next, and how its document tells what holds from what is being recorded.

A document has the item as it ``is`` since the attempt ``serial``, and what of it ``was`` otherwise before. An attempt holds once the
ledger's head says ``done``; until then, and for ever where it broke off, the item is what it was. Pure; nothing is read or written here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from attrs import fields, frozen

from integrakit.protocols import Entry, Put
from integrakit.reconciliation.drift.items import DriftItem, DriftState
from integrakit.reconciliation.findings import BreakKind

__all__ = ["Sighting", "State", "closed", "held", "item_of", "put", "seen"]

#: What changes of an item: state, cause, left, right, owner, first_seen, opened, last_seen, resolved, times, reopenings. Times are ISO 8601.
State: TypeAlias = dict[str, Any]

_STABLE = ("key", "kind", "field")


@frozen(kw_only=True)
class Sighting:
    """One item as a reconciliation found it."""

    id: str
    key: Any
    kind: BreakKind
    field: str | None
    cause: str
    left: str
    right: str
    owner: str | None


def held(entry: Entry | None, done: int) -> State | None:
    """The item by the last attempt that was completed; None where it did not exist then."""
    if entry is None:
        return None
    value = entry.value
    state: State = value["is"]
    if value["serial"] <= done:
        return state
    return None if value["was"] is None else {**state, **value["was"]}


def seen(before: State | None, sighting: Sighting, at: datetime) -> State:
    """The item after it was seen."""
    moment = at.isoformat()
    found = {"cause": sighting.cause, "left": sighting.left, "right": sighting.right, "owner": sighting.owner, "last_seen": moment}
    if before is None:
        return {**found, "state": "new", "first_seen": moment, "opened": moment, "resolved": None, "times": 1, "reopenings": 0}
    state: DriftState = "persisting"
    after: State = {**before, **found, "times": before["times"] + 1}
    if before["state"] == "resolved":
        state = "reopened"
        after |= {"opened": moment, "resolved": None, "reopenings": before["reopenings"] + 1}
    return after | {"state": state}


def closed(before: State, at: datetime) -> State:
    """The item when it is no longer there."""
    return {**before, "state": "resolved", "resolved": at.isoformat()}


def put(space: str, id: str, what: dict[str, Any], state: State, before: State | None, serial: int) -> Put:
    """The operation that keeps an item; ``what``: its key, kind and field."""
    was = None if before is None else {name: value for name, value in before.items() if value != state[name]}
    value = {**{name: what[name] for name in _STABLE}, "serial": serial, "is": state, "was": was}
    # Found among the open ones as long as it is open by either account.
    is_open = state["state"] != "resolved" or (before is not None and before["state"] != "resolved")
    return Put(space, id, value, attributes={"open": int(is_open)})


def item_of(entry: Entry, state: State, said: dict[str, Any] | None) -> DriftItem:
    """The item in a state, with what a person said about it."""
    values: State = {**state, **{name: entry.value[name] for name in _STABLE}, "note": ""}
    for name in ("first_seen", "opened", "last_seen", "resolved"):
        values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    if said is not None:
        values |= {"note": said["note"], "owner": values["owner"] if said["owner"] is None else said["owner"]}
    return DriftItem(id=entry.key, **{field.name: values[field.name] for field in fields(DriftItem) if field.name != "id"})
