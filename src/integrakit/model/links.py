"""Reading the ``Link`` header (RFC 8288). Pure.

The HTTP libraries cut such headers at every comma and semicolon, which may stand in a URL too, and take ``rel="prev next"`` for one relation.
"""

from __future__ import annotations

import re

__all__ = ["parse_links"]

_VALUE = r'(?:"(?:\\.|[^"\\])*"|[^\s;,"]*)'
_PARAMETER = re.compile(rf";\s*(?P<name>[^\s=;,]+)\s*(?:=\s*(?P<value>{_VALUE}))?\s*")
_TARGET = re.compile(r"\s*,?\s*<(?P<url>[^<>]*)>\s*")


def parse_links(header: str | None) -> dict[str, str]:
    """Relation (in small letters) → URL as it was written, the first of each. Where the header stops making sense, nothing more is read."""
    links: dict[str, str] = {}
    position = 0
    while header and (target := _TARGET.match(header, position)) is not None:
        position = target.end()
        relation, elsewhere = None, False
        while (parameter := _PARAMETER.match(header, position)) is not None:
            position = parameter.end()
            name, value = parameter["name"].lower(), parameter["value"] or ""
            if name == "rel" and relation is None:
                relation = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
            elsewhere = elsewhere or name == "anchor"  # says something about another resource than this one
        for one in () if relation is None or elsewhere else relation.lower().split():
            links.setdefault(one, target["url"].strip())
    return links
