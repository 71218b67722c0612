"""What is compared in one run: the fields, whether named by the user or found in the records, and the blocks of pairs.

With ``fields=None`` the fields are those that both sides have somewhere. An engine that has read everything knows them (`settle`); one that compares
while it reads takes every field it has met, and what turns out to be on one side only is left out of the count in the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress
from operator import is_not, not_

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.rules.columns import Column, Row, column
from integrakit.reconciliation.rules.spec import Field, Key
from integrakit.unset import Unset

__all__ = ["Block", "Comparison"]

#: Index of a pair → (field, cause) of each mismatch, and index → reason for pairs that cannot be compared.
Block = tuple[dict[int, list[tuple[str, str]]], dict[int, str]]


class Comparison:
    """The fields of one run and their columns."""

    def __init__(self, key: Key, fields: tuple[Field, ...] | None, ignored: frozenset[str], untyped: tuple[bool, bool]) -> None:
        self.key = key
        self.ignored = ignored
        self.untyped = untyped
        self.named = fields is not None
        #: Names met on each side, in the order of their appearance.
        self.names: tuple[dict[str, None], dict[str, None]] = ({}, {})
        self.records = [0, 0]
        self.columns: dict[str, Column] = {field.name: Column(field, untyped=untyped) for field in fields or ()}
        #: Whether records are looked at for new fields no sooner than they are compared, which costs nothing then. Only for engines that hand every
        #: record they read to the joiner, and do not settle before.
        self.looks_late = False
        #: Side → name → category of its values, where the schema of that side says it.
        self.declared: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self._settled = self.named
        self._told = [False, False]
        self._keys = {*key.names, *key.right}

    def see(self, side: int, rows: Sequence[Row]) -> None:
        """Takes note of the fields that records of one side have."""
        self.records[side] += len(rows)
        if self.looks_late and set(map(len, rows)) == {len(self.names[side])}:
            return  # the very fields that are known, it seems; `block` makes sure
        self.look(side, rows)

    def look(self, side: int, rows: Sequence[Row]) -> None:
        """Takes note of the fields that these records have, now."""
        if self.named or self._told[side]:
            return
        names = self.names[side]
        if new := set().union(*rows) - names.keys():
            for name in (name for name in chain.from_iterable(rows) if name in new and name not in names):
                if not isinstance(name, str):
                    raise ConfigurationError(f"a record on the {'right' if side else 'left'} has a field named {name!r}: names of fields are text")
                names[name] = None
                if not self._settled and name not in self.ignored | self._keys and name not in self.columns:
                    self.columns[name] = Column(Field(name), untyped=self.untyped)

    def have(self, side: int, names: Iterable[str]) -> None:
        """The columns of a side, known from its schema. After both sides were told, what is compared is settled."""
        self.names[side].update(dict.fromkeys(names))
        self._told[side] = True
        for each in self.columns.values():
            each.seen[side] = each.seen[side] or (each.field.right if side else each.field.name) in self.names[side]
        if self.named or not all(self._told):
            return
        for name in self.names[0]:
            if name in self.names[1] and name not in self.ignored | self._keys and name not in self.columns:
                self.columns[name] = column = Column(Field(name), untyped=self.untyped)
                column.seen = [True, True]
        self._settled = True

    def settle(self) -> None:
        """Everything has been read: from now on only what both sides have is compared."""
        self._settled = True
        for name in self.one_sided:
            self.columns.pop(name, None)

    @property
    def one_sided(self) -> frozenset[str]:
        """Fields met on one side only so far. A side without any records says nothing about its fields."""
        if self.named or not (all(self._told) or all(self.records)):
            return frozenset()
        return frozenset(self.names[0].keys() ^ self.names[1].keys())

    @property
    def undecided(self) -> frozenset[str]:
        """Fields that are compared for now, and may turn out to be on one side only."""
        return frozenset() if self._settled else self.one_sided

    def only(self, side: int) -> tuple[str, ...]:
        """For the report: what one side has and the other does not, keys and ignored fields aside. Nothing where the user named the fields."""
        mine, other = self.names[side], self.names[1 - side]
        if self.named or not all(self.records):
            return ()
        return tuple(name for name in mine if name not in other and name not in self.ignored | self._keys)

    def compared(self) -> list[Column]:
        """The columns that count, in the order of the left side."""
        missing = self.one_sided
        order = {name: place for place, name in enumerate(chain(*self.names))} if not self.named else {}
        found = [each for name, each in self.columns.items() if name not in missing]
        return sorted(found, key=lambda each: order.get(each.field.name, 0)) if order else found

    def kinds(self, side: int) -> dict[str, str]:
        """The category of each compared field of one side, by its name there, where all values met are of one."""
        found = dict(self.declared[side])
        for each in self.columns.values():
            kinds = each.kinds(side)
            # Not-a-number is what a number may be, and times with and without a zone are read alike.
            kinds = kinds - {"nan"} or kinds
            if kinds and kinds <= {"naive", "instant"}:
                kinds = frozenset({min(kinds)})
            if len(kinds) == 1:
                found.setdefault(each.field.right if side else each.field.name, *kinds)
        return found

    def check(self) -> None:
        """Raises `ConfigurationError` for a field that was named and that no record has: comparing nothing with nothing proves nothing."""
        for each in self.columns.values() if self.named and any(self.records) else ():
            if not any(each.seen) and not each.field.null_is_empty:
                other = f" (right: {each.field.right!r})" if each.field.right != each.field.name else ""
                raise ConfigurationError(
                    f"no record on either side has the field {each.field.name!r}{other}: correct its name, or say that it may be absent everywhere "
                    f"with Field({each.field.name!r}, null_is_empty=True)"
                )

    def alone(self, side: int, rows: Sequence[Row]) -> None:
        """Counts records without a partner into the control totals."""
        if rows:
            if self.looks_late:
                self.look(side, rows)
            for each in self.columns.values():
                each.add(side, rows)

    def block(self, lefts: Sequence[Row], rights: Sequence[Row]) -> Block:
        """Compares pairs."""
        apart = list(map(is_not, lefts, rights))
        if all(apart) or not all(each.same_if_identical for each in self.columns.values()):
            return self._compare(lefts, rights)
        one, others = list(compress(lefts, map(not_, apart))), (list(compress(lefts, apart)), list(compress(rights, apart)))
        for each in self._columns_of(one, one):
            each.add_both(one)
        if not others[0]:
            return {}, {}
        changed, failures = self._compare(*others)
        places = list(compress(range(len(apart)), apart))
        return {places[index]: found for index, found in changed.items()}, {places[index]: reason for index, reason in failures.items()}

    def _compare(self, lefts: Sequence[Row], rights: Sequence[Row]) -> Block:
        changed: dict[int, list[tuple[str, str]]] = {}
        failures: dict[int, str] = {}
        for each in self._columns_of(lefts, rights):
            for index, cause in each.differences(lefts, rights, failures):
                changed.setdefault(index, []).append((each.field.name, cause))
        for index in failures:
            changed.pop(index, None)
        return changed, failures

    def _columns_of(self, lefts: Sequence[Row], rights: Sequence[Row]) -> Iterator[Column]:
        """The columns to compare, each used by the caller before the next is given: so the fields of these records come to light."""
        done: set[str] = set()
        while todo := [each for name, each in self.columns.items() if name not in done]:
            done.update(each.field.name for each in todo)
            yield from todo
            if self.looks_late and not self.named:
                for side, rows in ((0, lefts), (1, rights)):
                    if self._has_gaps(side, rows):
                        self.look(side, rows)

    def _has_gaps(self, side: int, rows: Sequence[Row]) -> bool:
        """Whether any of the records lacks a field that is known. As many fields as are known and no gap: it has these and no others."""
        keys = self.key.right if side else self.key.names  # who joined has them
        for name in self.names[side]:
            each = self.columns.get(name)
            if each is not None:
                if each.gaps[side]:
                    return True
            elif name not in keys and Unset in set(map(type, column(rows, name))):
                return True
        return False
