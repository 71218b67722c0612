"""`Mapping`: how a record of one system becomes a record of another; the one name of this package that users need.

It only puts the parts together: `tree` reads, `parsing` checks, `generating` makes it fast, `careful` says what is wrong with a record.
"""

from __future__ import annotations

import linecache
import os
import weakref
from collections.abc import Callable, Iterable
from collections.abc import Mapping as AbstractMapping
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve

from integrakit.errors import ConfigurationError, MappingError
from integrakit.model import FieldError, Record
from integrakit.transform.careful import CarefulPass
from integrakit.transform.checking import Findings, check_schema
from integrakit.transform.differing import MappingDiff, differ
from integrakit.transform.documenting.coverage import Coverage, cover
from integrakit.transform.documenting.document import describe
from integrakit.transform.documenting.rows import FieldRow, rows
from integrakit.transform.documenting.words import field_words
from integrakit.transform.each import MappedRecords, check_on_error
from integrakit.transform.format_schema import format_schema
from integrakit.transform.generating import generate
from integrakit.transform.instances import read_into
from integrakit.transform.inverting import invert
from integrakit.transform.loading import Resource, read_mapping, read_text
from integrakit.transform.lookups import Tables, read_tables
from integrakit.transform.misfit import article
from integrakit.transform.options import check_functions
from integrakit.transform.parsing import Parser
from integrakit.transform.rules import Field
from integrakit.transform.tree import Where, content_hash, headed, plain_tree, undocumented

if TYPE_CHECKING:
    from integrakit.transform.suggesting import Suggestion

__all__ = ["Mapping"]

Functions = AbstractMapping[str, Callable[..., Any]]

_SHOWN_ERRORS = 20


