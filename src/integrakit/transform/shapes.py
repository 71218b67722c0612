"""What the records of a resource look like: which fields they have, of which types, how often. Learned and compared; no value is kept. Pure.

A path is dotted, and ``lines[].sku`` is a field of the objects in a list. Records of one signature (the same names and types, nothing nested) are
counted together, so that learning costs little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from uuid import UUID

from attrs import asdict, define, field, has

from integrakit.errors import ConfigurationError
from integrakit.model.events import SchemaChanged, Severity

__all__ = ["FieldShape", "Shape"]

Kind: TypeAlias = Literal["new", "missing", "optional", "nullable", "retyped"]

#: Names for the types of values, as a schema would call them.
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (Decimal, "number"),
    (str, "text"),
    (Mapping, "object"),
    (list, "list"),
    (tuple, "list"),
    (datetime, "time"),
    (date, "date"),
    (time, "time of day"),
    (timedelta, "duration"),
    (bytes, "binary"),
    (UUID, "text"),
)
#: Deeper than this nothing is looked at; and no more paths than this are learned: keys that are data ("2026-01": …) would never end.
DEEPEST, MOST_PATHS = 20, 2000
#: Fewer records than this say nothing about what always comes, or never.
ENOUGH = 20


def type_name(kind: type) -> str:
    """ "integer", "text", "object" and so on; the class's own name for what is none of them."""
    if kind is type(None):
        return "null"
    return next((name for known, name in _TYPES if issubclass(kind, known)), kind.__name__)


@define
class FieldShape:
    """One path: where it stands, how often it was there, and of which types, each with its count."""

    #: The path of the object it is a field of, or of the list it is an item of; empty at the top.
    parent: str = ""
    #: Whether it stands for the items of a list, rather than for a field.
    items: bool = False
    present: int = 0
    types: dict[str, int] = field(factory=dict)

    def add(self, kind: str, count: int) -> None:
        self.present += count
        self.types[kind] = self.types.get(kind, 0) + count

    @property
    def kinds(self) -> frozenset[str]:
        """The types it has had, but for null."""
        return frozenset(self.types) - {"null"}


