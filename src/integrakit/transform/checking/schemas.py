"""A JSON Schema as a document: its references followed, its parts handed out one by one. Nothing is fetched; a document may be as odd as it likes.

What the keywords mean for a value is the business of `comparing`. Drafts 7 to 2020-12, and the schemas of OpenAPI and Swagger
(https://json-schema.org/specification, https://spec.openapis.org/oas/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote

from integrakit.errors import ConfigurationError
from integrakit.transform.misfit import excerpt
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["NEVER", "Document", "Part"]

T = TypeVar("T")
R = TypeVar("R")

#: One part of a schema: what stands in it itself, its references and `allOf` being parts of their own.
Part = Mapping[str, Any]
#: The part that no value fits: the schema ``false``.
NEVER: Part = {"not": {}}

# Far more than a schema of a vendor with thousands of objects has.
_MOST_NODES = 2_000_000
_MOST_PARTS = 2_000
# Where schemas stand beside each other or inside, for a look at which names are known.
_BESIDE = ("anyOf", "oneOf", "allOf", "if", "then", "else")


class Document:
    """A schema, or a document with schemas in it. ``name`` stands in messages."""

    def __init__(self, root: Any, name: str) -> None:
        self.root = root
        self.name = name
        self._named: dict[str, Any] | None = None
        self._followed: dict[str, Any] = {}
        self._remembered: dict[int, Any] = {}

    def refuse(self, why: str) -> NoReturn:
        raise ConfigurationError(f"{self.name}: {why}")

    # ---------------------------------------------------------------- parts

    def parts(self, schemas: Iterable[Any]) -> tuple[Part, ...]:
        """All that a value has to fit, flat: the schemas, what they refer to, and what is in their ``allOf``."""
        found: list[Part] = []
        seen: set[int] = set()
        waiting = list(schemas)[::-1]
        while waiting:
            schema = waiting.pop()
            if schema is True:
                continue
            if schema is False:
                return (NEVER,)
            if not isinstance(schema, Mapping):
                self.refuse(f"a schema is an object, true or false, not {spelled(schema)}")
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            if len(seen) > _MOST_PARTS:
                self.refuse(f"a schema of more than {_MOST_PARTS} parts in $ref and allOf is too large to be checked")
            found.append(schema)
            waiting += self.several(schema, "allOf")[::-1]
            if "$ref" in schema:
                waiting.append(self.follow(schema["$ref"]))
        return tuple(found)

    def several(self, part: Part, keyword: str) -> Sequence[Any]:
        """The schemas of ``allOf`` and its like; none where it is not there."""
        value = part.get(keyword, ())
        if not isinstance(value, list | tuple):
            self.refuse(f"{keyword} is a list of schemas, not {spelled(value)}")
        return value

    def table(self, part: Part, keyword: str) -> Mapping[str, Any]:
        """``properties`` and its like; empty where it is not there."""
        value = part.get(keyword, {})
        if not isinstance(value, Mapping):
            self.refuse(f"{keyword} is an object, not {spelled(value)}")
        return value

    def names(self, part: Part, keyword: str) -> Sequence[str]:
        """``required``: a list of names; as draft 3 had it, true or false in the property itself, it says nothing."""
        value = part.get(keyword, ())
        if isinstance(value, bool):
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
            self.refuse(f"{keyword} is a list of names, not {spelled(value)}")
        return value

    def types(self, part: Part) -> frozenset[str] | None:
        """The types it takes, or None where it does not say."""
        value = part.get("type")
        if value is None:
            return None
        listed = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(name, str) for name in listed):
            self.refuse(f"type is a name or a list of names, not {spelled(value)}")
        known = ("string", "integer", "number", "boolean", "object", "array", "null")
        for name in listed:
            if name not in known:
                self.refuse(f"unknown type {excerpt(name)}{did_you_mean(name, known)}")
        return frozenset(listed)

    def remembered(self, value: T, make: Callable[[T], R]) -> R:
        """What ``make`` makes of a value of the document, made once: an enum may be long, and is asked for each value."""
        if id(value) not in self._remembered:
            self._remembered[id(value)] = make(value)
        found: R = self._remembered[id(value)]
        return found

    def known_names(self, parts: Iterable[Part]) -> tuple[str, ...]:
        """Every name of a property that any of them speaks of, whatever else has to hold for it."""
        names: dict[str, None] = {}
        seen: set[int] = set()
        waiting: list[Any] = list(parts)
        while waiting and len(seen) < _MOST_PARTS:
            part = waiting.pop()
            if not isinstance(part, Mapping) or id(part) in seen:
                continue
            seen.add(id(part))
            names.update((name, None) for name in self.table(part, "properties"))
            for keyword in _BESIDE:
                value = part.get(keyword, ())
                waiting += value if isinstance(value, list | tuple) else [value]
            waiting += self.table(part, "dependentSchemas").values()
            if "$ref" in part:
                waiting.append(self.follow(part["$ref"]))
        return tuple(names)

    # ---------------------------------------------------------------- references

    def follow(self, reference: Any) -> Any:
        """What ``$ref`` refers to, in this document. Raises `ConfigurationError` for what is elsewhere, or nowhere."""
        if not isinstance(reference, str):
            self.refuse(f"$ref is text, not {spelled(reference)}")
        if reference not in self._followed:
            self._followed[reference] = self._found(reference)
        return self._followed[reference]

    def _found(self, reference: str) -> Any:
        address, _, fragment = reference.partition("#")
        start = self.root
        if address:
            start = self._names_of_parts().get(address.rstrip("#"))
            if start is None:
                why = "nothing is fetched: give one document with everything in it"
                self.refuse(f"$ref {excerpt(reference)} refers to another document, and {why}")
        if fragment and not fragment.startswith("/"):
            start = self._names_of_parts().get(f"#{fragment}")
            if start is None:
                self.refuse(f"$ref {excerpt(reference)}: there is no such anchor")
            return start
        return self._at(start, fragment, reference)

    def _at(self, start: Any, pointer: str, reference: str) -> Any:
        for step in pointer.split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(start, Mapping) and name in start:
                start = start[name]
            elif isinstance(start, list | tuple) and name.isascii() and name.isdigit() and len(name) < 7 and int(name) < len(start):
                start = start[int(name)]
            else:
                there = [key for key in start if isinstance(key, str)] if isinstance(start, Mapping) else []
                self.refuse(f"$ref {excerpt(reference)}: there is no {excerpt(name)}{did_you_mean(name, there)}")
        return start

    def _names_of_parts(self) -> dict[str, Any]:
        """What has a name of its own: ``$id`` and ``$anchor``."""
        if self._named is None:
            self._named = {}
            waiting, seen = [self.root], 0
            while waiting and seen < _MOST_NODES:
                node = waiting.pop()
                seen += 1
                if isinstance(node, Mapping):
                    for keyword, mark in (("$id", ""), ("id", ""), ("$anchor", "#")):
                        if isinstance(name := node.get(keyword), str) and name:
                            self._named.setdefault(mark + name, node)
                    waiting += node.values()
                elif isinstance(node, list | tuple):
                    waiting += node
        return self._named
