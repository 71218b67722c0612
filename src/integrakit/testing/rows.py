"""The tables of the simulated server: rows by key, in the order in which they came, each with a position that it keeps for ever.

Not thread-safe by itself: the application calls it under its lock. Rows go in and come out as copies, so nobody outside can change one unseen.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias
from uuid import UUID

from integrakit._json import dumps
from integrakit.errors import ConfigurationError

__all__ = ["Filter", "Order", "Relation", "Row", "Table", "copy_of", "key_text"]

_CACHED_SELECTIONS = 16
#: How a row's field stands to what a query names.
Relation: TypeAlias = Literal["is", "from", "below"]
_WHOLE = re.compile("0|[1-9][0-9]{0,17}")


class Row:
    """One row: its value, its JSON, and its place in the table."""

    __slots__ = ("encoded", "key", "position", "value")

    def __init__(self, key: str, position: int, value: dict[str, Any], encoded: bytes) -> None:
        self.key = key
        self.position = position
        self.value = value
        self.encoded = encoded

    def copy(self) -> Row:
        """Itself as it is now: what is put later in its place does not reach it."""
        return Row(self.key, self.position, self.value, self.encoded)


def copy_of(value: Any) -> Any:
    """The same value with its own dicts and lists."""
    if isinstance(value, Mapping):
        return {name: copy_of(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [copy_of(item) for item in value]
    return value


def key_text(value: Any) -> str | None:
    """A key as it stands in a URL, or None where the value cannot be one: null, true, empty text, lists, objects."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | UUID | date | time):
        return None
    return dumps(value).decode().strip('"')


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(value) if isinstance(value, int | str | Decimal) else Decimal(repr(value)) if isinstance(value, float) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _instant(text: str) -> datetime | None:
    if text[4:5] != "-":  # fromisoformat reads plain digits too, and those are rather order numbers
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # within a day of the year 1 or 9999
        return None


class Filter:
    """One condition on one field: equal to one of the texts (``is``), not below any of them (``from``), or below all of them (``below``).

    The texts of a query have no types, so the row's value decides: a number is compared as a number, a date or time as an instant where both sides
    are one (``Z`` and ``+00:00`` are the same), everything else as text. Null is equal to ``null`` and to empty text, and meets no bound.
    """

    def __init__(self, field: str, texts: Iterable[str], relation: Relation) -> None:
        self.field = field
        self.relation = relation
        self.texts = tuple(texts)
        self._numbers = [_number(text) for text in self.texts]
        self._instants = [_instant(text) for text in self.texts]

    @property
    def identity(self) -> tuple[Any, ...]:
        return self.field, self.relation, self.texts

    def __call__(self, row: Mapping[str, Any]) -> bool:
        value = row.get(self.field)
        if value is None:
            return self.relation == "is" and self.field in row and any(text in ("", "null") for text in self.texts)
        if isinstance(value, list | Mapping):
            return False
        number = None if isinstance(value, str) else _number(value)
        if number is not None:
            return self._holds(number, self._numbers)
        text = key_text(value) or dumps(value).decode().strip('"')
        instant = _instant(text)
        if instant is not None and None not in self._instants:
            return self._holds(instant, self._instants)
        return self._holds(text, self.texts)

    def _holds(self, value: Any, bounds: Iterable[Any]) -> bool:
        if self.relation == "from":
            return all(bound is not None and value >= bound for bound in bounds)
        if self.relation == "below":
            return all(bound is not None and value < bound for bound in bounds)
        return any(value == bound for bound in bounds)


