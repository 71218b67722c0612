"""From single rules to the tree of a mapping, and from the tree to TOML with the evidence beside each rule.

Only form: which rules there are is decided elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

from attrs import frozen

from integrakit.transform.paths import render
from integrakit.transform.suggesting.columns import Group

__all__ = ["Placed", "assemble", "comment", "inline", "write_toml"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 140


@frozen
class Placed:
    """A rule and where it stands: the lists around it on either side (with whether the left one may be missing), and the keys of the target."""

    left: Group
    right: Group
    keys: tuple[str, ...]
    rule: Any
    lookup: dict[str, Any] | None = None
    optional: tuple[bool, ...] = ()


def assemble(rules: Iterable[Placed]) -> dict[str, Any]:
    """The tree for `Mapping`. Where two rules want the same place, the first has it."""
    fields: dict[str, Any] = {}
    lookups: dict[str, dict[str, Any]] = {}
    for placed in rules:
        into: dict[str, Any] | None = fields
        for index, (ours, theirs) in enumerate(zip(placed.left, placed.right, strict=True)):
            into = _descend(into, theirs[:-1])
            if into is None:
                break
            node = into.setdefault(theirs[-1], {"each": render(ours), "fields": {}})
            if placed.optional[index : index + 1] == (True,) and isinstance(node, dict):
                node["optional"] = True
            into = node["fields"] if isinstance(node, dict) and "each" in node else None
        into = _descend(into, placed.keys[:-1])
        if into is None or placed.keys[-1] in into:
            continue
        into[placed.keys[-1]] = _with_lookup(placed, lookups)
    return {"fields": fields, "lookups": lookups} if lookups else {"fields": fields}


def _descend(into: dict[str, Any] | None, keys: tuple[str, ...]) -> dict[str, Any] | None:
    for key in keys:
        if into is None:
            return None
        node = into.setdefault(key, {"fields": {}})
        into = node["fields"] if isinstance(node, dict) and set(node) == {"fields"} else None
    return into


def _with_lookup(placed: Placed, lookups: dict[str, dict[str, Any]]) -> Any:
    if placed.lookup is None:
        return placed.rule
    name = wanted = placed.rule["lookup"]
    number = 2
    while name in lookups and lookups[name] != placed.lookup:
        name, number = f"{wanted}_{number}", number + 1
    lookups[name] = placed.lookup
    return {**placed.rule, "lookup": name}


# -------------------------------------------------------------------------------------------------- TOML


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's as well, but for DEL and lone surrogates, which TOML cannot hold.
    written = json.dumps(text.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False)
    return written.replace("\x7f", "\\u007f")


def inline(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {inline(item)}" for key, item in value.items()) + " }"
    return "[" + ", ".join(inline(item) for item in value) + "]"


def comment(text: str, *, mark: str = "# ") -> list[str]:
    """Lines of comment, none of which can become anything else."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode("utf-8")).split())
    words, lines = flat.split(" "), [""]
    for word in words:
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return [mark + line for line in lines]


def write_toml(tree: Mapping[str, Any], remarks: Mapping[tuple[str, ...], str], heading: Iterable[str] = ()) -> str:
    """The tree as TOML. ``remarks`` stand above the rule at their place: the keys of the tree from the top."""
    lines = [*heading]
    lines += _table(("fields",), tree["fields"], remarks, {})
    for name, table in tree.get("lookups", {}).items():
        lines += ["", f"[lookups.{_key(name)}]", *(f"{_key(key)} = {inline(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _table(at: tuple[str, ...], fields: Mapping[str, Any], remarks: Mapping[tuple[str, ...], str], own: Mapping[str, Any]) -> list[str]:
    """One table of fields; fields that hold fields follow as tables of their own."""
    lines = [""]
    if own:
        lines += [f"[{'.'.join(map(_key, at[:-1]))}]", *(f"{_key(key)} = {inline(value)}" for key, value in own.items()), ""]
    lines.append(f"[{'.'.join(map(_key, at))}]")
    nested: list[str] = []
    for name, rule in fields.items():
        here = (*at, name)
        if isinstance(rule, dict) and "fields" in rule:
            nested += _table((*here, "fields"), rule["fields"], remarks, {key: value for key, value in rule.items() if key != "fields"})
            continue
        if here in remarks:
            lines += comment(remarks[here])
        lines.append(f"{_key(name)} = {inline(rule)}")
    return [*lines, *nested]
