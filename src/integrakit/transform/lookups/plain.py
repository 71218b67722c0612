"""A table whose entries hold always: key → value. What stands in the mapping, what the program gives as a dict, and rows without dates."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import date
from typing import Any, NoReturn

from attrs import field, frozen

from integrakit.transform.lookups.copying import copied, shareable
from integrakit.transform.lookups.keys import Keys, key_text
from integrakit.transform.lookups.lookup import Entry
from integrakit.transform.misfit import Misfit, excerpt
from integrakit.transform.wording import did_you_mean, spelled
from integrakit.unset import UNSET

__all__ = ["PlainTable", "column_of", "dict_table", "plain_tables", "shown_key"]


@frozen(eq=False)
class PlainTable:
    """``found``: key, as `keys` makes it, → value. ``spellings``: the key as the table spells it, where that is not the key itself."""

    found: dict[Any, Any]
    keys: Keys = field(factory=Keys)
    origin: str = "this mapping"
    columns: tuple[str, ...] = ()
    spellings: dict[Any, Any] = field(factory=dict)
    gives: str = ""
    dated: bool | None = False
    _shared: bool = field(init=False)
    plain: Mapping[str, Any] | None = field(init=False)

    @_shared.default  # pyright: ignore[reportAttributeAccessIssue]  # attrs takes it for an attribute while the class is made
    def _all_shareable(self) -> bool:
        return not self.columns and all(map(shareable, self.found.values()))

    @plain.default  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]  # as above
    def _as_dict(self) -> Mapping[str, Any] | None:
        if not self._shared or self.keys.parts > 1:
            return None
        # With the table's own spellings: records mostly have the same.
        return {**self.found, **{spelt: self.found[key] for key, spelt in self.spellings.items()}} if self.spellings else self.found

    def find(self, value: Any, day: date | None) -> Any:
        value = self.found.get(self.keys.of(value), UNSET)
        return value if self._shared else copied(value)

    def identify(self, value: Any, day: date | None) -> Any:
        return (self.keys.of(value), None)

    def entries(self) -> Iterator[Entry]:
        for key, value in self.found.items():
            yield Entry(self.spellings.get(key, key), value, identity=(key, None))

    def taking(self, column: str) -> PlainTable:
        found = {key: column_of(value, column, self.columns, key) for key, value in self.found.items()}
        return PlainTable(found, self.keys, self.origin, (), self.spellings, column)


def column_of(value: Any, column: str, columns: tuple[str, ...], key: Hashable) -> Any:
    """One column of an entry. Raises `Misfit`."""
    if column not in columns:
        raise Misfit(f"has no column {spelled(column)}{did_you_mean(column, columns)}" if columns else "gives one value for each key, and no columns")
    if column not in value:
        raise Misfit(f"the entry of {shown_key(key)} has no column {spelled(column)}")
    return value[column]


def shown_key(key: Any) -> str:
    return f"[{', '.join(map(excerpt, key))}]" if isinstance(key, tuple) else excerpt(key)


def plain_tables(tree: Any, refuse: Callable[[tuple[str | int, ...], str], NoReturn]) -> dict[str, dict[str, Any]]:
    """The tables of ``[lookups]``, checked. ``refuse(place, why)`` raises the error of a mistake."""
    if not isinstance(tree, dict):
        refuse(("lookups",), f"must be a table, not {spelled(tree)}")
    for lookup, table in tree.items():
        if not isinstance(table, dict):
            refuse(("lookups", lookup), f"must be a table, not {spelled(table)}")
        for key, value in table.items():
            if isinstance(value, list | dict):
                why = f"stands for one value, not {spelled(value)}: what has several columns is a table of its own, [tables.{lookup}]"
                refuse(("lookups", lookup, key), why)
    tables: dict[str, dict[str, Any]] = tree
    return tables


def dict_table(given: Mapping[Any, Any], origin: str) -> PlainTable:
    """A dict of the program's. A key may be a tuple, for several values. Raises `Misfit` for what cannot be a key."""
    found: dict[Any, Any] = {}
    parts = 0
    for key, value in dict(given).items():
        if isinstance(key, tuple) and len(key) > 1:
            text: Any = tuple(map(key_text, key))
        else:
            text = key_text(key[0] if isinstance(key, tuple) and key else key)
        many = len(text) if isinstance(text, tuple) else 1
        parts = parts or many
        if many != parts:
            raise Misfit(f"the key {shown_key(text)} has {many} part{'s' * (many > 1)}, and others have {parts}")
        if text in found:
            raise Misfit(f"the key {shown_key(text)} is there twice, as text and as something else")
        if value is UNSET:
            raise Misfit(f"the key {shown_key(text)} stands for UNSET, which is no value: leave it out, or say None for null")
        found[text] = copied(value)
    return PlainTable(found, Keys(parts=parts or 1), origin)
