"""`grouped`: flat rows as documents, one for each key, before they are mapped. For rows that come one by one, such as those of a joined SQL query.

A mapping makes one record of one record; many rows that belong together have to be brought together first. Rows of a list inside one record are the
business of the rule ``group``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from integrakit.errors import ConfigurationError, MappingError
from integrakit.model import FieldError
from integrakit.transform.containers import as_record, opened
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.ordering import key_of, same
from integrakit.unset import UNSET

__all__ = ["Grouped", "grouped"]


class Grouped(Iterable[dict[str, Any]]):
    """The documents; what `grouped` gives. Each ``iter()`` reads the rows anew."""

    def __init__(self, rows: Iterable[Any], by: tuple[str, ...], into: str, common: tuple[str, ...], most: int) -> None:
        self._rows = rows
        self._by = by
        self._into = into
        self._common = common
        self._most = most
        self._begun = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rows = iter(self._rows)
        if rows is self._rows:
            if self._begun:
                raise ConfigurationError(
                    "grouped(rows): the rows are an iterator, which can be read only once: give a list, or an object that reads anew"
                )
            self._begun = True
        return self._documents(rows)

    def __repr__(self) -> str:
        return f"<grouped by {', '.join(self._by)} into {self._into!r}>"

    def _documents(self, rows: Iterator[Any]) -> Iterator[dict[str, Any]]:
        seen: set[Hashable] = set()
        key: Hashable = UNSET
        document: dict[str, Any] = {}
        for number, found in enumerate(rows, 1):
            row = self._row(found, number)
            here = tuple(self._key(row, name, number) for name in self._by)
            if here == key:
                self._check(document, row, number)
                document[self._into].append(row)
                continue
            if document:
                yield document
            if here in seen:
                names = ", ".join(f"{name} {excerpt(row[name])}" for name in self._by)
                raise self._refused(number, row, self._by[0], f"{names} comes again after other rows: sort the rows by {', '.join(self._by)}")
            seen.add(here)
            key = here
            document = {**{name: row[name] for name in (*self._by, *self._common) if row.get(name, UNSET) is not UNSET}, self._into: [row]}
        if document:
            yield document

    def _row(self, found: Any, number: int) -> dict[Any, Any]:
        row: dict[Any, Any] = self._tried(number, found, ".", lambda: opened(as_record(found)))
        return row

    def _key(self, row: dict[Any, Any], name: str, number: int) -> Hashable:
        value = row.get(name, UNSET)
        if value is UNSET:
            raise self._refused(number, value, name, "is missing")
        key: Hashable = self._tried(number, value, name, lambda: key_of(value))
        return key

    def _check(self, document: dict[str, Any], row: dict[Any, Any], number: int) -> None:
        for name in self._common:
            value, first = row.get(name, UNSET), document.get(name, UNSET)
            if not self._tried(number, value, name, partial(same, value, first)):
                one, other = ("missing" if each is UNSET else excerpt(each) for each in (value, first))
                raise self._refused(number, value, name, f"is {one}, and {other} in the first row of the same {', '.join(self._by)}")
        if len(document[self._into]) >= self._most:
            reason = f"more than {self._most} rows have the same {', '.join(self._by)}: most = … allows for more"
            raise self._refused(number, row, self._by[0], reason)

    def _tried(self, number: int, value: Any, name: str, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except Misfit as problem:
            raise self._refused(number, value, name, str(problem)) from problem
        except Exception as problem:  # a value with a mind of its own is a row that cannot be read
            raise self._refused(number, value, name, f"reading it failed: {type(problem).__name__}") from problem

    def _refused(self, number: int, value: Any, name: str, reason: str) -> MappingError:
        kind = "missing" if value is UNSET else "null" if value is None else type(value).__name__
        return MappingError(f"grouped(rows): row {number}: {name}: {reason}", errors=[FieldError(name, reason, kind, self._into)])


def grouped(
    rows: Iterable[Any], *, by: str | Iterable[str], into: str = "rows", common: str | Iterable[str] = (), most: int = 1_000_000
) -> Iterable[dict[str, Any]]:
    """Documents of flat rows: ``{by…: …, common…: …, into: [row, …]}``, one for each run of rows with the same key, as they are asked for.

    The rows of a key must stand together (``ORDER BY`` the key): only the rows of one document are held at a time, and every key, once. ``by`` and
    ``common`` are names of fields, not paths; what is ``common`` must be the same in all rows of a document. ``most``: rows of one document. Keys are
    compared by value: 1 is 1.0, not "1". Can be iterated as often as ``rows`` can.

    Raises `ConfigurationError` for wrong arguments. Iterating raises `MappingError` for a row that is no record, has no key, differs in what is
    common, or whose key was there before other rows.
    """
    if not isinstance(rows, Iterable) or isinstance(rows, str | bytes | Mapping):
        raise ConfigurationError(f"grouped(rows, …) takes an iterable of records, not {article(rows)}")
    keys, shared = _names(by, "by"), _names(common, "common")
    if not keys:
        raise ConfigurationError("grouped(rows, by=…): give the name of at least one field")
    if not isinstance(into, str) or not into or into in (*keys, *shared):
        raise ConfigurationError(f"grouped(rows, into=…) is the name of the field for the rows, none of those in by and common, not {excerpt(into)}")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ConfigurationError(f"grouped(rows, most=…) is a number of rows, at least 1, not {excerpt(most)}")
    return Grouped(rows, keys, into, shared, most)


def _names(value: Any, option: str) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else None
    if names is None or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError(f"grouped(rows, {option}=…) takes the name of a field, or a list of names, not {excerpt(value)}")
    return names
