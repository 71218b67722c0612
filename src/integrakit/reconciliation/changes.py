"""What would have to be written so that one side says what the other says. Computed from the breaks; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from integrakit.errors import ConfigurationError
from integrakit.model import Change
from integrakit.reconciliation.findings import Break, Findings
from integrakit.reconciliation.rules.cells import cell_like
from integrakit.unset import UNSET

__all__ = ["changes"]


class _Repair:
    """Names and order of the two sides, seen from the one that is to be changed."""

    def __init__(self, findings: Findings, to: Literal["left", "right"]) -> None:
        forward = to == "right"
        key = findings.key
        source, target = (key.names, key.right) if forward else (key.right, key.names)
        self._keys = tuple(zip(source, target, strict=True))
        self._fields = {field.name: (field.name, field.right) if forward else (field.right, field.name) for field in findings.fields}
        self._forward = forward
        self._untyped = findings.untyped[0 if forward else 1] and not findings.untyped[1 if forward else 0]

    def _key(self, record: dict[str, Any], place: int) -> Any:
        parts = tuple(record.get(names[place]) for names in self._keys)
        return parts[0] if len(parts) == 1 else parts

    def change(self, found: Break) -> Change | None:
        source, target = (found.left, found.right) if self._forward else (found.right, found.left)
        if found.kind == "changed":
            patch = {}
            for name in found.fields:
                mine, other = self._fields[name]
                value = source.get(mine, UNSET)
                if value is UNSET:
                    if target.get(other) is None:
                        continue  # null there, absent here: there is nothing to write
                    value = None
                patch[other] = cell_like(value, target.get(other)) if self._untyped else value
            return Change.update(self._key(target, 1), patch, whole={**target, **patch}) if patch else None
        if target is None:
            names = (*self._keys, *self._fields.values())
            record = {other: source[mine] for mine, other in names if source.get(mine, UNSET) is not UNSET}
            return Change.create(self._key(source, 0), record)
        return Change.delete(self._key(target, 1))


def changes(findings: Findings, to: Any) -> Iterator[Change]:
    """The changes in the order of the breaks. Duplicate, null and invalid ones have no repair: a person must look."""
    if to not in ("left", "right"):
        raise ConfigurationError(f'changes(to=…) takes "left" or "right", the side to be changed, not {to!r}')
    repair = _Repair(findings, to)
    repairable = (found for found in findings.breaks if found.kind in ("changed", "missing_left", "missing_right"))
    return (change for change in map(repair.change, repairable) if change is not None)
