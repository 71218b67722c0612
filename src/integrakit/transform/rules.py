"""What a mapping is made of, as values: fields, rules, steps, and what every node is to the passes that walk it.

The parser builds these once. The careful pass walks them, the generator turns them into Python, the describer into words. Each kind of node, with all
that it does, is a class in `nodes`; nothing is checked or run here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from attrs import frozen

from integrakit.transform.conversions import Conversion
from integrakit.transform.paths import Path, Segment
from integrakit.transform.wording import spelled

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.lookups import Lookup

__all__ = ["Condition", "Constant", "Field", "Found", "Node", "Place", "Reading", "Rule", "Step", "place", "reads", "sources"]

#: Where something stands in a record: keys and indexes.
Place: TypeAlias = tuple[Segment, ...]
#: A place that is read, and False where only the number of items there is.
Found: TypeAlias = tuple[Place, bool]
#: What is read by something that starts at a place.
Reading: TypeAlias = Callable[[Place], Iterable[Found]]


class Node(ABC):
    """Where a value comes from. A subclass is a frozen attrs class, and is the only one to know what its rule means, in both passes."""

    __slots__ = ()
    #: True where an operand may be missing without the whole being missing.
    tolerant = False
    #: True where it makes an object for each item of a list.
    many = False

    def operands(self) -> tuple[Rule, ...]:
        """The rules that are read in the node's own scope."""
        return ()

    @abstractmethod
    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        """The value for one record, or UNSET, or `BAD` once its error is noted."""

    @abstractmethod
    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        """Writes the lines that leave the same value in a variable, or raise for anything unusual."""

    @abstractmethod
    def words(self, spell: Callable[[Rule], str]) -> str:
        """The node in prefix form, as the mapping writes it; ``spell`` words an operand."""

    def reads(self, lenient: bool) -> Iterator[tuple[Path, bool]]:
        """Every path read in the node's own scope, with True where a missing value is allowed. Paths relative to list items are not among them."""
        for operand in self.operands():
            yield from reads(operand, lenient or self.tolerant)

    def sources(self, start: Place) -> Iterator[tuple[Place, bool]]:
        """Every path read, from the record on, with -1 for "any item of this list"; False where only the number of items is read."""
        for operand in self.operands():
            yield from sources(operand, start)

    def members(self) -> tuple[Field, ...]:
        """The fields of the object, or of each object, that it makes."""
        return ()

    def inside(self, read: Reading, start: Place) -> Iterator[Found]:
        """What is read by something that starts at each item of the list it gives; with `members`: that starts where these do."""
        for path, _ in list(self.sources(start)):
            yield from read((*path, -1))

    def choosing(self, start: Place) -> Iterator[Found]:
        """Every path read only to say which items there are."""
        yield from ()

    def place(self, at: Place) -> Place:
        """Where in the record the value comes from: its path, or the first path below it."""
        return next((found for operand in self.operands() if (found := place(operand, at)) != at), at)


@frozen
class Constant(Node):
    """A value of the mapping's own, and what ``value = …`` is."""

    value: Any

    def fresh(self) -> Any:
        """The value, copied where two records must not share it."""
        return _copy(self.value)

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        return self.fresh()

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        return make.assigned(make.fresh(self), null=self.value is None)

    def words(self, spell: Callable[[Rule], str]) -> str:
        return spelled(self.value)


def _copy(value: Any) -> Any:
    if isinstance(value, list):
        return [_copy(item) for item in value]
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return value


@frozen
class Step:
    """One function of ``apply``. ``method`` is the ``str`` method behind a built-in one, None for the user's own."""

    name: str
    function: Callable[[Any], Any]
    method: str | None = None


class Condition(Protocol):
    """A compiled ``when``."""

    @property
    def text(self) -> str:
        """As the mapping spells it."""
        ...

    def paths(self) -> tuple[Path, ...]:
        """Every path it reads."""
        ...

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        """True, False, or `BAD` once its error is noted."""
        ...

    def generate(self, make: Generator, scope: Scope, names: dict[Path, str] | None = None) -> str:
        """Writes what is needed and returns an expression that is True or False, or raises for anything unusual.

        ``names``: the variables that several conditions of one scope, side by side, have fetched so far.
        """
        ...


@frozen(kw_only=True)
class Rule:
    """How one value comes about: the node, then ``apply``, ``lookup`` and ``to`` in this order, then what stands in where nothing came."""

    node: Node
    #: Where it does not hold, nothing came.
    when: Condition | None = None
    apply: tuple[Step, ...] = ()
    lookup: Lookup | None = None
    conversion: Conversion | None = None
    #: The conversion's second input, where it is read from the record: the currency of an amount, the zone of a time.
    beside: Rule | None = None
    #: What a missing value becomes, and a null where it is not ``nullable``; already of the target type.
    default: Constant | None = None
    nullable: bool = True
    #: What the way back does, where the rule itself does not tell: "keep", a type, or steps as the mapping writes them.
    back: str | Mapping[str, Any] | None = None

    @property
    def plain(self) -> bool:
        """True when the node's value is the rule's value."""
        return not self.apply and self.lookup is None and self.conversion is None and self.when is None

    def sides(self) -> Iterator[Rule]:
        """The rules read beside the node."""
        if self.lookup is not None:
            yield from (side for side in (self.lookup.at, self.lookup.otherwise) if isinstance(side, Rule))
        if self.beside is not None:
            yield self.beside


@frozen
class Field:
    """One field of the target. ``optional``: left out of the result when its source is missing."""

    name: str
    rule: Rule
    optional: bool = False
    #: True: what is wrong with the field makes it null, and is reported, instead of refusing the record.
    null_on_error: bool = False
    #: What it means, as the mapping tells people.
    doc: str = ""


def reads(rule: Rule, lenient: bool) -> Iterator[tuple[Path, bool]]:
    """As `Node.reads`, of a whole rule."""
    if rule.when is None:
        yield from rule.node.reads(lenient or rule.default is not None)
    else:  # where it does not hold nothing is read
        yield from ((path, True) for path, _ in rule.node.reads(True))
        yield from ((path, True) for path in rule.when.paths())
    for side in rule.sides():
        yield from reads(side, True)


def sources(rule: Rule, start: Place = ()) -> Iterator[tuple[Place, bool]]:
    """As `Node.sources`, of a whole rule. A list or object that is only walked through is not one of them."""
    yield from rule.node.sources(start)
    if rule.when is not None:
        yield from ((path.below(start), True) for path in rule.when.paths())
    for side in rule.sides():
        yield from sources(side, start)


def place(rule: Rule, at: Place) -> Place:
    """As `Node.place`, of a whole rule."""
    return rule.node.place(at)
