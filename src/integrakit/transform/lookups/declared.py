"""``[tables.name]`` of a mapping: where the rows are, and what their columns mean. Read and checked here; rows are the business of `rows`."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Any, NoReturn, Protocol

from attrs import frozen

from integrakit.transform.conversions import CONVERSIONS, Conversion
from integrakit.transform.lookups.csv_rows import CsvText
from integrakit.transform.lookups.keys import Keys
from integrakit.transform.options import read_conversion
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["TABLE_OPTIONS", "Declared", "RefuseAt", "declared"]

_CSV = ("encoding", "delimiter", "quote")
#: What may stand in ``[tables.name]``, and what it says; an editor's schema is made from it.
TABLE_OPTIONS = {
    "csv": "A CSV file in the folder of the mapping, or below it.",
    "rows": "The rows themselves: a list of tables. Without csv and rows the program gives them.",
    "encoding": "Of the CSV file; UTF-8 where it is not said.",
    "delimiter": "Between the cells of the CSV file; a comma where it is not said.",
    "quote": "Around cells of the CSV file; a double quote where it is not said.",
    "key": "The column by which entries are found, or a list of columns.",
    "value": "The column of what an entry stands for; a list of columns is an object of them; left out, the whole row.",
    "valid_from": "The column of the first day on which an entry holds.",
    "valid_to": "The column of the first day on which an entry holds no more.",
    "valid_through": "The column of the last day on which an entry holds; instead of valid_to.",
    "types": "Column → what its cells are made, as in to = …; cells are text otherwise.",
    "ignore_case": "True: upper and lower case are the same in keys.",
    "strip": "True: blanks around keys do not count.",
}
_MOST_PARTS = 16


class RefuseAt(Protocol):
    """Raises a `ConfigurationError` about an entry of the mapping: the path to it, and why."""

    def __call__(self, path: tuple[str | int, ...], why: str, cause: Exception | None = None, /) -> NoReturn: ...


@frozen(kw_only=True)
class Declared:
    """One declaration. ``value``: a column, several, or None for all. ``through``: `until` is the last day, not the first after."""

    name: str
    keys: Keys
    value: str | tuple[str, ...] | None
    since: str | None
    until: str | None
    through: bool
    types: dict[str, Conversion]
    csv: str | None
    text: CsvText
    rows: list[Any] | None

    @property
    def dated(self) -> bool:
        return self.since is not None or self.until is not None

    def columns(self) -> Iterable[tuple[str, str]]:
        """Every column that is spoken of, with the option that does so."""
        yield from (("key", column) for column in self.keys.columns)
        yield from (("value", column) for column in ((self.value,) if isinstance(self.value, str) else self.value or ()))
        yield from (("types", column) for column in self.types)
        if self.since is not None:
            yield "valid_from", self.since
        if self.until is not None:
            yield ("valid_through" if self.through else "valid_to"), self.until


def declared(name: str, tree: Any, refuse: RefuseAt) -> Declared:
    """Checks a declaration. Raises `ConfigurationError` through ``refuse``."""
    at: tuple[str | int, ...] = ("tables", name)
    if not isinstance(tree, dict):
        refuse(at, f"must be a table, not {spelled(tree)}")
    for option in tree:
        if option not in TABLE_OPTIONS:
            refuse((*at, option), f"unknown option {option!r}{did_you_mean(option, TABLE_OPTIONS)}{_plain_hint(tree, name)}")
    if "csv" in tree and "rows" in tree:
        refuse(at, "csv and rows exclude each other: a table's rows are in one place")
    for option in _CSV:
        if option in tree and "csv" not in tree:
            refuse((*at, option), f"{option} belongs to csv = …, which is missing")
    if "csv" in tree and not isinstance(tree["csv"], str):
        refuse((*at, "csv"), f"is the name of a file beside the mapping, not {spelled(tree['csv'])}")
    if "rows" in tree and not isinstance(tree["rows"], list):
        refuse((*at, "rows"), f"is a list of tables, not {spelled(tree['rows'])}")
    if "valid_to" in tree and "valid_through" in tree:
        refuse(at, "valid_to is the first day after, valid_through the last day: give one of them")
    if "key" not in tree:
        refuse(at, "key is missing: the column by which entries are found")
    key = _names(tree, "key", at, refuse)
    if len(key) > _MOST_PARTS:
        refuse((*at, "key"), f"has {len(key)} columns, and at most {_MOST_PARTS} can be")
    value: str | tuple[str, ...] | None = None
    if "value" in tree:
        value = tree["value"] if isinstance(tree["value"], str) else _names(tree, "value", at, refuse)
    flags = {option: tree.get(option, False) for option in ("ignore_case", "strip")}
    for option, said in flags.items():
        if not isinstance(said, bool):
            refuse((*at, option), f"is true or false, not {spelled(said)}")
    through = "valid_through" in tree
    return Declared(
        name=name,
        keys=Keys(key, len(key), **flags),
        value=value,
        since=_name(tree, "valid_from", at, refuse),
        until=_name(tree, "valid_through" if through else "valid_to", at, refuse),
        through=through,
        types=_types(tree, at, refuse),
        csv=tree.get("csv"),
        text=_text(tree, at, refuse),
        rows=tree.get("rows"),
    )


def _plain_hint(tree: dict[str, Any], name: str) -> str:
    """For who wrote a plain table under the wrong heading."""
    return "" if any(option in TABLE_OPTIONS for option in tree) else f" (a plain table of text and values is [lookups.{name}])"


def _name(tree: dict[str, Any], option: str, at: tuple[str | int, ...], refuse: RefuseAt) -> str | None:
    if option not in tree:
        return None
    if not isinstance(tree[option], str) or not tree[option]:
        refuse((*at, option), f"is the name of a column, not {spelled(tree[option])}")
    name: str = tree[option]
    return name


def _names(tree: dict[str, Any], option: str, at: tuple[str | int, ...], refuse: RefuseAt) -> tuple[str, ...]:
    content = tree[option]
    names = content if isinstance(content, list) else [content]
    if not names or not all(isinstance(name, str) and name for name in names):
        refuse((*at, option), f"is the name of a column, or a list of names, not {spelled(content)}")
    if len(set(names)) < len(names):
        refuse((*at, option), "names a column twice")
    return tuple(names)


def _types(tree: dict[str, Any], at: tuple[str | int, ...], refuse: RefuseAt) -> dict[str, Conversion]:
    content = tree.get("types", {})
    if not isinstance(content, dict):
        refuse((*at, "types"), f'is a table of column and type, such as {{ rate = "decimal" }}, not {spelled(content)}')
    types = {}
    for column, said in content.items():
        here = (*at, "types", column)

        def no(why: str, cause: Exception | None = None, option: str = "", *, here: tuple[str | int, ...] = here) -> NoReturn:
            refuse(here, why, cause)

        wanted = {"to": said} if isinstance(said, str) else said
        if not isinstance(wanted, dict) or "to" not in wanted:
            no(f'is a type, such as "decimal" or {{ to = "decimal", scale = 2 }}, not {spelled(said)}')
        conversion = read_conversion(wanted, wanted.get("float") == "shortest", no)
        assert conversion is not None
        known = ("to", *CONVERSIONS[conversion.to])
        for option, chosen in wanted.items():
            if option not in known:
                no(f"unknown option {option!r}{did_you_mean(option, known)}")
            if isinstance(chosen, dict) and option == "currency":
                no("the currency of a column is a code: only a rule can read it from elsewhere")
        types[column] = conversion
    return types


def _text(tree: dict[str, Any], at: tuple[str | int, ...], refuse: RefuseAt) -> CsvText:
    encoding, delimiter, quote = tree.get("encoding", "utf-8-sig"), tree.get("delimiter", ","), tree.get("quote", '"')
    for option, mark in (("delimiter", delimiter), ("quote", quote)):
        if not isinstance(mark, str) or len(mark) != 1 or mark in "\r\n\0":
            refuse((*at, option), f"is one character, not {spelled(mark)}")
    if delimiter == quote:
        refuse((*at, "delimiter"), f"delimiter and quote are both {quote!r}")
    try:
        if not isinstance(encoding, str):
            raise LookupError
        found = codecs.lookup(encoding).name
        "x".encode(encoding)  # hex and its like are no encodings of text
    except (LookupError, ValueError) as problem:
        refuse((*at, "encoding"), f'unknown encoding {spelled(encoding)}: a name such as "utf-8" or "cp1252" is wanted', problem)
    return CsvText("utf-8-sig" if found == "utf-8" else encoding, delimiter, quote)
