"""What a mapping is made of, as values: rules, the nodes beneath them, lookups.

The parser builds these once; the careful pass walks them, the generator turns them into Python, the describer into Markdown. Nothing is checked or
run here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

from attrs import frozen

from integrakit.transform.conversions import Conversion
from integrakit.transform.paths import Path, Segment

__all__ = ["Aggregate", "Coalesce", "Constant", "Each", "Field", "Lookup", "Nested", "Node", "Operator", "Read", "Rule", "Step", "reads", "sources"]


@frozen
class Read:
    """A path into the record, or into the list item inside ``of`` and ``each``."""

    path: Path


@frozen
class Constant:
    """A value of the mapping's own."""

    value: Any

    def fresh(self) -> Any:
        """The value, copied where two records must not share it."""
        return deepcopy(self.value) if isinstance(self.value, list | dict) else self.value


@frozen
class Operator:
    """``add subtract multiply divide concat``: needs every operand. ``combine`` takes two values that ``take`` has prepared."""

    name: str
    operands: tuple[Rule, ...]
    take: Callable[[Any], Any]
    combine: Callable[[Any, Any], Any]


@frozen
class Coalesce:
    """The first operand that is neither missing nor null."""

    operands: tuple[Rule, ...]


@frozen
class Aggregate:
    """``sum count first last`` of a list; ``of`` is read relative to an item, and is the item itself unless the mapping says otherwise."""

    name: str
    items: Rule
    of: Rule
    take: Callable[[Any], Any]
    add: Callable[[Any, Any], Any]


@frozen
class Each:
    """A list of objects, one for each item of ``items``."""

    items: Rule
    fields: tuple[Field, ...]


@frozen
class Nested:
    """An object. With ``base`` its paths are relative to that object, else to the record (or item) around it."""

    base: Rule | None
    fields: tuple[Field, ...]


Node: TypeAlias = Read | Constant | Operator | Coalesce | Aggregate | Each | Nested


@frozen
class Step:
    """One function of ``apply``. ``method`` is the ``str`` method behind a built-in one, None for the user's own."""

    name: str
    function: Callable[[Any], Any]
    method: str | None = None


@frozen
class Lookup:
    """A table from text to values. ``otherwise``: "error", "keep", or what a value outside the table becomes."""

    name: str
    table: Mapping[str, Any]
    otherwise: str | Constant


@frozen(kw_only=True)
class Rule:
    """How one value comes about: the node, then ``apply``, ``lookup`` and ``to`` in this order, then what stands in where nothing came."""

    node: Node
    apply: tuple[Step, ...] = ()
    lookup: Lookup | None = None
    conversion: Conversion | None = None
    #: What a missing value becomes, and a null where it is not ``nullable``; already of the target type.
    default: Constant | None = None
    nullable: bool = True

    @property
    def plain(self) -> bool:
        """True when the node's value is the rule's value."""
        return not self.apply and self.lookup is None and self.conversion is None


@frozen
class Field:
    """One field of the target. ``optional``: left out of the result when its source is missing."""

    name: str
    rule: Rule
    optional: bool = False


def reads(rule: Rule, lenient: bool) -> Iterator[tuple[Path, bool]]:
    """Every path the rule reads in its own scope, with True where a missing value is allowed. Paths relative to list items are not among them."""
    lenient = lenient or rule.default is not None
    node = rule.node
    if isinstance(node, Read):
        yield node.path, lenient
    elif isinstance(node, Operator | Coalesce):
        for operand in node.operands:
            yield from reads(operand, lenient or isinstance(node, Coalesce))
    elif isinstance(node, Aggregate | Each):
        yield from reads(node.items, lenient)
    elif isinstance(node, Nested):
        if node.base is not None:
            yield from reads(node.base, lenient)
        else:
            for field in node.fields:
                yield from reads(field.rule, field.optional)


def sources(rule: Rule, base: tuple[Segment, ...] = ()) -> Iterator[tuple[tuple[Segment, ...], bool]]:
    """Every path the rule reads, from the record on, with -1 for "any item of this list"; False where only the number of items is read.

    A list or object that is only walked through is not one of them.
    """
    node = rule.node
    if isinstance(node, Read):
        yield base + node.path.segments, True
    elif isinstance(node, Operator | Coalesce):
        for operand in node.operands:
            yield from sources(operand, base)
    elif isinstance(node, Aggregate | Each):
        for path, _ in list(sources(node.items, base)):
            if isinstance(node, Each):
                for field in node.fields:
                    yield from sources(field.rule, (*path, -1))
            elif node.name == "count":
                yield path, False
            else:
                yield from sources(node.of, (*path, -1))
    elif isinstance(node, Nested):
        for path, _ in [(base, True)] if node.base is None else list(sources(node.base, base)):
            for field in node.fields:
                yield from sources(field.rule, path)
