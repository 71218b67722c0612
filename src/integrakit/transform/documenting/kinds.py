"""The type of what a rule gives, in a word or two for people: as far as the rule alone tells, and empty where it does not.

Nothing is refused on the strength of this. What a path finds is not known, and neither is what a function of the application returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any

from integrakit.transform.cleaning import BUILT_IN
from integrakit.transform.lookups import Lookup
from integrakit.transform.nodes.arithmetic import Arithmetic
from integrakit.transform.nodes.collecting import Flatten, Values
from integrakit.transform.nodes.conditions import Cases
from integrakit.transform.nodes.lists import Pick, Total
from integrakit.transform.nodes.objects import Each, Nested
from integrakit.transform.nodes.shares import Position, Share
from integrakit.transform.nodes.text import Concat, Join, Split
from integrakit.transform.nodes.values import Coalesce, Gathered
from integrakit.transform.rules import Constant, Node, Rule

__all__ = ["gives"]

# A table of a million entries is not read for a word.
_MOST_ENTRIES = 1_000
_MOST_WORDS = 4
# Built-in functions that hand on what is no text.
_ANY = ("blank_to_null", "nan_to_null")
_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (Decimal, "decimal"),
    (str, "str"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (dict, "object"),
    (list, "list"),
)


def gives(rule: Rule) -> str:
    """``decimal``, ``list of str``, ``int or str``; empty where it cannot be told."""
    if rule.conversion is not None and (rule.conversion.gives or rule.conversion.to):
        found = rule.conversion.gives or rule.conversion.to
    elif rule.lookup is not None:
        found = _looked_up(rule.lookup)
    else:
        found = _node(rule.node)
        for step in rule.apply:
            found = found if step.name in _ANY or (step.name not in BUILT_IN and step.name.startswith("null for ")) else _applied(step.name)
    if rule.default is None or rule.default.value is None:
        return found
    return _either([found, _of(rule.default.value)])


def _applied(name: str) -> str:
    return "str" if name in BUILT_IN else ""


def _either(names: Iterable[str]) -> str:
    """One of these; nothing where one of them is not known. Null is said by the rule."""
    found = [name for name in dict.fromkeys(names) if name != "null"]
    return " or ".join(sorted(found)) if all(found) and len(found) <= _MOST_WORDS else ""


def _list_of(name: str) -> str:
    return f"list of {name}" if name and " or " not in name else "list"


def _of(value: Any) -> str:
    return "null" if value is None else next((name for kind, name in _NAMES if isinstance(value, kind)), "")


def _looked_up(lookup: Lookup) -> str:
    entries = lookup.table.entries()
    if entries is None:
        return ""
    names = [_of(entry.value) for entry in islice(entries, _MOST_ENTRIES)]
    if next(entries, None) is not None:
        return ""
    if isinstance(lookup.otherwise, Rule):
        names.append(gives(lookup.otherwise))
    elif isinstance(lookup.otherwise, Constant):
        names.append(_of(lookup.otherwise.value))
    elif lookup.otherwise == "keep":
        names.append("")
    return _either(names)


def _node(node: Node) -> str:
    found = ""
    if isinstance(node, Constant):
        found = _of(node.value)
    elif isinstance(node, Nested):
        found = "object"
    elif isinstance(node, Each):
        found = "list of objects"
    elif isinstance(node, Arithmetic):
        found = "decimal"
    elif isinstance(node, Concat | Join):
        found = "str"
    elif isinstance(node, Split):
        found = "list of str" if node.index is None else "str"
    elif isinstance(node, Position):
        found = "int"
    elif isinstance(node, Cases | Coalesce):
        found = _either(map(gives, node.of))
    else:
        found = _listed(node)
    return found


def _listed(node: Node) -> str:
    found = ""
    if isinstance(node, Total):
        # Without a conversion the smallest of days is a day, and of anything else a number.
        found = "decimal" if node.name not in ("min", "max") else gives(node.of) if node.of.conversion is not None else ""
    elif isinstance(node, Pick):
        found = "int" if node.name == "count" else gives(node.of)
    elif isinstance(node, Values):
        found = _list_of(gives(node.of))
    elif isinstance(node, Flatten):
        found = "list"
    elif isinstance(node, Gathered):
        found = _list_of(_either(map(gives, node.of)))
    elif isinstance(node, Share):
        amount = gives(node.amount)
        found = "decimal" if amount == "int" else amount if amount in ("decimal", "money") else ""
    return found
