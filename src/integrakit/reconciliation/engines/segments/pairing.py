"""Columns of both sides side by side, each pair in the form that both servers can write. Pure; what has no common form is `Unsuitable`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from integrakit.reconciliation.engines.joining import Unsuitable
from integrakit.reconciliation.engines.segments.forms import Form, mariadb_form, postgresql_form
from integrakit.reconciliation.rules.columns import Column
from integrakit.reconciliation.rules.spec import Key
from integrakit.sql.server_schema import ServerSchema

__all__ = ["Pair", "Side", "pair_up"]

_KEYS = frozenset({"number", "text", "bytes", "bool", "date", "naive", "instant"})


@frozen(kw_only=True)
class Side:
    """One side as its server describes it."""

    #: "left" or "right".
    name: str
    schema: ServerSchema
    postgres: bool
    #: Of texts, where they are known.
    charsets: Mapping[str, str] = field(factory=dict)
    #: Columns of which ``types=`` makes something else in Python.
    retyped: Mapping[str, object]

    def form(self, column: str) -> Form:
        if column not in self.schema.columns:
            raise Unsuitable(f"the {self.name} side has no column {column!r}")
        if column in self.retyped:
            raise Unsuitable(f"types= makes something else of {column!r} on the {self.name} side, which its server does not know")
        found = self.schema.columns[column]
        return postgresql_form(found) if self.postgres else mariadb_form(found, self.charsets.get(column, ""))


@frozen
class Pair:
    """One column on both sides."""

    left: Form
    right: Form

    def of(self, side: int) -> Form:
        return self.right if side else self.left

    @property
    def family(self) -> str:
        return self.left.family

    def text(self, side: int) -> str:
        """What is written for a value."""
        mine = self.of(side)
        if self.left.scale is not None and self.left.scale == self.right.scale:
            return mine.text
        return mine.seconds if self.in_seconds else mine.shortest

    @property
    def in_seconds(self) -> bool:
        """Whether times are written as seconds, which both servers do sooner than cutting zeros off."""
        return bool(self.left.seconds and self.right.seconds) and self.left.scale != self.right.scale

    @property
    def in_millionths(self) -> bool:
        """Whether floats are added up as whole numbers, as far as they are such."""
        return self.numbers == {"float"}

    def added(self, side: int) -> str:
        """What is added up: exact numbers, or of floats millionths."""
        mine = self.of(side)
        return mine.millionths if self.in_millionths else mine.added

    def barred(self, side: int) -> tuple[str, str] | None:
        """A condition that no value of a side may meet, and why not."""
        mine = self.of(side)
        if self.in_seconds and mine.no_seconds:
            return mine.no_seconds, "it has the time 0000-00-00, which is no moment"
        return (mine.barred, mine.why_barred) if mine.barred and not self.in_millionths else None

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset({self.left.number, self.right.number})


def pair_up(sides: tuple[Side, Side], key: Key, columns: Sequence[Column]) -> tuple[list[Pair], dict[str, Pair]]:
    """The parts of the key, and the fields by their names on the left. Raises `Unsuitable`."""
    keys = [_pair(sides, left, right) for left, right in zip(key.names, key.right, strict=True)]
    for pair, name in zip(keys, key.names, strict=True):
        if pair.family not in _KEYS or {"float", "float4"} & pair.numbers:
            raise Unsuitable(f"the key {name!r} is of a type that rows are not parted by")
    fields = {}
    for column in columns:
        if column.field.by_side:
            raise Unsuitable(f"the field {column.field.name!r} goes by the clocks of two time zones, so what is written the same way may differ")
        fields[column.field.name] = _pair(sides, column.field.name, column.field.right)
    return keys, fields


def _pair(sides: tuple[Side, Side], left: str, right: str) -> Pair:
    forms = sides[0].form(left), sides[1].form(right)
    if forms[0].family != forms[1].family:
        raise Unsuitable(f"{left!r} is {forms[0].family} on the left and {forms[1].family} on the right: no value is the same")
    return Pair(*forms)