@define
class Shape:
    """``Shape.of(records)``, or an empty one that is taught by `learn`. ``now.changes("orders", since=before)`` says what is different."""

    records: int = 0
    fields: dict[str, FieldShape] = field(factory=dict)
    #: Paths that were said to be missing: said once only, until they come back.
    gone: set[str] = field(factory=set)
    #: Whether there were more paths than are kept.
    overflown: bool = False

    @classmethod
    def of(cls, records: Iterable[Any]) -> Shape:
        shape = cls()
        shape.learn(records)
        return shape

    def learn(self, records: Iterable[Any]) -> None:
        """Takes records in: dicts, or attrs instances. Other things among them are counted as records without fields."""
        alike: dict[tuple[tuple[str, ...], tuple[type, ...]], int] = {}
        for record in records:
            if type(record) is not dict:
                record = asdict(record, recurse=False) if has(type(record)) else record if isinstance(record, Mapping) else {}
            signature = (tuple(record), tuple(map(type, record.values())))
            alike[signature] = alike.get(signature, 0) + 1
            for name, value in record.items():
                if isinstance(value, dict | list | tuple) and value:
                    self._look_into(_joined("", name), value, 1)
        self.records += sum(alike.values())
        for (names, kinds), count in alike.items():
            for name, kind in zip(names, kinds, strict=True):
                self._seen(_joined("", name), "", kind, count)

    def _seen(self, path: str, parent: str, kind: type, count: int = 1, *, items: bool = False) -> None:
        shape = self.fields.get(path)
        if shape is None:
            if len(self.fields) >= MOST_PATHS:
                self.overflown = True
                return
            shape = self.fields[path] = FieldShape(parent=parent, items=items)
        shape.add(type_name(kind), count)

    def _look_into(self, path: str, value: Any, depth: int) -> None:
        """What stands in an object or a list at ``path``."""
        inside = value.items() if isinstance(value, Mapping) else ((None, item) for item in value)
        for name, inner in inside:
            at = path + "[]" if name is None else _joined(path, name)
            self._seen(at, path, type(inner), items=name is None)
            if depth < DEEPEST and isinstance(inner, Mapping | list | tuple) and inner:
                self._look_into(at, inner, depth + 1)

    # ------------------------------------------------------------------ comparing

    def chances(self, shape: FieldShape) -> int:
        """How many objects could have had this field."""
        if not shape.parent:
            return self.records
        owner = self.fields.get(shape.parent)
        return 0 if owner is None else owner.types.get("object", 0)

    def always(self, path: str) -> bool:
        """Whether all objects that could have it had it, and there were enough of them to tell."""
        shape = self.fields.get(path)
        return shape is not None and not shape.items and shape.present >= self.chances(shape) >= ENOUGH

    def changes(self, resource: str, since: Shape) -> list[SchemaChanged]:
        """What is different in these records from those of ``since``. What too few records could show is not said."""
        if not since.records:
            return []  # the first look: all is new, and nothing is news
        found = [change for path, now in self.fields.items() for change in self._found(path, now, since)]
        for path, before in since.fields.items():
            if path in self.fields or path in since.gone or before.items or self.overflown:
                continue
            # A field that one record in ten had may well be absent from twenty records by chance; from a thousand it is not.
            chances = self.chances(before)
            if chances * before.present >= ENOUGH * since.chances(before) > 0:
                found.append((path, "missing", "error" if since.always(path) else "warning"))
        return [self._change(resource, since, *change) for change in found]

    def _found(self, path: str, now: FieldShape, since: Shape) -> Iterator[tuple[str, Kind, Severity]]:
        before = since.fields.get(path)
        if before is None:
            # Of an object that is new itself one word is enough, and one that was always empty or null was only waiting to be filled.
            owner = now.parent
            if not now.items and not since.overflown and (not owner or any(other.parent == owner for other in since.fields.values())):
                yield path, "new", "info"
            return
        if (severity := _retyped(before.kinds, now.kinds)) is not None:
            yield path, "retyped", severity
        if "null" in now.types and "null" not in before.types and before.present >= ENOUGH:
            yield path, "nullable", "warning"
        if since.always(path) and now.present < self.chances(now):
            yield path, "optional", "warning"

    def _change(self, resource: str, since: Shape, path: str, kind: Kind, severity: Severity) -> SchemaChanged:
        before, now = since.fields.get(path, FieldShape()), self.fields.get(path, FieldShape())
        return SchemaChanged(
            severity=severity,
            resource=resource,
            path=path,
            kind=kind,
            before=tuple(sorted(before.types)),
            now=tuple(sorted(now.types)),
            records=self.chances(now if path in self.fields else before),
            having=now.present,
        )

    def merge(self, other: Shape) -> None:
        """Takes in what another has learned, and notes what is gone."""
        for path, shape in self.fields.items():
            if path not in other.fields and other.chances(shape) >= ENOUGH:
                self.gone.add(path)
        self.gone -= other.fields.keys()
        self.records += other.records
        self.overflown = self.overflown or other.overflown
        for path, shape in other.fields.items():
            mine = self.fields.get(path)
            if mine is None and len(self.fields) >= MOST_PATHS:
                self.overflown = True
                continue
            if mine is None:
                mine = self.fields[path] = FieldShape(parent=shape.parent, items=shape.items)
            for kind, count in shape.types.items():
                mine.add(kind, count)

    # ------------------------------------------------------------------ keeping

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` is its inverse."""
        fields = {path: [shape.parent, shape.items, shape.types] for path, shape in self.fields.items()}
        return {"v": 1, "records": self.records, "fields": fields, "gone": sorted(self.gone), "overflown": self.overflown}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Shape:
        """Raises `ConfigurationError` for what `to_dict` did not make."""
        try:
            if values["v"] != 1:
                raise ValueError(f"version {values['v']!r}")
            fields = {
                path: FieldShape(parent=parent, items=items, present=sum(types.values()), types=dict(types))
                for path, (parent, items, types) in values["fields"].items()
            }
            return cls(records=int(values["records"]), fields=fields, gone=set(values["gone"]), overflown=bool(values["overflown"]))
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise ConfigurationError(f"this is no shape of records that this version of integrakit kept: {problem!r}") from problem


def _joined(parent: str, name: Any) -> str:
    text = str(name)
    if "." in text or text.endswith("[]"):
        text = f"`{text}`"  # no path, but one name: "@odata.etag"
    return f"{parent}.{text}" if parent else text


def _retyped(before: frozenset[str], now: frozenset[str]) -> Severity | None:
    """How much it matters that a field has types it did not have; None where it has none."""
    new = now - before
    if not new or not before:
        return None  # it was only ever null before: that it has a value now was to be expected
    if (new | before) <= {"integer", "number"}:
        return "info" if new == {"integer"} else "warning"
    return "error"
