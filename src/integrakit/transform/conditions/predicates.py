"""The parts of a condition as values: terms, which have a value, and predicates, which hold or do not. Each with its careful pass and its code.

What two values mean to each other is in `comparing`, and both passes ask there. The code of a predicate is one expression over variables that were
fetched before it; ``and`` and ``or`` stop early in both passes, in the same order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, frozen

from integrakit.transform.careful import BAD
from integrakit.transform.conditions.comparing import Compare, holds, one_of
from integrakit.transform.paths import Path
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope
    from integrakit.transform.rules import Place

__all__ = ["Among", "At", "Compared", "Fetched", "Holds", "Is", "Joined", "Literal", "Made", "Not", "Predicate", "Term"]

#: Longer text is a constant of the generated code and not written out in it.
_LONGEST_INLINE = 60


@define
class Fetched:
    """The variables of the generated code that hold what stands at the paths of one scope."""

    make: Generator
    scope: Scope
    names: dict[Path, str] = Factory(dict)

    def name(self, path: Path) -> str:
        """The variable of a path, fetched once."""
        if path not in self.names:
            self.names[path] = self.make.assigned(self.make.read(self.scope, path, True), missing=True).name
        return self.names[path]

    def constant(self, value: Any) -> str:
        """The expression of a literal."""
        if isinstance(value, str) and len(value) <= _LONGEST_INLINE:
            return repr(value)
        return self.make.out.constant(value)

    def function(self, function: Callable[..., Any]) -> str:
        """The name of a function."""
        return self.make.out.constant(function, getattr(function, "__name__", "f"))


class Term(ABC):
    """What has a value: a path, a literal, or a function of a path."""

    __slots__ = ()

    @abstractmethod
    def paths(self) -> Iterator[Path]:
        """Every path read."""

    @abstractmethod
    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        """The value, None, UNSET, or `BAD` once its error is noted."""

    @abstractmethod
    def code(self, fetched: Fetched) -> str:
        """The expression of the value."""


@frozen
class Literal(Term):
    """A value of the condition's own."""

    value: Any

    def paths(self) -> Iterator[Path]:
        return iter(())

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        return self.value

    def code(self, fetched: Fetched) -> str:
        return fetched.constant(self.value)


@frozen
class At(Term):
    """What stands at a path; a missing value is nothing unusual."""

    path: Path

    def paths(self) -> Iterator[Path]:
        yield self.path

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        return careful.read(self.path, frame.leniently())

    def code(self, fetched: Fetched) -> str:
        return fetched.name(self.path)


@frozen
class Made(Term):
    """What a function makes of a value. It is not asked about missing and null, which stay as they are."""

    name: str
    of: Term
    function: Callable[[Any], Any]
    #: A value of the kind that it gives.
    sample: Any

    def paths(self) -> Iterator[Path]:
        return self.of.paths()

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        value = self.of.careful(careful, frame)
        return value if value is BAD else careful.attempt(_at(frame, self), frame.target, value, self.function, value)

    def code(self, fetched: Fetched) -> str:
        return f"{fetched.function(self.function)}({self.of.code(fetched)})"


def _at(frame: Frame, *terms: Term) -> Place:
    """The place of the first path, to name in an error."""
    return next((path.below(frame.at) for term in terms for path in term.paths()), frame.at)


class Predicate(ABC):
    """What holds or does not."""

    __slots__ = ()

    @abstractmethod
    def paths(self) -> Iterator[Path]:
        """Every path read."""

    @abstractmethod
    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        """True, False, or `BAD` once its error is noted."""

    @abstractmethod
    def code(self, fetched: Fetched) -> str:
        """An expression in parentheses, or one that needs none."""


