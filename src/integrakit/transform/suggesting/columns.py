"""Samples as columns: every field that occurs in the records of one side, with its values, what they look like, and how they compare.

Bounded in records, items of lists, fields, depth and length of text, whatever comes in. What two columns have in common is for `comparing`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, TypeVar

from attrs import Factory, define

from integrakit.errors import ConfigurationError
from integrakit.transform.containers import as_record
from integrakit.transform.misfit import article
from integrakit.transform.paths import render
from integrakit.transform.suggesting.formats import NUMBERS, TIMES, day_of, form_of, instant_of, number_of, slashed_day, text_of
from integrakit.unset import UNSET

__all__ = ["Column", "Group", "Samples", "spelled_path", "take_samples"]

MOST_COLUMNS = 1_000
_DEEPEST = 10
_MOST_ITEMS = 30
_MOST_KEYS = 2_000
_MOST_CHARACTERS = 400
_LONGEST_KEY = 200
_MOST_NOTES = 10
# Values and objects of one side, all together: lists in lists in lists multiply.
_MOST_CELLS = 400_000
# How many of a column's values must look alike for the column to have their form.
_MOST = 0.9
# Seconds from 2001 to 2038, and the same in milliseconds.
_EPOCHS = ((978_307_200, 2_147_483_647), (978_307_200_000, 2_147_483_647_000))

#: Steps to the lists that a column lies in: each entry is the keys from the item before (or the record) to the list.
Group = tuple[tuple[str, ...], ...]
Row = tuple[int, ...]
V = TypeVar("V")


def spelled_path(group: Group, keys: tuple[str, ...]) -> str:
    """The path for people: ``line_items[].sku``."""
    parts = [f"{render(part)}[]" for part in group]
    return ".".join([*parts, render(keys)] if keys else parts)


@define(eq=False, slots=False)
class Column:
    """One field of one side. ``values``: its values by row, a row being the record's number and the item's in each list above; null is left out."""

    group: Group
    keys: tuple[str, ...]
    values: dict[Row, Any] = Factory(dict)
    nulls: int = 0
    lists: int = 0

    @property
    def path(self) -> str:
        return spelled_path(self.group, self.keys)

    @cached_property
    def forms(self) -> Counter[str]:
        return Counter(filter(None, map(form_of, islice(self.values.values(), 150))))

    @cached_property
    def form(self) -> str:
        """What nearly all values look like; "text" for a mixture, "nothing" where there is no value."""
        if self.lists:
            return "list"
        total = sum(self.forms.values())
        if not total:
            return "nothing"
        form, count = self.forms.most_common(1)[0]
        if count >= _MOST * total:
            return "epoch" if form == "whole number" and self._is_epoch() else form
        for wider, forms in (("number", NUMBERS), ("local time", {"date", "local time"}), ("instant", {"date", "instant"})):
            if sum(self.forms[form] for form in forms) >= _MOST * total:
                return wider
        return "text"

    def _is_epoch(self) -> bool:
        numbers = [number_of(value) for value in islice(self.values.values(), 300)]
        return len(set(numbers)) > 1 and any(all(n is not None and low <= n <= high for n in numbers) for low, high in _EPOCHS)

    @cached_property
    def types(self) -> frozenset[type]:
        return frozenset(map(type, self.values.values()))

    @cached_property
    def texts(self) -> dict[Row, str]:
        return _each(self.values, text_of, "")

    @cached_property
    def numbers(self) -> dict[Row, float | int]:
        return _each(self.values, number_of, None)

    @cached_property
    def days(self) -> dict[Row, int]:
        if self.form != "written date":
            return _each(self.values, day_of, None)
        month_first = any(slashed_day(value, month_first=False) is None for value in self.values.values())
        return {row: day for row, value in self.values.items() if (day := slashed_day(value, month_first=month_first)) is not None}

    @cached_property
    def instants(self) -> dict[Row, Hashable]:
        return _each(self.values, instant_of, None)

    @cached_property
    def phones(self) -> dict[Row, str]:
        return {row: digits[-9:] for row, text in self.texts.items() if len(digits := text.replace(" ", "")) >= 7 and digits.isdigit()}

    @cached_property
    def normal(self) -> Mapping[Row, Hashable]:
        """The values as they compare with those of another column of the same kind."""
        if self.form in NUMBERS:
            return self.numbers
        if self.form in TIMES:
            return self.days
        return self.phones if self.form == "phone" else self.texts

    @cached_property
    def distinct(self) -> int:
        return len(self.normal_set)

    @cached_property
    def normal_set(self) -> frozenset[Hashable]:
        return frozenset(self.normal.values())

    @cached_property
    def magnitude(self) -> float:
        """The power of ten around which its numbers lie."""
        values = sorted(abs(value) for value in self.numbers.values() if value)
        return math.log10(max(1e-6, values[len(values) // 2])) if values else 0.0

    @cached_property
    def length(self) -> float:
        """The usual number of characters of its texts."""
        lengths = sorted(map(len, self.texts.values()))
        return max(1.0, float(lengths[len(lengths) // 2])) if lengths else 1.0

    @cached_property
    def is_enum(self) -> bool:
        """A few short values that come again and again."""
        return 0 < self.distinct <= 20 and self.distinct * 3 <= len(self.values) and all(len(text_of(value)) <= 40 for value in self.normal_set)

    @cached_property
    def has_letters(self) -> bool:
        seen = [text_of(value) for value in islice(self.values.values(), 100)]
        return self.form not in TIMES and sum(not text.isascii() or any("a" <= c <= "z" for c in text) for text in seen) > 0.5 * len(seen)


@define(eq=False)
class Samples:
    """One side: the records that were taken, their columns in the order of their first appearance, and what was left out."""

    side: str
    records: list[Any] = Factory(list)
    columns: dict[tuple[Group, tuple[str, ...]], Column] = Factory(dict)
    rows: Counter[Group] = Factory(Counter)
    notes: dict[str, None] = Factory(dict)
    cells: int = 0

    def note(self, text: str) -> None:
        if len(self.notes) < _MOST_NOTES:
            self.notes[f"{self.side}: {text}"] = None

    def groups(self) -> list[Group]:
        return list(dict.fromkeys(group for group, _ in self.columns))

    def of(self, group: Group) -> list[Column]:
        return [column for column in self.columns.values() if column.group == group]

    def read(self, record: Mapping[Any, Any], row: Row, group: Group) -> None:
        """Takes in a record or an item of a list."""
        self.rows[group] += 1
        self._object((), record, row, group)

    def _object(self, keys: tuple[str, ...], there: Mapping[Any, Any], row: Row, group: Group) -> None:
        self.cells += len(there)
        if self.cells > _MOST_CELLS:
            self.note(f"more than {_MOST_CELLS} values: the others are not looked at")
            return
        columns = self.columns
        for key in self._keys(there):
            value: Any = there.get(key)
            path = (*keys, key)
            kind = type(value)
            if (kind is str or kind is int or kind is float) and (column := columns.get((group, path))) is not None:
                if kind is int or _is_usable(value):
                    column.values[row] = value[:_MOST_CHARACTERS] if kind is str else value
            elif isinstance(value, Mapping):
                if len(path) + sum(map(len, group)) >= _DEEPEST:
                    self.note(f"{spelled_path(group, path[:3])}… is nested more than {_DEEPEST} deep: what lies below is not looked at")
                else:
                    self._object(path, value, row, group)
            elif isinstance(value, list | tuple):
                self._list(path, value, row, group)
            elif value is not UNSET:
                self._scalar(path, value, row, group)

    def _keys(self, value: Mapping[Any, Any]) -> list[str]:
        good = [key for key in islice(value, _MOST_KEYS) if type(key) is str and 0 < len(key) <= _LONGEST_KEY]
        if len(good) < len(value):
            self.note("keys that are not text, empty, longer than 200 characters, or more than 2,000 in one object are not looked at")
        return good

    def _list(self, keys: tuple[str, ...], items: list[Any] | tuple[Any, ...], row: Row, group: Group) -> None:
        inner = (*group, keys)
        for index, item in enumerate(islice(items, _MOST_ITEMS)):
            if isinstance(item, Mapping):
                if len(keys) + sum(map(len, group)) < _DEEPEST:
                    self.read(item, (*row, index), inner)
            elif not isinstance(item, list | tuple) and (column := self._column(group, keys)) is not None:
                column.lists += 1
                if _is_usable(item):
                    column.values[(*row, index)] = _cut(item)

    def _scalar(self, keys: tuple[str, ...], value: Any, row: Row, group: Group) -> None:
        if (column := self._column(group, keys)) is None:
            return
        if value is None:
            column.nulls += 1
        elif _is_usable(value):
            column.values[row] = _cut(value)
        elif not isinstance(value, str):
            self.note(f"{column.path} has values of a kind that cannot be compared, such as {article(value)}")

    def _column(self, group: Group, keys: tuple[str, ...]) -> Column | None:
        found = self.columns.get((group, keys))
        if found is None:
            if len(self.columns) >= MOST_COLUMNS:
                self.note(f"more than {MOST_COLUMNS} fields: the others are not looked at")
                return None
            found = self.columns[(group, keys)] = Column(group, keys)
        return found


def _each(values: dict[Row, Any], function: Callable[[Any], V], nothing: V) -> dict[Row, Any]:
    """What a function makes of each value, without those that it makes nothing of. Text that comes again is not read again."""
    known: dict[str, V] = {}
    found: dict[Row, Any] = {}
    for row, value in values.items():
        if type(value) is str:
            if value in known:
                made = known[value]
            else:
                made = known[value] = function(value)
        else:
            made = function(value)
        if made is not nothing and made != nothing:
            found[row] = made
    return found


def _is_usable(value: Any) -> bool:
    """Whether a value says something: no blank text, no NaN, nothing of an unknown kind. Quick, for it is asked for each value."""
    kind = type(value)
    if kind is str:
        return bool(value) and not value.isspace()
    return kind is int or kind is bool or (math.isfinite(value) if kind is float else bool(form_of(value)))


def _cut(value: Any) -> Any:
    return value[:_MOST_CHARACTERS] if isinstance(value, str) else value


def take_samples(samples: Any, side: str, most: int) -> Samples:
    """The first ``most`` records of one side as columns. Raises `ConfigurationError` where there is no record."""
    if isinstance(samples, str | bytes | Mapping) or not isinstance(samples, Iterable):
        raise ConfigurationError(f"{side} takes records in a list, or anything that gives them one after another, not {article(samples)}")
    found = Samples(side)
    odd = 0
    for given in islice(samples, most):
        try:
            record = as_record(given)
        except RecursionError:  # an instance that holds itself
            record = None
        if not isinstance(record, Mapping):
            odd += 1
            continue
        found.read(record, (len(found.records),), ())
        found.records.append(record)
    if odd:
        found.note(f"{odd} of the samples {'is' if odd == 1 else 'are'} no record (a dict or an attrs instance) and left out")
    if not found.columns:
        why = "holds no record: a record is a dict or an attrs instance" if odd else "holds no record with a field"
        raise ConfigurationError(f"{side} {why}")
    return found
