"""`Mapping`: how a record of one system becomes a record of another; the one name of this package that users need.

It only puts the parts together: `tree` reads, `parsing` checks, `generating` makes it fast, `careful` says what is wrong with a record.
"""

from __future__ import annotations

import linecache
import os
import weakref
from collections.abc import Callable, Iterable
from collections.abc import Mapping as AbstractMapping
from typing import Any

from integrakit.errors import MappingError
from integrakit.model import Record
from integrakit.transform.careful import CarefulPass
from integrakit.transform.containers import as_record
from integrakit.transform.coverage import Coverage, cover
from integrakit.transform.describing import describe
from integrakit.transform.generating import generate
from integrakit.transform.lookups import PlainTable, plain_tables
from integrakit.transform.options import check_functions
from integrakit.transform.parsing import Parser
from integrakit.transform.tree import content_hash, plain_tree, read_toml

__all__ = ["Mapping"]

Functions = AbstractMapping[str, Callable[[Any], Any]]

_SHOWN_ERRORS = 20


class Mapping:
    """A compiled mapping: ``mapping(record) -> dict``.

    Built from the tree of a mapping as a dict, or by `load` from a TOML file. Every mistake in it is a `ConfigurationError` here and now. A mapping
    never changes; one object serves any number of threads.
    """

    def __init__(self, tree: AbstractMapping[str, Any], *, functions: Functions | None = None, name: str = "Mapping({…})") -> None:
        """``functions``: what ``apply`` may call, by name: plain functions of one value, never given null. ``name`` stands in messages."""
        self._functions = check_functions(functions, name)
        self._tree = plain_tree(tree, name)
        self._lookups = plain_tables(self._tree.get("lookups", {}), name)
        tables = {name: PlainTable(table) for name, table in self._lookups.items()}
        self._fields = Parser(self._functions, name, tables).mapping(self._tree)
        self._name = name
        self._version = content_hash(self._tree)
        self._source, names = generate(self._fields)
        # A file name of its own, under which tracebacks and debuggers find the generated lines for as long as the mapping lives.
        filename = f"<integrakit mapping {self._version} at {id(self):x}>"
        exec(compile(self._source, filename, "exec"), names)  # holds no text of the mapping but repr()s of its names
        self._mapped: Callable[[Record], dict[str, Any]] = names["mapped"]
        linecache.cache[filename] = (len(self._source), None, self._source.splitlines(keepends=True), filename)
        weakref.finalize(self, linecache.cache.pop, filename, None)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, functions: Functions | None = None) -> Mapping:
        """Reads a mapping from a TOML file. Raises `ConfigurationError` naming file and field, with line and column for broken TOML."""
        return cls(read_toml(path), functions=functions, name=os.fspath(path))

    def __call__(self, record: Record) -> dict[str, Any]:
        """The mapped record. Raises `MappingError`, whose ``errors`` lists every bad field, and nothing else. The record is not changed."""
        try:
            return self._mapped(record if type(record) is dict else as_record(record))
        except Exception:  # noqa: BLE001 - the fast pass only says that something is unusual; the careful pass finds out what
            return self._carefully(record)

    def _carefully(self, record: Record) -> dict[str, Any]:
        careful = CarefulPass()
        result = careful.run(self._fields, record)
        if not careful.errors:
            return result
        found = len(careful.errors) + careful.more
        lines = [f"{self._name}: {found} field{'s' * (found > 1)} of the record {'do' if found > 1 else 'does'} not fit:"]
        lines += [f"  {error}" for error in careful.errors[:_SHOWN_ERRORS]]
        if found > _SHOWN_ERRORS:
            lines.append(f"  … and {found - _SHOWN_ERRORS} more")
        raise MappingError("\n".join(lines), errors=careful.errors) from careful.cause

    @property
    def version(self) -> str:
        """A hash of the mapping's content, 12 hex digits: the same for the same rules in any order. The code of ``functions`` is not part of it."""
        return self._version

    @property
    def source_name(self) -> str | None:
        """The ``source`` heading: what is mapped."""
        return self._tree.get("source")

    @property
    def target_name(self) -> str | None:
        """The ``target`` heading: what it becomes."""
        return self._tree.get("target")

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the target's fields, in their order."""
        return tuple(field.name for field in self._fields)

    def source(self) -> str:
        """The Python source that was generated for the fast pass, to read and to step through."""
        return self._source

    def document(self) -> str:
        """The mapping as Markdown: every field with its source and rule, the lookups, and a mermaid picture."""
        heading = f"{self.source_name or 'source'} → {self.target_name or 'target'}"
        return describe(self._fields, self._lookups, heading=heading, version=self._version, functions=self._functions)

    def coverage(self, records: Iterable[Record]) -> Coverage:
        """Reads all records and says what the mapping makes of them: source fields never used, missed lookups, nulls, types seen. Bounded memory."""
        return cover(self._fields, records)

    def __repr__(self) -> str:
        heading = f" {self.source_name or '?'} → {self.target_name or '?'}" if self.source_name or self.target_name else ""
        return f"<Mapping {self._name!r}{heading}, {len(self._fields)} field{'s' * (len(self._fields) != 1)}, version {self._version}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Generated code cannot be pickled; the tree can, and gives the same code.
        return _rebuild, (type(self), self._tree, self._functions, self._name)


def _rebuild(cls: type[Mapping], tree: dict[str, Any], functions: dict[str, Callable[[Any], Any]], name: str) -> Mapping:
    return cls(tree, functions=functions, name=name)
