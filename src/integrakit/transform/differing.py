"""What two mappings differ in, in words: for the person who is asked whether the new one may take the place of the old.

It compares the trees, since that is what people wrote and what the version is a hash of. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from attrs import frozen

from integrakit.transform.wording import spelled

__all__ = ["Difference", "MappingDiff", "differ"]

Kind: TypeAlias = Literal["added", "removed", "changed"]

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_MOST_ENTRIES = 10
# Entries of a rule that hold the fields of an object, whose differences are told one by one.
_INNER = "fields"
# Beside it, these make an object for each item of a list.
_LISTS = ("each", "group", "flatten")


@frozen
class Difference:
    """One field, table or heading. ``place``: ``total``, ``lines[].sku``, ``lookup payment_status``. ``words``: what is, or was, or became what."""

    place: str
    kind: Kind
    words: str

    def __str__(self) -> str:
        return f"{_SIGNS[self.kind]} {self.place}: {self.words}"


@frozen
class MappingDiff:
    """All differences. False where there is none: then both give the same for every record, but for functions and tables of the application."""

    before: str
    after: str
    differences: tuple[Difference, ...]

    def __bool__(self) -> bool:
        return bool(self.differences)

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.differences)

    def __len__(self) -> int:
        return len(self.differences)

    def __str__(self) -> str:
        if not self.differences:
            same = self.before == self.after
            return f"no difference: both are version {self.before}" if same else f"no difference in the rules from {self.before} to {self.after}"
        count = len(self.differences)
        return "\n".join([f"{count} difference{'s' * (count > 1)} from version {self.before} to {self.after}:", *map(str, self.differences)])


def differ(before: Mapping[str, Any], after: Mapping[str, Any], *, versions: tuple[str, str]) -> MappingDiff:
    """The differences of two plain trees. ``csv`` beside their headings: table → a hash of the file it is read from."""
    found: list[Difference] = []
    for heading in dict.fromkeys([*before, *after]):
        if heading in ("fields", "lookups", "tables", "csv"):
            continue
        found += _entry(heading, before, after)
    found += _fields("", before.get("fields", {}), after.get("fields", {}))
    for section, word in (("lookups", "lookup"), ("tables", "table")):
        old, new = before.get(section, {}), after.get(section, {})
        for name in dict.fromkeys([*old, *new]):
            found += _table(f"{word} {name}", old.get(name), new.get(name))
    old, new = before.get("csv", {}), after.get("csv", {})
    found += [Difference(f"table {name}", "changed", "its CSV file holds something else") for name in old if name in new and old[name] != new[name]]
    return MappingDiff(*versions, tuple(found))


def _entry(place: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    if place not in after:
        yield Difference(place, "removed", f"was {_words(before[place])}")
    elif place not in before:
        yield Difference(place, "added", _words(after[place]))
    elif not _same(before[place], after[place]):
        yield Difference(place, "changed", f"{_words(before[place])} → {_words(after[place])}")


def _fields(place: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*before, *after]):
        here = f"{place}{name}"
        if name not in after:
            yield Difference(here, "removed", f"was {_rule(before[name])}")
        elif name not in before:
            yield Difference(here, "added", _rule(after[name]))
        elif not _same(before[name], after[name]):
            yield from _changed(here, _as_table(before[name]), _as_table(after[name]))


def _changed(place: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    """One field that both have: what it is made of, and then the fields inside it."""
    inside = _INNER in before and _INNER in after and all(isinstance(rule[_INNER], Mapping) for rule in (before, after))
    words = []
    for option in dict.fromkeys([*before, *after]):
        if option == _INNER and inside:
            continue
        if option not in after:
            words.append(f"no {option} (was {_words(before[option])})")
        elif option not in before:
            words.append(f"{option} {_words(after[option])} added")
        elif not _same(before[option], after[option]):
            words.append(f"{option} {_words(before[option])} → {_words(after[option])}")
    if words:
        yield Difference(place, "changed", "; ".join(words))
    if inside:
        many = any(kind in rule for kind in _LISTS for rule in (before, after))
        yield from _fields(f"{place}[]." if many else f"{place}.", before[_INNER], after[_INNER])


def _table(place: str, before: Any, after: Any) -> Iterator[Difference]:
    if after is None:
        yield Difference(place, "removed", f"was {_entries(before)}")
    elif before is None:
        yield Difference(place, "added", _entries(after))
    elif not _same(before, after):
        words = []
        for difference in (each for key in dict.fromkeys([*before, *after]) for each in _entry(key, before, after)):
            words.append(f"{difference.place!r} " + (f"added: {difference.words}" if difference.kind == "added" else difference.words))
        more = len(words) - _MOST_ENTRIES
        yield Difference(place, "changed", "; ".join(words[:_MOST_ENTRIES]) + (f"; … and {more} more" if more > 0 else ""))


def _same(before: Any, after: Any) -> bool:
    """Equal as the version sees it: True is not 1, and 1.0 is not 1.00."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    return type(before) is type(after) and (before == after and str(before) == str(after))


def _as_table(rule: Any) -> dict[str, Any]:
    return {"from": rule} if isinstance(rule, str) else dict(rule)


def _rule(rule: Any) -> str:
    if isinstance(rule, str):
        return f"from {_words(rule)}"
    return ", ".join(f"{option} {_words(value)}" for option, value in rule.items())


def _entries(table: Mapping[str, Any]) -> str:
    return f"{len(table)} entr{'y' if len(table) == 1 else 'ies'}"


def _words(value: Any) -> str:
    """A value as a mapping spells it, short."""
    if isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key} = {_words(item)}" for key, item in list(value.items())[:_MOST_ENTRIES]) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(_words(item) for item in value[:_MOST_ENTRIES]) + "]"
    else:
        return spelled(value)
    return text if len(text) <= 200 else text[:199] + "…"
