"""Conditions of a mapping that are counted while records go through it: the same rules, with a counter in each ``when`` and ``where``.

The rules are rebuilt, because they never change. What a counted condition says is what the condition says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, fields, frozen, has

from integrakit.transform.careful import BAD
from integrakit.transform.documenting.seeing import Pattern
from integrakit.transform.lookups import Lookup
from integrakit.transform.nodes.conditions import Cases
from integrakit.transform.nodes.walking import Walk
from integrakit.transform.paths import Path
from integrakit.transform.rules import Condition, Field, Node, Rule

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope

__all__ = ["CountedConditions", "Tally"]

_LAST = "the last case"


@define
class Tally:
    """A condition, the target field in whose rule it stands, and how often it was true."""

    place: Pattern
    text: str
    held: int = 0


@frozen
class _Counted:
    """A `Condition`. None inside is always true."""

    tally: Tally
    condition: Condition | None

    @property
    def text(self) -> str:
        return self.tally.text

    def paths(self) -> tuple[Path, ...]:
        return () if self.condition is None else self.condition.paths()

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        holds = True if self.condition is None else self.condition.careful(careful, frame)
        if holds is not BAD and holds:
            self.tally.held += 1
        return holds

    def generate(self, make: Generator, scope: Scope, names: dict[Path, str] | None = None) -> str:
        """Never used: only the careful pass is counted."""
        return "True" if self.condition is None else self.condition.generate(make, scope, names)


@define
class CountedConditions:
    """Call `fields` once, let the result run, then read `tallies`."""

    tallies: list[Tally] = field(factory=list)
    _done: dict[int, tuple[Any, Any]] = field(factory=dict)

    def fields(self, fields: tuple[Field, ...], at: Pattern = ()) -> tuple[Field, ...]:
        """The same fields, counted."""
        return tuple(self._rebuilt(field, (*at, field.name)) for field in fields)

    def never_held(self) -> dict[Pattern, tuple[str, ...]]:
        """Target field → the conditions in its rule that were true for no record."""
        found: dict[Pattern, dict[str, None]] = {}
        for tally in self.tallies:
            if not tally.held:
                found.setdefault(tally.place, {})[tally.text] = None
        return {place: tuple(texts) for place, texts in found.items()}

    def _counted(self, place: Pattern, text: str, condition: Condition | None) -> _Counted:
        self.tallies.append(Tally(place, text))
        return _Counted(self.tallies[-1], condition)

    def _rebuilt(self, part: Any, at: Pattern) -> Any:
        # One node may be in two places, and the passes know it by its id: it stays one. The old one is kept, so that no other gets its id.
        if id(part) not in self._done:
            self._done[id(part)] = part, self._new(part, at)
        return self._done[id(part)][1]

    def _new(self, part: Any, at: Pattern) -> Any:
        changes: dict[str, Any] = {}
        for attribute in fields(type(part)):
            value = getattr(part, attribute.name)
            new = self._value(part, attribute.name, value, at)
            if new is not value:
                changes[attribute.alias or attribute.name] = new
        return evolve(part, **changes) if changes else part

    def _value(self, part: Any, name: str, value: Any, at: Pattern) -> Any:
        if (isinstance(part, Rule) and name == "when") or (isinstance(part, Walk) and name == "where"):
            return value if value is None else self._counted(at, value.text, value)
        if isinstance(part, Cases) and name == "of":
            cases = tuple(self._rebuilt(case, at) for case in value)
            last = cases[-1]
            return cases if last.when is not None else (*cases[:-1], evolve(last, when=self._counted(at, _LAST, None)))
        return self._inner(value, at, many=isinstance(part, Node) and part.many)

    def _inner(self, value: Any, at: Pattern, *, many: bool) -> Any:
        if isinstance(value, Field):
            return self._rebuilt(value, (*at, -1, value.name) if many else (*at, value.name))
        if isinstance(value, Rule | Walk | Lookup) or (isinstance(value, Node) and has(type(value))):
            return self._rebuilt(value, at)
        if isinstance(value, tuple) and value:
            new = tuple(self._inner(one, at, many=many) for one in value)
            return new if any(one is not old for one, old in zip(new, value, strict=True)) else value
        return value
