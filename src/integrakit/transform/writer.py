"""Writing Python source line by line: indentation, fresh names, numbered constants. Knows nothing of mappings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["SourceWriter"]


class SourceWriter:
    """Lines of source, and the global names they need."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.globals = names
        self._lines: list[str] = []
        self._depth = 0
        self._count = 0
        self._constants: dict[int, str] = {}

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def line(self, text: str) -> None:
        self._lines.append(" " * 4 * self._depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What follows stands indented below ``head``; nothing may follow."""
        self.line(head)
        start = len(self._lines)
        self._depth += 1
        yield
        if len(self._lines) == start:
            self.line("pass")
        self._depth -= 1

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """A block under the condition, or no block where the condition is empty: always."""
        if not condition:
            yield
            return
        with self.block(f"if {condition}:"):
            yield

    def name(self, prefix: str = "t") -> str:
        """A variable that nothing else uses."""
        self._count += 1
        return f"{prefix}{self._count}"

    def constant(self, value: Any, prefix: str = "k") -> str:
        """The name of a global that holds the value; the same object has one name."""
        if id(value) not in self._constants:
            name = self._constants[id(value)] = self.name(prefix)
            self.globals[name] = value
        return self._constants[id(value)]

    def give_up_if(self, condition: str) -> None:
        with self.block(f"if {condition}:"):
            self.line("raise Misfit")
