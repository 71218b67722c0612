"""One rule or another: ``cases``. The condition of a single rule is its ``when``, which every kind has and `CarefulPass.rule` looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from integrakit.transform.careful import BAD
from integrakit.transform.paths import Path
from integrakit.transform.rules import Node, Rule
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Cases", "parse_cases"]

#: Python's compiler goes one level deeper with each elif; so long chains become several.
_LONGEST_CHAIN = 20


@frozen
class Cases(Node):
    """The first rule whose ``when`` holds; the last may have none."""

    of: tuple[Rule, ...]
    # Only one of them is read: what another would need may be missing.
    tolerant = True

    def operands(self) -> tuple[Rule, ...]:
        return self.of

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"cases({', '.join(map(spell, self.of))})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        for case in self.of:
            holds = True if case.when is None else case.when.careful(careful, frame)
            if holds is BAD:
                return BAD
            if holds:
                chosen = evolve(case, when=None)
                value = careful.rule(chosen, frame)
                careful.took(self, frame.at, careful.place(chosen, frame.at))
                return value
        return UNSET if frame.lenient else careful.note(self.place(frame.at), frame.target, UNSET, "none of the cases holds")

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        names: dict[Path, str] = {}
        conditions = ["" if case.when is None else case.when.generate(make, scope, names) for case in self.of]
        result = make.assigned("UNSET", missing=True)
        chosen = make.assigned("False", null=False).name if len(self.of) > _LONGEST_CHAIN else ""
        values = []
        for position, (case, condition) in enumerate(zip(self.of, conditions, strict=True)):
            first = position % _LONGEST_CHAIN == 0
            if first and position:
                with make.out.block(f"if {chosen}:"):
                    pass
            with make.out.block(f"{'elif' if position else 'if'} {condition or 'True'}:"):
                values.append(make.rule(evolve(case, when=None), scope, lenient))
                make.out.line(f"{result.name} = {values[-1].name}")
                if chosen:
                    make.out.line(f"{chosen} = True")
        missing = bool(conditions[-1]) or any(value.missing for value in values)
        return make.value(result.name, missing=missing, null=any(value.null for value in values))


def parse_cases(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    cases = parser.operands(tree, "cases", evolve(spot, sometimes=True), whole=True)
    for position, case in enumerate(cases[:-1]):
        if case.when is None:
            parser.refuse(spot.at("cases", position), "has no when, so the cases after it are never looked at: only the last case may go without")
    return Cases(cases)
