"""The mapping as Markdown, for people who have to agree on it. Everything of the mapping's own text is escaped: a name cannot become markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from integrakit.transform.lookups import Lookup
from integrakit.transform.nodes.objects import Each, Nested
from integrakit.transform.nodes.values import Read
from integrakit.transform.paths import render
from integrakit.transform.rules import Constant, Field, Place, Rule, sources
from integrakit.transform.wording import spelled

__all__ = ["describe"]

_MARKUP = {ord(character): "\\" + character for character in "\\`*_[]|#~$"} | {ord("<"): "&lt;", ord(">"): "&gt;", ord("\n"): " ", ord("\r"): " "}
_MERMAID = {ord(character): f"#{ord(character)};" for character in '"#<>&;`\\[]{}|'} | {ord("\n"): " ", ord("\r"): " "}


@frozen
class _Row:
    target: str
    origins: tuple[str, ...]
    rule: str


def describe(
    fields: tuple[Field, ...],
    lookups: Mapping[str, Mapping[str, Any]],
    *,
    heading: str,
    version: str,
    functions: Mapping[str, Callable[[Any], Any]],
) -> str:
    """A page: the table of fields, the functions and lookups, and the picture."""
    rows = list(_rows(fields, "", ()))
    lines = [f"# {_text(heading)}", "", f"Mapping version {version}.", "", "| Field | From | Rule |", "|---|---|---|"]
    lines += [f"| {_text(row.target)} | {_text(', '.join(row.origins)) or '–'} | {_text(row.rule)} |" for row in rows]
    if functions:
        lines += ["", "## Functions", ""]
        lines += [f"- {_text(name)}: {_text(_first_line(function))}" for name, function in functions.items()]
    for name, table in lookups.items():
        lines += ["", f"## Lookup {_text(name)}", "", "| From | To |", "|---|---|"]
        lines += [f"| {_text(key)} | {_text(spelled(value))} |" for key, value in table.items()]
    lines += ["", "## Picture", "", "```mermaid", "flowchart LR", *_picture(rows), "```", ""]
    return "\n".join(lines)


def _first_line(function: Callable[[Any], Any]) -> str:
    return ((getattr(function, "__doc__", None) or "").strip().splitlines() or ["a function of this project"])[0]


def _rows(fields: tuple[Field, ...], target: str, start: Place) -> Iterator[_Row]:
    for field in fields:
        name = target + render((field.name,))
        rule, node = field.rule, field.rule.node
        outer = node.items if isinstance(node, Each) else node.start if isinstance(node, Nested) else rule
        origins = [path for path, _ in sources(outer, start)] if outer is not None else []
        yield _Row(name, tuple(dict.fromkeys(render(path).replace("[-1]", "[]") for path in origins)), "; ".join(_words(rule, field.optional)))
        if isinstance(node, Each):
            yield from _rows(node.fields, f"{name}[].", (*origins[0], -1) if origins else start)
        elif isinstance(node, Nested):
            yield from _rows(node.fields, f"{name}.", origins[0] if origins else start)


def _words(rule: Rule, optional: bool) -> Iterator[str]:
    yield _node(rule)
    yield from _steps(rule)
    if rule.default is not None:
        yield f"{spelled(rule.default.value)} where missing" + ("" if rule.nullable else " or null")
    elif not rule.nullable:
        yield "never null"
    if optional:
        yield "left out where missing"


def _steps(rule: Rule) -> Iterator[str]:
    if rule.apply:
        yield "apply " + ", ".join(step.name for step in rule.apply)
    if rule.lookup is not None:
        yield _lookup(rule.lookup)
    if rule.conversion is not None:
        yield f"to {rule.conversion.words}"


def _lookup(lookup: Lookup) -> str:
    otherwise = {"error": "else an error", "keep": "else as it is"}
    return f"lookup {lookup.name}, " + (
        f"else {spelled(lookup.otherwise.value)}" if isinstance(lookup.otherwise, Constant) else otherwise[lookup.otherwise]
    )


def _node(rule: Rule) -> str:
    node = rule.node
    if isinstance(node, Read):
        return "as it is" if rule.plain else "read"
    return f"always {node.words(_operand)}" if isinstance(node, Constant) else node.words(_operand)


def _operand(rule: Rule) -> str:
    steps = "".join(f", {step}" for step in _steps(rule))
    default = "" if rule.default is None else f", {spelled(rule.default.value)} where missing"
    return rule.node.words(_operand) + (f" ({(steps + default)[2:]})" if steps or default else "")


def _picture(rows: list[_Row]) -> Iterator[str]:
    origins = list(dict.fromkeys(origin for row in rows for origin in row.origins))
    yield "  subgraph source"
    yield from (f'    s{index}["{_label(origin)}"]' for index, origin in enumerate(origins))
    yield "  end"
    yield "  subgraph target"
    yield from (f'    t{index}["{_label(row.target)}"]' for index, row in enumerate(rows))
    yield "  end"
    for index, row in enumerate(rows):
        yield from (f"  s{origins.index(origin)} --> t{index}" for origin in row.origins)


def _text(text: str) -> str:
    return text.translate(_MARKUP)


def _label(text: str) -> str:
    return text.translate(_MERMAID)
