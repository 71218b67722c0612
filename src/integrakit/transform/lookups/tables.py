"""All tables of one mapping: those in its file, those beside it, and those that the program gives. They are read once, when the mapping is built."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from integrakit.errors import ConfigurationError, IntegrakitError
from integrakit.transform.lookups.csv_rows import CsvRows, read_table_file
from integrakit.transform.lookups.declared import Declared, RefuseAt, declared
from integrakit.transform.lookups.function import LookupFunction
from integrakit.transform.lookups.lookup import Table
from integrakit.transform.lookups.plain import PlainTable, dict_table, plain_tables
from integrakit.transform.lookups.rows import row_table
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.tree import Where, headed, place_name
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["Tables", "read_tables"]


class Tables:
    """The tables by name, and how to read them anew. Pickled, it holds what was read, and not the sources of rows."""

    def __init__(self, found: dict[str, Table], given: dict[str, Any], folder: Any, digests: dict[str, str]) -> None:
        self.found: Mapping[str, Table] = found
        #: Table → what tells the content of its file from every other.
        self.digests: Mapping[str, str] = digests
        self._given = given
        self._folder = folder
        #: Given sources that are not here any more.
        self._gone: frozenset[str] = frozenset()

    def shown(self, used: set[str]) -> Mapping[str, Table]:
        """Those that belong to the mapping: its own, and of what is given all that it uses."""
        return {name: table for name, table in self.found.items() if name in used or name not in self._given}

    def get(self, name: Any) -> Table | None:
        """The table of that name, if there is one."""
        return self.found.get(name) if isinstance(name, str) else None

    def unknown(self, name: Any) -> str:
        """What to say about a name that is none of a table."""
        if isinstance(name, str) and name in self._given:
            what = f"lookups={{{excerpt(name)}: …}} holds records: say in [tables.{name}] which column is the key, and which the value"
            return f"lookup {spelled(name)} has no columns: {what}"
        return f"unknown lookup {spelled(name)}{did_you_mean(name, self.found)} (your own are given as lookups={{{spelled(name)}: …}})"

    def again(self, tree: Mapping[str, Any], name: str) -> Tables:
        """The same tables, read now. Raises `ConfigurationError` where a source is used up or gone, and what the sources raise."""
        for table, source in self._given.items():
            if table in self._gone:
                why = "was not pickled with the mapping: build the mapping anew"
            elif isinstance(source, Iterator):
                why = "is an iterator, and used up: give a list, or a source that can be read again"
            else:
                continue
            raise ConfigurationError(f"{name}: refreshed(): the source of lookups={{{excerpt(table)}: …}} {why}")
        return read_tables(tree, self._given, name=name, folder=self._folder)

    def __getstate__(self) -> dict[str, Any]:
        kept = {table: source for table, source in self._given.items() if isinstance(source, Mapping | LookupFunction) or callable(source)}
        state = dict(self.__dict__)
        state["_gone"] = self._gone | (self._given.keys() - kept.keys())
        state["_given"] = {table: kept.get(table) for table in self._given}
        return state


def read_tables(tree: Mapping[str, Any], given: Any, *, name: str, where: Where | None = None, folder: Any = None) -> Tables:
    """Reads every table of a plain mapping tree. ``given``: what the program gives, by name. ``folder``: where the mapping's file is.

    Raises `ConfigurationError` naming mapping, table and row, and what sources of integrakit's own raise when they are read.
    """
    return _Reading(tree, given, name, where, folder).tables()


class _Reading:
    def __init__(self, tree: Mapping[str, Any], given: Any, name: str, where: Where | None, folder: Any) -> None:
        self._tree = tree
        self._name = name
        self._where = where
        # Made absolute: the tables may be read anew when the program is elsewhere.
        self._folder = os.path.abspath(folder) if isinstance(folder, str | os.PathLike) else folder
        if self._folder is not None and not isinstance(self._folder, str) and not hasattr(self._folder, "joinpath"):
            raise ConfigurationError(f"{name}: folder=… takes the path of a folder, not {article(folder)}")
        self._given = self._checked(given)
        self._digests: dict[str, str] = {}

    def tables(self) -> Tables:
        found: dict[str, Table] = {}
        for name, entries in plain_tables(self._tree.get("lookups", {}), self._refuse).items():
            if name in self._given:
                self._refuse(("lookups", name), f"stands in the mapping and in lookups={{{excerpt(name)}: …}}: it can be in one place")
            found[name] = PlainTable(entries)
        declarations = self._tree.get("tables", {})
        if not isinstance(declarations, dict):
            self._refuse(("tables",), f"must be a table, not {spelled(declarations)}")
        for name, tree in declarations.items():
            if name in found:
                self._refuse(("tables", name), f"is there twice, as lookups.{name} too")
            found[name] = self._declared(declared(name, tree, self._refuse))
        for name, source in self._given.items():
            if name not in found and (table := self._undeclared(name, source)) is not None:
                found[name] = table
        return Tables(found, self._given, self._folder, self._digests)

    def _refuse(self, path: tuple[str | int, ...], why: str, cause: Exception | None = None) -> NoReturn:
        raise ConfigurationError(f"{headed(self._name, self._where, path)}: {place_name(path)}: {why}") from cause

    # ---------------------------------------------------------------- what the program gives

    def _checked(self, given: Any) -> dict[str, Any]:
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            raise ConfigurationError(f"{self._name}: lookups={{…}} takes a dict of name → table, not {article(given)}")
        for name, source in given.items():
            if not isinstance(name, str) or not name:
                raise ConfigurationError(f"{self._name}: lookups={{…}}: the name of a table is text, not {excerpt(name)}")
            iterable = isinstance(source, Iterable) and not isinstance(source, str | bytes | bytearray)
            if not iterable and not callable(source) and not isinstance(source, LookupFunction):
                raise ConfigurationError(f"{self._name}: {_called(name)}: {_not_a_source(source)}")
        return dict(given)

    def _undeclared(self, name: str, source: Any) -> Table | None:
        """A dict or a function; None for rows, whose columns nobody has explained: that matters only where a rule uses them."""
        try:
            if isinstance(source, Mapping):
                return dict_table(source, "a dict of the program")
            if isinstance(source, LookupFunction):
                return source.fresh()
            return None if isinstance(source, Iterable) else LookupFunction(source)
        except (Misfit, ConfigurationError) as problem:
            raise ConfigurationError(f"{self._name}: {_called(name)}: {problem}") from problem
        except Exception as problem:
            raise ConfigurationError(f"{self._name}: {_called(name)}: reading it failed: {type(problem).__name__}") from problem

    def _given_rows(self, table: Declared, refuse: RefuseAt) -> Table:
        at = ("tables", table.name)
        if table.name not in self._given:
            refuse(at, f"has no csv and no rows: the program gives them, as lookups={{{excerpt(table.name)}: …}}, and did not")
        source = self._given[table.name]
        if isinstance(source, Mapping) or not isinstance(source, Iterable):
            what = "a dict" if isinstance(source, Mapping) else "a function"
            refuse(at, f"has columns, so {_called(table.name)} takes records, not {what}: leave [tables.{table.name}] out, or give records")
        try:
            return row_table(enumerate(source, 1), table, origin="rows of the program")
        except Misfit as problem:
            refuse(at, f"{_called(table.name)}: {problem}", problem)
        except IntegrakitError as problem:
            problem.add_note(f"while reading {_called(table.name)} of {self._name}")
            raise
        except Exception as problem:  # noqa: BLE001 - rows come from anywhere
            refuse(at, f"{_called(table.name)}: reading it failed: {type(problem).__name__}: {_said(problem)}", problem)

    # ---------------------------------------------------------------- what the mapping says

    def _declared(self, table: Declared) -> Table:
        at = ("tables", table.name)
        if table.csv is None and table.rows is None:
            return self._given_rows(table, self._refuse)
        if table.name in self._given:
            self._refuse(at, f"has its rows in the mapping, and in {_called(table.name)}: they can be in one place")
        if table.csv is not None:
            return self._csv(table, table.csv)
        try:
            return row_table(enumerate(table.rows or (), 1), table, origin="rows of this mapping")
        except Misfit as problem:
            self._refuse(at, str(problem), problem)

    def _csv(self, table: Declared, file: str) -> Table:
        at = ("tables", table.name, "csv")
        if self._folder is None:
            self._refuse(at, "is read from the folder of the mapping's file, and there is none: use Mapping.load, or say folder=…")
        try:
            data = read_table_file(self._folder, file)
        except Misfit as problem:
            self._refuse(at, str(problem), problem)
        try:
            rows = CsvRows(data, table.text)
            for option, column in table.columns():
                if column not in rows.columns:
                    raise Misfit(f"{option}: there is no column {column!r}{did_you_mean(column, rows.columns)}{rows.other_delimiter()}")
            self._digests[table.name] = rows.digest
            return row_table(rows, table, origin=file, lines=True)
        except Misfit as problem:
            self._refuse(at, f"{excerpt(file)}: {problem}", problem)


def _called(name: str) -> str:
    return f"lookups={{{excerpt(name)}: …}}"


def _not_a_source(source: Any) -> str:
    if hasattr(type(source), "__aiter__"):
        return "can only be read with async for: read it before, and give the list of its records"
    return f"a table is a dict, a function, or an iterable of records, not {article(source)}"


def _said(problem: Exception) -> str:
    try:
        return excerpt(str(problem))
    except Exception:  # noqa: BLE001 - an exception whose text cannot be had is told by its type alone
        return "no message"
