"""``to = "uuid"`` and ``to = "email"``: identifiers whose shape can be told without asking anybody."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from integrakit.transform.conversions.target_types import Given, Made, TargetType, choice
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["EMAIL", "UUID_TYPE"]

_HEX = "[0-9a-fA-F]"
# The forms of RFC 9562 (with and without urn:uuid:), Windows' braces, and 32 plain digits.
_HYPHENS = rf"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_UUID = re.compile(rf"(?:urn:uuid:)?({_HYPHENS})|\{{({_HYPHENS})\}}|({_HEX}{{32}})")
_LONGEST_UUID = 64

# RFC 5321 allows 254 characters in all, 64 before the @. Of what may stand before it, the quoted forms are left out: no business system takes them.
_LONGEST_EMAIL = 254
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")


def _make_uuid(given: Given) -> Made:
    write = given.get("write")

    def to_uuid(value: Any) -> Any:
        found = _uuid(value)
        if write is None:
            return found
        return str(found) if write == "text" else found.hex

    return Made(convert=to_uuid, gives="uuid" if write is None else "str")


def _uuid(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str):
        raise Misfit(f"{article(value)} is not a UUID: text such as 123e4567-e89b-12d3-a456-426614174000 is wanted")
    found = _UUID.fullmatch(value.strip()) if len(value) <= _LONGEST_UUID else None
    if found is None:
        raise Misfit(f"{excerpt(value)} is not a UUID: 32 hex digits, with hyphens as 8-4-4-4-12 or with none, are wanted")
    return UUID(hex=found[found.lastindex or 0])


def _make_email(given: Given) -> Made:
    return Made(convert=_to_email, gives="str")


def _to_email(value: Any) -> str:
    if not isinstance(value, str):
        raise Misfit(f"{article(value)} is not an e-mail address: text is wanted")
    text = value.strip() if len(value) <= 2 * _LONGEST_EMAIL else ""
    local, at, domain = text.partition("@")
    if not at or "@" in domain or len(text) > _LONGEST_EMAIL:
        raise Misfit(f"{excerpt(value)} is not an e-mail address: one @ and at most {_LONGEST_EMAIL} characters are wanted")
    if not _LOCAL.fullmatch(local) or not local.isprintable() or local.startswith(".") or local.endswith(".") or ".." in local:
        raise Misfit(f"{excerpt(value)} is not an e-mail address: before the @ stand 1 to 64 characters, without blanks, quotes or doubled dots")
    labels = domain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) and "_" not in label for label in labels) or labels[-1].isdecimal():
        raise Misfit(f"{excerpt(value)} is not an e-mail address: after the @ stands a domain with a dot, such as shop.example")
    return f"{local}@{domain.lower()}"


UUID_TYPE = TargetType({"write": choice("text", "hex")}, _make_uuid)
EMAIL = TargetType({}, _make_email)
