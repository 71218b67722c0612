"""What to say about the commonest first mistakes in a mapping: a constant where a path stands, a path through all items of a list, a dotted name.

Words only. Whether something is a mistake is for `parsing` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from integrakit.transform.synonyms import OPTIONS, meant
from integrakit.transform.wording import closest, quoted_text

__all__ = ["as_operand", "constant_hint", "dotted_hint", "every_item_hint"]

_LONGEST_NUMBER = 30
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*%?")
_EVERY = re.compile(r"\[\s*\*?\s*\]")
_LETTER = re.compile(r"[^\W_]")
#: Rules that walk over a list and have ``of``.
_WITH_OF = ("sum", "average", "min", "max", "residue", "first", "last", "values")


def constant_hint(text: str) -> str:
    """What to say where an operand is a text that nobody means as a path; else nothing."""
    if _NUMBER.fullmatch(text):
        said = f"a number is written without quotes, {_plain_number(text)}"
        return f"{quoted_text(text)} is a path here: {said} (a key that is digits: {_quoted(text)})"
    if text in (".", "$") or "[" in text or '"' in text or "'" in text:
        return ""
    if text == text.strip() and _LETTER.search(text):
        return ""
    return f"{quoted_text(text)} is a path here: a constant text is written {{ value = {quoted_text(text)} }} (a key of this name: {_quoted(text)})"


def _plain_number(text: str) -> str:
    number = text.lstrip("+").rstrip("%").replace(",", ".")
    if number.count(".") > 1 or len(number) > _LONGEST_NUMBER:
        return "12.5, for one"
    return f"{Decimal(number).scaleb(-2):f}" if text.endswith("%") else number


def _quoted(text: str) -> str:
    return f"'{quoted_text(text)}'"


def as_operand(path: str) -> str:
    """A path that may stand as an operand: quoted where it would be taken for a constant."""
    return ".".join(f'"{part}"' for part in path.split(".")) if constant_hint(path) else path


def every_item_hint(text: str, kind: str) -> str:
    """What to say about a path with ``[]`` in it; else nothing. ``kind``: the name that it stands at, where that is one of a rule."""
    found = list(_EVERY.finditer(text))
    if not found:
        return ""
    before, after = text[: found[-1].start()], text[found[-1].end() :].lstrip(".")
    items = quoted_text(before) if len(found) == 1 else f"{{ flatten = {quoted_text(_EVERY.sub('[]', before) + '[]')} }}"
    kind = kind if kind in (*_WITH_OF, "count") else ""
    of = f", of = {quoted_text(after)}" if after and kind != "count" else ""
    more = "" if kind else f"; for objects each = {items}, fields = {{ … }}"
    return f"a path names one place, and {found[0][0]} every item of a list: say {kind or 'values'} = {items}{of}{more}"


def dotted_hint(field: str, tree: Mapping[str, Any], known: Iterable[str]) -> str:
    """What to say about a field that is a table of nothing but unknown names, as ``customer.email = "x"`` in TOML makes it; else nothing."""
    known = list(known)
    if not tree or any(name in known or meant(name, OPTIONS) or closest(name, known) for name in tree):
        return ""
    name = next(iter(tree))
    if not isinstance(tree[name], str | dict):
        return ""
    key, inner = quoted_text(f"{field}.{name}"), name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted_text(name)
    return f": a key with a dot in it is quoted: {key} = …; an object is made by fields: {field} = {{ fields = {{ {inner} = … }} }}"