class Mapping:
    """A compiled mapping: ``mapping(record) -> dict``, or an instance of the class ``into``.

    Built from the tree of a mapping as a dict, or by `load` from a TOML file. Every mistake in it is a `ConfigurationError` here and now. A mapping
    never changes; one object serves any number of threads.
    """

    def __init__(
        self,
        tree: AbstractMapping[str, Any],
        *,
        functions: Functions | None = None,
        lookups: AbstractMapping[str, Any] | Tables | None = None,
        on_error: str | None = None,
        name: str = "Mapping({…})",
        folder: str | os.PathLike[str] | None = None,
        where: Where | None = None,
        into: type | None = None,
    ) -> None:
        """``functions``: what ``apply`` and ``call`` may call, by name: plain functions of one value, or of several.

        ``on_error``: what becomes of a record that does not fit: "dead_letter" (a sync sets it aside, and goes on), "raise" (a sync stops there),
        "null" (the fields that do not fit become null, and are counted). Default: what the mapping itself says, else "dead_letter". ``name`` stands
        in messages; ``where`` finds the line and column of an entry of the tree, for them.

        ``lookups``: tables by name: a dict, a function or `LookupFunction`, or an iterable of records whose columns ``[tables.name]`` explains. They
        are read once, here. ``folder``: where the CSV files of ``[tables]`` are, for a tree that was not loaded from a file.

        ``into``: an attrs class that a call gives an instance of, instead of a dict. The fields are checked against its attributes, here.
        """
        self._functions = check_functions(functions, name)
        self._tree = plain_tree(tree, name, where)
        #: "dead_letter", "raise" or "null".
        self.on_error = self._check_on_error(on_error, name, where)
        self._tables = lookups if isinstance(lookups, Tables) else read_tables(self._tree, lookups, name=name, where=where, folder=folder)
        parser = Parser(self._functions, name, self._tables, where)
        self._fields = parser.mapping(self._tree)
        self._shown_tables = self._tables.shown(parser.used)
        self._given: dict[str, Any] = {"functions": functions, "lookups": self._tables, "on_error": on_error, "name": name, "into": into}
        if self.on_error == "null":
            self._fields = tuple(evolve(field, null_on_error=True) for field in self._fields)
        self._name = name
        self._version = content_hash(undocumented(self._tree) | ({"csv": self._tables.digests} if self._tables.digests else {}))
        self._source, names = generate(self._fields)
        # A file name of its own, under which tracebacks and debuggers find the generated lines for as long as the mapping lives.
        filename = f"<integrakit mapping {self._version} at {id(self):x}>"
        exec(compile(self._source, filename, "exec"), names)  # holds no text of the mapping but repr()s of its names
        self._mapped: Callable[[Record], Any] = names["mapped"]
        self._maker = None if into is None else read_into(into, self._fields, name)
        if self._maker is not None:
            self._mapped = _making(names["mapped"], self._maker.make)
        linecache.cache[filename] = (len(self._source), None, self._source.splitlines(keepends=True), filename)
        weakref.finalize(self, linecache.cache.pop, filename, None)

    def _check_on_error(self, on_error: str | None, name: str, where: Where | None) -> str:
        if on_error is not None or "on_error" not in self._tree:
            return check_on_error("dead_letter" if on_error is None else on_error, name)
        return check_on_error(self._tree["on_error"], headed(name, where, ("on_error",)))

    @classmethod
    def load(cls, path: str | os.PathLike[str] | Resource, **options: Any) -> Self:
        """Reads a mapping from a ``.toml``, ``.json``, ``.yaml`` or ``.yml`` file, or a resource of a package; ``options`` as for `Mapping`.

        Raises `ConfigurationError` naming file, line and field.
        """
        loaded = read_mapping(path)
        folder = os.path.dirname(path) if isinstance(path, str | os.PathLike) else getattr(path, "parent", None)
        return cls(loaded.tree, **{"name": loaded.name, "where": loaded.where, "folder": folder, **options})

    @classmethod
    def loads(cls, text: str, *, format: str = "toml", name: str = "Mapping.loads(…)", **options: Any) -> Self:
        """As `load`, of a text in the ``format`` "toml", "json" or "yaml"."""
        loaded = read_text(text, format, name)
        return cls(loaded.tree, name=name, where=loaded.where, **options)

    @classmethod
    def suggest(
        cls,
        left_samples: Iterable[Any],
        right_samples: Iterable[Any],
        *,
        threshold: float | None = None,
        most_records: int = 1_000,
        excerpts: bool = False,
    ) -> Suggestion[Self]:
        """Proposes a mapping from samples of both sides, with a confidence and the evidence for each field. A person confirms it.

        The samples need not be of the same records. Proposals below the ``threshold`` (0 to 1) are doubtful, and not part of the mapping unless
        confirmed by name; None is 0.8. At most ``most_records`` of a side are read. ``excerpts``: the evidence may show values of the samples.
        """
        # Its vocabulary costs as much to import as everything else here, and is asked for by people at a desk.
        from integrakit.transform.suggesting import DEFAULT_THRESHOLD, suggest

        level = DEFAULT_THRESHOLD if threshold is None else threshold
        return suggest(left_samples, right_samples, build=cls, threshold=level, most_records=most_records, excerpts=excerpts)

    @staticmethod
    def schema() -> dict[str, Any]:
        """The format of mappings as a JSON schema (draft 2020-12), for editors."""
        return format_schema()

    def __call__(self, record: Record) -> Any:
        """The mapped record: a dict, or an instance of ``into``. The record is not changed.

        Raises `MappingError`, whose ``errors`` lists every bad field, and nothing else.
        """
        try:
            return self._mapped(record)
        except Exception:  # noqa: BLE001 - the fast pass only says that something is unusual; the careful pass finds out what
            return self._carefully(record)

    def noted(self, record: Record, nulled: list[FieldError]) -> Any:
        """As a call; the errors of fields that became null because they did not fit (``on_error = "null"``) are added to ``nulled``."""
        try:
            return self._mapped(record)
        except Exception:  # noqa: BLE001 - as in a call
            return self._carefully(record, nulled)

    def each(self, records: Iterable[Record]) -> MappedRecords:
        """The mapped records of an iterable, made as they are asked for; records that do not fit end as ``on_error`` says."""
        return MappedRecords(records, self.noted, self.on_error)

    def _carefully(self, record: Record, nulled: list[FieldError] | None = None) -> Any:
        careful = CarefulPass(self._words_of)
        result = careful.run(self._fields, record)
        if nulled is not None:
            nulled += careful.nulled
        errors = careful.errors
        if not errors:
            if self._maker is None:
                return result
            instance, errors = self._maker.told(result)
            if not errors:
                return instance
        found = len(errors) + careful.more
        lines = [f"{self._name}: {found} field{'s' * (found > 1)} of the record {'do' if found > 1 else 'does'} not fit:"]
        lines += [f"  {error}" for error in errors[:_SHOWN_ERRORS]]
        if found > _SHOWN_ERRORS:
            lines.append(f"  … and {found - _SHOWN_ERRORS} more")
        raise MappingError("\n".join(lines), errors=errors) from careful.cause

    def _words_of(self, field: Field) -> str:
        return field_words(field, say_null=self.on_error != "null")

    @property
    def version(self) -> str:
        """A hash of the mapping's content, 12 hex digits: the same for the same rules in any order. The code of ``functions`` is no part of it.

        Neither is ``doc``: a better description makes no record to be read again.
        """
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

    @property
    def name(self) -> str:
        """What messages call it: the name of its file, unless the program said another."""
        return self._name

    @property
    def doc(self) -> str:
        """The ``doc`` heading: what the mapping is for. Empty where it is not said."""
        return str(self._tree.get("doc", ""))

    def described(self) -> tuple[FieldRow, ...]:
        """Every target field, at any depth: its ``field``, ``type`` as far as it is known, ``sources``, ``rule`` in words, and ``doc``."""
        return tuple(rows(self._fields, say_null=self.on_error != "null"))

    def document(self, *, rows: int = 100) -> str:
        """The mapping as Markdown: every field with its source, rule and meaning, functions, lookups, and a mermaid picture.

        ``rows``: the most entries of a table to show. Raises `ConfigurationError` for another value.
        """
        return describe(
            self.described(),
            self._tree,
            version=self._version,
            on_error=self.on_error,
            functions=self._functions,
            lookups=self._shown_tables,
            most_rows=rows,
        )

    def _repr_markdown_(self) -> str:
        return self.document()

    def inverse(self) -> Mapping:
        """The mapping back: ``mapping.inverse()(mapping(record))`` is the record again, as far as the mapping reads it.

        Raises `ConfigurationError` naming the fields that have no way back.
        """
        return Mapping(invert(self._fields, self._tree, self._name), functions=self._functions, name=f"the inverse of {self._name}")

    def refreshed(self) -> Self:
        """A new mapping of the same rules, with every table read anew: CSV files, records, functions with nothing remembered.

        Raises what building it raises, and `ConfigurationError` where a source cannot be read again.
        """
        return type(self)(self._tree, **{**self._given, "lookups": self._tables.again(self._tree, self._name)})

    def diff(self, other: Mapping) -> MappingDiff:
        """What changes when ``other`` takes this one's place, in words."""
        if not isinstance(other, Mapping):
            raise ConfigurationError(f"diff(other) takes a Mapping, not {article(other)}")
        trees = ({**mapping._tree, "csv": dict(mapping._tables.digests)} for mapping in (self, other))
        return differ(*trees, versions=(self._version, other._version))

    def check(
        self,
        schema: Any,
        *,
        strict: bool = False,
        component: str | None = None,
        operation: str | None = None,
        records: Iterable[Record] | None = None,
    ) -> Findings:
        """Holds the mapping against what the target wants, before anything is written; `Findings` is false where nothing is wrong.

        ``schema``: a JSON Schema (draft 7 to 2020-12) or an OpenAPI or Swagger document, as a dict or as the path of a JSON, TOML or YAML file; or an
        attrs class. In OpenAPI ``component="Invoice"`` or ``operation="POST /invoices"`` says which schema is meant; else it is the one that is
        called like the mapping's target. Nothing is fetched. ``records``: samples, which are mapped and checked as well.

        ``strict``: raises `ConfigurationError` with all findings where one is an error. Raises it, too, for what is no schema.
        """
        into = self._maker.cls if self._maker is not None else None
        found = check_schema(
            self._fields,
            schema,
            mapping=self._name,
            target=self.target_name,
            into=into,
            component=component,
            operation=operation,
            records=records,
            mapped=self,
        )
        if strict:
            found.raise_()
        return found

    def coverage(self, records: Iterable[Record]) -> Coverage:
        """Reads all records and says what the mapping makes of them: source fields never used, missed lookups, nulls, types seen. Bounded memory."""
        return cover(self._fields, records, self._shown_tables)

    def __repr__(self) -> str:
        heading = f" {self.source_name or '?'} → {self.target_name or '?'}" if self.source_name or self.target_name else ""
        return f"<Mapping {self._name!r}{heading}, {len(self._fields)} field{'s' * (len(self._fields) != 1)}, version {self._version}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Generated code cannot be pickled; the tree can, and gives the same code.
        return _rebuild, (type(self), self._tree, self._given)


def _making(mapped: Callable[[Record], dict[str, Any]], make: Callable[[dict[str, Any]], Any]) -> Callable[[Record], Any]:
    return lambda record: make(mapped(record))


def _rebuild(cls: type[Mapping], tree: dict[str, Any], given: dict[str, Any]) -> Mapping:
    return cls(tree, **given)