@frozen
class Compared(Predicate):
    """Two terms and a function of both. ``sign``: the Python operator that does the same for two texts or two whole numbers, if there is one."""

    left: Term
    right: Term
    function: Compare
    sign: str = ""

    def paths(self) -> Iterator[Path]:
        yield from self.left.paths()
        yield from self.right.paths()

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        left, right = self.left.careful(careful, frame), self.right.careful(careful, frame)
        if left is BAD or right is BAD:
            return BAD
        shown = right if isinstance(self.left, Literal) else left
        return careful.attempt(_at(frame, self.left, self.right), frame.target, shown, self.function, left, right)

    def code(self, fetched: Fetched) -> str:
        left, right = self.left.code(fetched), self.right.code(fetched)
        call = f"{fetched.function(self.function)}({left}, {right})"
        literal = self.right.value if isinstance(self.right, Literal) else None
        if not self.sign or not isinstance(self.left, At) or type(literal) not in (str, int):
            return call
        return f"({left} {self.sign} {right} if type({left}) is {type(literal).__name__} else {call})"


@frozen
class Among(Predicate):
    """``in``: equal to one of several literals, or to an item of a list in the record."""

    left: Term
    items: Term

    def paths(self) -> Iterator[Path]:
        yield from self.left.paths()
        yield from self.items.paths()

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        left, items = self.left.careful(careful, frame), self.items.careful(careful, frame)
        if left is BAD or items is BAD:
            return BAD
        literal = isinstance(self.items, Literal)
        terms = (self.left,) if literal else (self.items, self.left)
        return careful.attempt(_at(frame, *terms), frame.target, left if literal else items, one_of, left, items)

    def code(self, fetched: Fetched) -> str:
        left, items = self.left.code(fetched), self.items.code(fetched)
        call = f"{fetched.function(one_of)}({left}, {items})"
        if not isinstance(self.items, Literal) or not isinstance(self.left, At):
            return call
        kind = type(next((item for item in self.items.value if item is not None), None))
        if kind not in (str, int):
            return call
        return f"({left} in {fetched.make.out.constant(frozenset(self.items.value))} if type({left}) is {kind.__name__} else {call})"


@frozen
class Is(Predicate):
    """``is null``, ``is missing``, ``is present``."""

    path: Path
    what: str

    def paths(self) -> Iterator[Path]:
        yield self.path

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        value = careful.read(self.path, frame.leniently())
        if value is BAD:
            return BAD
        return {"null": value is None, "missing": value is UNSET, "present": value is not None and value is not UNSET}[self.what]

    def code(self, fetched: Fetched) -> str:
        name = fetched.name(self.path)
        return {"null": f"({name} is None)", "missing": f"({name} is UNSET)", "present": f"({name} is not None and {name} is not UNSET)"}[self.what]


@frozen
class Holds(Predicate):
    """A path that is a condition of its own."""

    path: Path

    def paths(self) -> Iterator[Path]:
        yield self.path

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        value = careful.read(self.path, frame.leniently())
        return BAD if value is BAD else careful.attempt(self.path.below(frame.at), frame.target, value, holds, value)

    def code(self, fetched: Fetched) -> str:
        name = fetched.name(self.path)
        return f"({name} is True or {name} is not False and {fetched.function(holds)}({name}))"


@frozen
class Not(Predicate):
    """The opposite."""

    of: Predicate

    def paths(self) -> Iterator[Path]:
        return self.of.paths()

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        found = self.of.careful(careful, frame)
        return BAD if found is BAD else not found

    def code(self, fetched: Fetched) -> str:
        return f"(not {self.of.code(fetched)})"


@frozen
class Joined(Predicate):
    """Predicates with ``and`` (``every``) or ``or`` between them. What follows the one that decides is not looked at."""

    of: tuple[Predicate, ...]
    every: bool

    def paths(self) -> Iterator[Path]:
        for predicate in self.of:
            yield from predicate.paths()

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        for predicate in self.of:
            found = predicate.careful(careful, frame)
            if found is BAD or found is not self.every:
                return found
        return self.every

    def code(self, fetched: Fetched) -> str:
        word = " and " if self.every else " or "
        return f"({word.join(predicate.code(fetched) for predicate in self.of)})"
