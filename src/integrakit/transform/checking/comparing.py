"""What a mapping gives, held against what a JSON Schema wants, place by place.

Objects, lists and alternatives are walked through here; what a single value may be is in `scalars`. What a schema says by keywords that are not known
here (``not``, ``if``, ``dependentRequired``, ``minItems`` …) is not looked at: no finding does not mean that every record will be taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrakit.transform.checking.findings import Finding
from integrakit.transform.checking.given import Given, Way
from integrakit.transform.checking.problems import Problem, settled
from integrakit.transform.checking.scalars import scalar_problems, type_problem
from integrakit.transform.checking.schemas import NEVER, Document, Part
from integrakit.transform.checking.text_patterns import matches
from integrakit.transform.paths import render
from integrakit.transform.wording import did_you_mean
from integrakit.unset import UNSET

__all__ = ["Comparison"]

# Alternatives inside alternatives, lists and objects inside each other, all told.
_DEEPEST = 60
_MOST_STEPS = 400_000
_SHOWN = 4


class Comparison:
    """One mapping against one document: call `findings` once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._known: dict[tuple[Any, ...], list[Problem]] = {}
        self._parts: dict[tuple[int, ...], tuple[Part, ...]] = {}
        self._steps = 0
        self._depth = 0

    def findings(self, given: Given, schema: Any) -> tuple[Finding, ...]:
        """Everything that is wrong. Raises `ConfigurationError` for a schema that is none."""
        try:
            return settled(self._value(given, [schema], ""))
        except RecursionError:
            self._document.refuse("the schema is nested too deeply to be checked")

    # ---------------------------------------------------------------- any value

    def _split(self, schemas: Sequence[Any]) -> tuple[Part, ...]:
        key = tuple(map(id, schemas))
        if key not in self._parts:
            self._parts[key] = self._document.parts(schemas)
        return self._parts[key]

    def _value(self, given: Given, schemas: Sequence[Any], place: str) -> list[Problem]:
        parts = self._split(schemas)
        if NEVER in parts:
            return [Problem(place, "error", "the schema takes no value here")]
        if any(part.get("readOnly") is True for part in parts):
            return [Problem(place, "error", "is readOnly in the schema: the target sets it, and refuses or ignores what is written")]
        found: list[Problem] = []
        if given.null and not self._takes_null(parts):
            if given.always_null:
                found.append(Problem(place, "error", "is always null, and the schema does not take null"))
            else:
                why = "may be null, and the schema does not take null: say default = … or nullable = false"
                found.append(Problem(place, "warning", why))
        for way in given.ways:
            found += self._way(way, schemas, place, True)
        return found

    def _takes_null(self, parts: Sequence[Part], seen: frozenset[int] = frozenset()) -> bool:
        for part in parts:
            if part.get("nullable") is True or part.get("x-nullable") is True or id(part) in seen:
                continue
            types = self._document.types(part)
            listed = part.get("enum")
            if types is not None and "null" not in types:
                return False
            if (isinstance(listed, list | tuple) and None not in listed) or part.get("const", UNSET) not in (UNSET, None):
                return False
            for keyword in ("anyOf", "oneOf"):
                branches = self._document.several(part, keyword)
                if branches and not any(self._takes_null(self._split([branch]), seen | {id(part)}) for branch in branches):
                    return False
        return NEVER not in parts

    def _way(self, way: Way, schemas: Sequence[Any], place: str, top: bool) -> list[Problem]:
        """What is wrong with one way a value may look. ``top``: not one alternative of several."""
        if not way.kind:
            return []
        key = (id(way), tuple(map(id, schemas)), place, top)
        if key in self._known:
            return self._known[key]
        self._known[key] = []  # a schema that leads back to itself adds nothing
        self._steps += 1
        self._depth += 1
        if self._steps > _MOST_STEPS or self._depth > _DEEPEST:
            self._document.refuse(
                "the schema is nested too deeply to be checked" if self._depth > _DEEPEST else "the schema is too large to be checked"
            )
        found = self._looked_at(way, self._split(schemas), place, top)
        self._depth -= 1
        self._known[key] = found
        return found

    def _looked_at(self, way: Way, parts: tuple[Part, ...], place: str, top: bool) -> list[Problem]:
        if NEVER in parts:
            return [Problem(place, "error", "the schema takes no value here")]
        if not way.json:
            why = "is a duration, which JSON has no form for: say write = … beside to"
            return [Problem(place, "error", why)]
        found: list[Problem] = []
        fitting = []
        for part in parts:
            types = self._document.types(part)
            problem = None if types is None else type_problem(way, types, place)
            if problem is not None:
                found.append(problem)
            if problem is None or problem.severity != "error":
                fitting.append(part)
                found += scalar_problems(way, part, place, self._document)
                found += self._alternatives(way, part, place)
        if way.json == "object" and way.fields is not None:
            found += self._object(way.fields, tuple(fitting), place, top)
        elif way.json == "array" and way.items is not None:
            found += self._items(way.items, fitting, place)
        return found

    def _alternatives(self, way: Way, part: Part, place: str) -> list[Problem]:
        found: list[Problem] = []
        for keyword in ("anyOf", "oneOf"):
            branches = self._document.several(part, keyword)
            if not branches:
                continue
            tried = [self._way(way, [branch], place, False) for branch in branches]
            errors = [sum(problem.severity == "error" for problem in each) for each in tried]
            best = min(range(len(tried)), key=lambda index: (errors[index], len(tried[index])))
            if not errors[best] or len(branches) == 1:
                found += tried[best]
            elif way.fields is not None and any(problem.place != place for problem in tried[best]):
                note = f" (in the alternative that fits best, number {best + 1} of {len(branches)})"
                found += [problem.with_words(problem.words + note) for problem in tried[best]]
            else:
                wants = dict.fromkeys(problem.wants for each in tried for problem in each if problem.wants)
                listed = " or ".join([*wants][:_SHOWN]) + " or …" * (len(wants) > _SHOWN)
                found.append(Problem.of(way, place, listed or "has no alternative that takes it"))
        return found

    # ---------------------------------------------------------------- objects and lists

    def _object(self, fields: Mapping[str, Given], parts: tuple[Part, ...], place: str, top: bool) -> list[Problem]:
        known = self._document.known_names(parts)
        found: list[Problem] = []
        for name, given in fields.items():
            here = _below(place, name)
            schemas, closed, vague = self._of_property(name, parts, known)
            if closed:
                words = f"is not in the schema, which takes no other property{_meant(name, known, fields)}"
                found.append(Problem(here, "error", words))
            elif schemas:
                found += self._value(given, schemas, here)
            elif top and known and not vague and name not in known:
                found.append(Problem(here, "warning", f"is not in the schema{_meant(name, known, fields)}"))
        return found + self._required(fields, parts, known, place)

    def _of_property(self, name: str, parts: Sequence[Part], known: Sequence[str]) -> tuple[list[Any], bool, bool]:
        """The schemas that a property has to fit; whether it may not be there at all; whether that cannot be told."""
        schemas: list[Any] = []
        vague = False
        for part in parts:
            properties = self._document.table(part, "properties")
            patterns = [(matches(pattern, name), each) for pattern, each in self._document.table(part, "patternProperties").items()]
            vague = vague or any(fits is None for fits, _ in patterns)
            own = [properties[name]] if name in properties else []
            own += [each for fits, each in patterns if fits]
            schemas += own
            if own or vague:
                continue
            other = part.get("additionalProperties", UNSET)
            if other is False or (part.get("unevaluatedProperties") is False and name not in known):
                return [], True, False
            if isinstance(other, Mapping) or other is True:
                schemas.append(other)
        return schemas, False, vague

    def _required(self, fields: Mapping[str, Given], parts: Sequence[Part], known: Sequence[str], place: str) -> list[Problem]:
        found = []
        for name in dict.fromkeys(name for part in parts for name in self._document.names(part, "required")):
            given = fields.get(name)
            if given is not None and not given.missing:
                continue
            schemas, _, _ = self._of_property(name, parts, known)
            if any(part.get("readOnly") is True for part in self._split(schemas)):
                continue  # the target sets it: it is required in its answers
            here = _below(place, name)
            if given is None:
                words = "is required by the schema, and no field gives it"
            else:
                words = "is required by the schema, and may be left out here: by optional = true, or a condition that does not hold"
            found.append(Problem(here, "error", words))
        return found

    def _items(self, items: Given, parts: Sequence[Part], place: str) -> list[Problem]:
        schemas = [part["items"] for part in parts if "prefixItems" not in part and not isinstance(part.get("items", []), list | tuple)]
        return self._value(items, schemas, f"{place}[]") if schemas else []


def _meant(name: str, known: Sequence[str], fields: Mapping[str, Given]) -> str:
    """Which property was meant, among those that no field gives yet."""
    free = [each for each in known if each not in fields]
    return did_you_mean(name, free) if free else ""


def _below(place: str, name: str) -> str:
    return f"{place}.{render((name,))}" if place else render((name,))