class Order:
    """The order of a collection: of insertion, or by fields, and the key where those are equal. Null is below numbers, and those below text."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        self.fields = fields

    def place(self, row: Row) -> Any:
        """Where a row stands, to compare."""
        return tuple(_comparable(row.value.get(name)) for name in self.fields) if self.fields else row.position

    def written(self, row: Row) -> Any:
        """The same for a token."""
        return [_plain(row.value.get(name)) for name in self.fields] if self.fields else row.position

    def taken(self, written: Any) -> Any:
        """From a token to what compares. Raises ValueError for what no token has."""
        if not self.fields and type(written) is int:
            return written
        if not self.fields or not isinstance(written, list) or len(written) != len(self.fields):
            raise ValueError
        return tuple(map(_comparable, written))

    def read(self, text: str, row: Row) -> Any:
        """From the text of a query, values with commas between them, typed as in this row. Raises ValueError saying what it takes."""
        parts = text.rsplit(",", len(self.fields) - 1)
        if len(parts) != len(self.fields):
            raise ValueError(f"takes {','.join(self.fields)} of a row")
        typed = [part if isinstance(row.value.get(name), str) else _number(part) for name, part in zip(self.fields, parts, strict=True)]
        return tuple(_comparable(part if value is None else value) for part, value in zip(parts, typed, strict=True))


def _comparable(value: Any) -> tuple[int, Any]:
    number = None if isinstance(value, str) else _number(value)
    if value is None:
        return 0, 0
    return (2, _plain(value)) if number is None else (1, number)


def _plain(value: Any) -> Any:
    return value if value is None or _number(value) is not None else key_text(value) or dumps(value).decode()


class Table:
    """Rows of one kind. ``key`` names the key field; keys are equal when their texts are, since that is all a URL has."""

    def __init__(self, name: str, rows: Iterable[Mapping[str, Any]], key: str | None) -> None:
        if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
            raise ConfigurationError(f"table {name!r} takes a list of dicts, not {type(rows).__name__}")
        given = list(rows)
        for number, row in enumerate(given):
            if not isinstance(row, Mapping) or any(not isinstance(column, str) for column in row):
                raise ConfigurationError(f"row {number} of table {name!r} is not a dict with text keys: {type(row).__name__}")
        self.name = name
        self.key = key if key is not None else _key_field(given)
        self._rows: dict[str, Row] = {}
        self._order: list[Row] = []
        self._position = 0
        self._last_id = 0
        self._columns: set[str] = {self.key}
        self._selections: dict[tuple[Any, ...], list[Row]] = {}
        for number, row in enumerate(given):
            text = key_text(row.get(self.key))
            if text is None:
                raise ConfigurationError(
                    f"row {number} of table {name!r} has no usable key in {self.key!r}: {row.get(self.key)!r}; name the key field with "
                    f"keys={{{name!r}: …}}"
                )
            if text in self._rows:
                raise ConfigurationError(f"row {number} of table {name!r} has the key {text!r} of an earlier row")
            try:
                self.put(row)
            except ConfigurationError as problem:
                raise ConfigurationError(f"row {number} of table {name!r}: {problem}") from problem

    def __len__(self) -> int:
        return len(self._order)

    def get(self, text: str) -> Row | None:
        return self._rows.get(text)

    def all(self) -> list[dict[str, Any]]:
        """Copies of all rows."""
        return [copy_of(row.value) for row in self._order]

    def put(self, value: Mapping[str, Any]) -> Row:
        """Keeps a row whose key is in it; one of the same key is replaced in its place. Raises `ConfigurationError` for what JSON cannot say."""
        text = key_text(value.get(self.key))
        if text is None:
            raise ConfigurationError(f"the row has no usable key in {self.key!r}: {value.get(self.key)!r}")
        values: dict[str, Any] = copy_of(value)
        encoded = dumps(values)
        row = self._rows.get(text)
        if row is None:
            row = self._rows[text] = Row(text, self._position, values, encoded)
            self._order.append(row)
            self._position += 1
            if _WHOLE.fullmatch(text):
                self._last_id = max(self._last_id, int(text))
        else:
            row.value, row.encoded = values, encoded
        self._columns.update(values)
        self._selections.clear()
        return row

    def delete(self, text: str) -> bool:
        """False when there is no such row."""
        row = self._rows.pop(text, None)
        if row is None:
            return False
        del self._order[bisect_left(self._order, row.position, key=_position)]
        self._selections.clear()
        return True

    def new_key(self) -> int:
        """A whole number that no row has or had."""
        self._last_id += 1
        return self._last_id

    def typed_key(self, text: str) -> Any:
        """The key value that a URL means: a number where this table's keys are numbers (or there are none yet), else the text."""
        numeric = not self._order or isinstance(self._order[0].value[self.key], int)
        return int(text) if numeric and _WHOLE.fullmatch(text) else text

    def has_column(self, name: str) -> bool:
        """Whether any row has, or had, this field."""
        return name in self._columns

    def select(self, filters: list[Filter]) -> list[Row]:
        """The rows that meet all conditions, in order of position. Not to be changed by the caller."""
        if not filters:
            return self._order
        identity = tuple(condition.identity for condition in filters)
        found = self._selections.get(identity)
        if found is None:
            if len(self._selections) >= _CACHED_SELECTIONS:
                self._selections.clear()
            found = self._selections[identity] = [row for row in self._order if all(condition(row.value) for condition in filters)]
        return found


def _position(row: Row) -> int:
    return row.position


def _key_field(rows: list[Mapping[str, Any]]) -> str:
    if all("id" in row for row in rows):
        return "id"
    return next(iter(rows[0]), "id")
