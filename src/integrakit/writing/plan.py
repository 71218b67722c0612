"""`Plan`: changes computed and not yet sent. To look at, to count, and to apply through the very path a run takes."""

from __future__ import annotations

import html
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.model import Change
from integrakit.runtimes import drive
from integrakit.writing.spool import Spool

__all__ = ["Plan", "change_from_dict", "change_to_dict"]

SHOWN = 10


def change_to_dict(change: Change) -> dict[str, Any]:
    """A change as values a store can keep."""
    values = {"kind": change.kind, "key": change.key}
    for name in ("record", "whole", "remote_key", "idempotency_key"):
        if (value := getattr(change, name)) is not None:
            values[name] = value
    return values


def change_from_dict(values: dict[str, Any]) -> Change:
    """The inverse of `change_to_dict`."""
    values = dict(values)
    return Change(values.pop("kind"), values.pop("key"), values.pop("record", None), **values)


class Plan:
    """What a run would do: iterate its changes, read its counts, then `apply` it. Nothing was written to make it; the changes are kept on disk.

    ``creates``, ``updates``, ``deletes``, ``unchanged``, ``rejected``: counts of records. An upsert of a record that was never written before
    counts as a create.
    """

    # The spool holds one dict for each change, the change itself under "change".
    def __init__(
        self,
        spool: Spool,
        apply: Callable[[], Coroutine[Any, Any, Any]],
        *,
        title: str,
        unchanged: int = 0,
        rejected: int = 0,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._spool = spool
        self._apply = apply
        self._title = title
        self._applied = False
        self.unchanged = unchanged
        self.rejected = rejected
        #: What a reader of the plan should know, such as why deletes were withheld.
        self.notes = notes
        counts = {"create": 0, "upsert": 0, "update": 0, "delete": 0}
        for values in spool:
            counts[values["change"]["kind"]] += 1
        self.creates = counts["create"] + counts["upsert"]
        self.updates = counts["update"]
        self.deletes = counts["delete"]

    def __iter__(self) -> Iterator[Change]:
        return (change_from_dict(values["change"]) for values in self._spool)

    def __len__(self) -> int:
        return len(self._spool)

    async def aapply(self) -> Any:
        """Writes the changes and gives the report. Raises `PlanOutdated` when the world moved since, before anything is written."""
        if self._applied:
            raise ConfigurationError("this plan was applied already: make a new one")
        self._applied = True
        try:
            return await self._apply()
        except BaseException:
            self._applied = False
            raise

    def apply(self) -> Any:
        """`aapply` for blocking code."""
        return drive(self.aapply())

    def __str__(self) -> str:
        lines = [
            f"{self._title}: {self.creates} to create, {self.updates} to update, {self.deletes} to delete; {self.unchanged} unchanged, "
            f"{self.rejected} rejected",
            *(f"  note: {note}" for note in self.notes),
        ]
        for number, change in enumerate(self):
            if number == SHOWN:
                lines.append(f"  … and {len(self) - SHOWN} more")
                break
            fields = "" if change.record is None else " " + ", ".join(f"{name}={value!r}" for name, value in list(change.record.items())[:6])
            lines.append(f"  {change.kind} {change.key!r}{fields:.200}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Plan {self._title}: {self.creates} creates, {self.updates} updates, {self.deletes} deletes>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"
