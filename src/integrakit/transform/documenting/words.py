"""A rule in words, on one line: where its value comes from, what is done with it, what stands in for it. Markup is not known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from integrakit.transform.lookups import Lookup
from integrakit.transform.nodes.values import Read
from integrakit.transform.rules import Constant, Field, Rule
from integrakit.transform.wording import spelled

__all__ = ["field_words", "part_words"]


def field_words(field: Field, *, say_null: bool) -> str:
    """The rule of a whole field. ``say_null``: that what does not fit becomes null is worth saying."""
    rule = field.rule
    words = [*_rule(rule), *_end(rule)]
    if field.optional:
        words.append("left out where missing")
    if field.null_on_error and say_null:
        words.append("null where it does not fit")
    if rule.back is not None:
        words.append(f"the way back: {_back(rule.back)}")
    return "; ".join(words)


def part_words(rule: Rule) -> str:
    """A rule that makes one of several objects for a field."""
    return "; ".join([*_rule(rule), *_end(rule)])


def _rule(rule: Rule) -> Iterator[str]:
    node = rule.node
    if isinstance(node, Read):
        yield "as it is" if rule.plain else "read"
    else:
        yield f"always {node.words(_operand)}" if isinstance(node, Constant) and rule.when is None else node.words(_operand)
    yield from _steps(rule)


def _end(rule: Rule) -> Iterator[str]:
    if rule.default is not None:
        yield f"{spelled(rule.default.value)} where missing" + ("" if rule.nullable else " or null")
    elif not rule.nullable:
        yield "never null"


def _steps(rule: Rule) -> Iterator[str]:
    if rule.when is not None:
        yield f"where {rule.when.text}"
    if rule.apply:
        yield "apply " + ", ".join(step.name for step in rule.apply)
    if rule.lookup is not None:
        yield _lookup(rule.lookup)
    if rule.conversion is not None:
        beside = "" if rule.beside is None else f", beside it {_operand(rule.beside)}"
        yield f"to {rule.conversion.words}{beside}"


def _lookup(lookup: Lookup) -> str:
    words = f"lookup {lookup.name}" + (f", its {lookup.column}" if lookup.column else "") + (f", at {_operand(lookup.at)}" if lookup.at else "")
    otherwise = lookup.otherwise
    if isinstance(otherwise, str):
        return f"{words}, else {'an error' if otherwise == 'error' else 'as it is'}"
    return f"{words}, else {spelled(otherwise.value) if isinstance(otherwise, Constant) else _operand(otherwise)}"


def _operand(rule: Rule) -> str:
    steps = [*_steps(rule), *_end(rule)]
    return rule.node.words(_operand) + (f" ({', '.join(steps)})" if steps else "")


def _back(back: str | Mapping[str, object]) -> str:
    if isinstance(back, str):
        return {"keep": "as it is", "none": "none"}.get(back, f"to {back}")
    return ", ".join(f"{option} {' '.join(map(str, value)) if isinstance(value, list) else spelled(value)}" for option, value in back.items())
