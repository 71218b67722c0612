"""What would have to be written so that one side says what the other says. Computed from the breaks; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from integrakit.errors import ConfigurationError
from integrakit.model import Change
from integrakit.reconciliation.findings import Break, Findings
from integrakit.reconciliation.rules.cells import cell_as, cell_like
from integrakit.unset import UNSET

__all__ = ["REPAIRABLE", "Repair", "RepairableKind"]


RepairableKind: TypeAlias = Literal["changed", "missing_left", "missing_right"]

#: Kinds of breaks that have a repair.
REPAIRABLE: tuple[RepairableKind, ...] = ("changed", "missing_left", "missing_right")

_SIDES = ("left", "right")


class Repair:
    """What to write to one side, seen from the side that is right. Raises `ConfigurationError`.

    ``to``: the side that is changed. ``truth``: the side that is right where a field does not say it by itself, also about which records there are;
    None: the other one than ``to``. ``kinds``: which breaks to repair.
    """

    def __init__(self, findings: Findings, to: Any, truth: Any = None, kinds: Iterable[Any] = REPAIRABLE) -> None:
        if to not in _SIDES:
            raise ConfigurationError(f'to= takes "left" or "right", the side to be changed, not {to!r}')
        if truth is not None and truth not in _SIDES:
            raise ConfigurationError(f'truth= takes "left" or "right", the side that is right, or None, not {truth!r}')
        self.kinds = _kinds(kinds)
        forward = to == "right"
        other = "left" if forward else "right"
        contrary = [field.name for field in findings.fields if field.truth == to]
        if truth is None and contrary:
            # Without a word the other fields would be written to this side, and back again by a plan for the other one.
            raise ConfigurationError(
                f"Field({contrary[0]!r}) says that the {to} is right: say truth={other!r} or truth={to!r}, which side is right about all that "
                "does not say it (other fields, missing records)"
            )
        key = findings.key
        source, target = (key.names, key.right) if forward else (key.right, key.names)
        self._keys = tuple(zip(source, target, strict=True))
        self._fields = {field.name: (field.name, field.right) if forward else (field.right, field.name) for field in findings.fields}
        self._forward = forward
        self._untyped = findings.untyped[0 if forward else 1] and not findings.untyped[1 if forward else 0]
        self._kinds = findings.kinds[1 if forward else 0]
        #: Whether this side is wrong about which records there are.
        self._about_records = (truth or other) == other
        self._left_alone = frozenset(field.name for field in findings.fields if (field.truth or truth or other) != other)
        self.findings = findings
        #: Fields that differ and are not written, since they are right here; absent here and null there, which no write can mend.
        self.right_here = 0
        self.not_writable = 0
        #: Records that are missing or too many, and are left as they are, since this side is right about that.
        self.left_as_they_are = 0
        #: Fields of which cells of untyped text go into new records as text: their type is not known, or they are not written that way.
        self.stays_text: dict[str, None] = {}

    def __iter__(self) -> Iterator[Change]:
        self.right_here = self.not_writable = self.left_as_they_are = 0
        self.stays_text = {}
        for found in self.findings.breaks:
            if found.kind in self.kinds:
                change = self._update(found) if found.kind == "changed" else self._presence(found)
                if change is not None:
                    yield change

    def _key(self, record: dict[str, Any], place: int) -> Any:
        parts = tuple(record.get(names[place]) for names in self._keys)
        return parts[0] if len(parts) == 1 else parts

    def _sides(self, found: Break) -> tuple[Any, Any]:
        return (found.left, found.right) if self._forward else (found.right, found.left)

    def _update(self, found: Break) -> Change | None:
        source, target = self._sides(found)
        patch = {}
        for name in found.fields:
            if name in self._left_alone:
                self.right_here += 1
                continue
            mine, other = self._fields[name]
            value = source.get(mine, UNSET)
            if value is UNSET:
                if target.get(other) is None:
                    self.not_writable += 1
                    continue  # null there, absent here: there is nothing to write
                value = None
            if self._untyped:
                # Null says nothing about the type of the column; its other values do.
                value = self._of_cell(value, other) if target.get(other) is None else cell_like(value, target[other])
            patch[other] = value
        return Change.update(self._key(target, 1), patch, whole={**target, **patch}) if patch else None

    def _of_cell(self, cell: Any, name: str) -> Any:
        """A cell as what the values of that field are on the side that is changed."""
        if type(cell) is not str or (kind := self._kinds.get(name)) == "text":
            return cell
        if kind is not None and cell == "":
            return None
        value = cell if kind is None else cell_as(cell, kind)
        if type(value) is str:
            self.stays_text[name] = None
        # A cell without a point is a whole number, which any column of numbers takes.
        return int(value) if type(value) is Decimal and value.as_tuple().exponent == 0 else value

    def _presence(self, found: Break) -> Change | None:
        source, target = self._sides(found)
        if not self._about_records:
            self.left_as_they_are += 1
            return None
        if target is None:
            names = (*self._keys, *self._fields.values())
            record = {other: source[mine] for mine, other in names if source.get(mine, UNSET) is not UNSET}
            if self._untyped:
                record = {name: self._of_cell(value, name) for name, value in record.items()}
            parts = tuple(record.get(name) for _, name in self._keys)
            return Change.create(parts[0] if len(parts) == 1 else parts, record)
        return Change.delete(self._key(target, 1))


def _kinds(kinds: Any) -> frozenset[str]:
    given = (kinds,) if isinstance(kinds, str) else tuple(kinds) if isinstance(kinds, Iterable) else (kinds,)
    for kind in given:
        if kind not in REPAIRABLE:
            raise ConfigurationError(f"kinds= takes some of {', '.join(map(repr, REPAIRABLE))}, the breaks that can be repaired, not {kind!r}")
    return frozenset(given)
