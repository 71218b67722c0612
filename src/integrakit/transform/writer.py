"""Writing Python source line by line: indentation, fresh names, numbered constants. Knows nothing of mappings."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["SourceWriter"]

# Text of a mapping that may stand in the source as part of a name: with a number behind, it is no keyword and no other name.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")
_LONGEST_LINE = 120
_LONGEST_TEXT = 60
# Constants whose value the source tells in a comment: whatever they are, they are a line of plain text.
_SHOWN = (Decimal, date, datetime, ZoneInfo)


class SourceWriter:
    """Lines of source, and the global names they need."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.globals = names
        self._lines: list[str | list[str]] = []
        self._depth = 0
        self._count = 0
        self._constants: dict[int, str] = {}
        self._shared: dict[Hashable, str] = {}

    def text(self) -> str:
        named = {name: self.globals[name] for name in self._constants.values()}
        legend = [f"# {name} = {value!r}" for name, value in named.items() if type(value) in _SHOWN]
        return "\n".join([*legend, *(line for entry in self._lines for line in ([entry] if isinstance(entry, str) else entry))]) + "\n"

    def line(self, text: str) -> None:
        self._lines.append(" " * 4 * self._depth + text)

    def gap(self) -> Callable[[str], None]:
        """Leaves room here for lines that are found out to be needed only later; what is returned writes one."""
        lines: list[str] = []
        self._lines.append(lines)
        indent = " " * 4 * self._depth
        return lambda text: lines.append(indent + text)

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

    def name(self, prefix: str = "t", after: str = "") -> str:
        """A variable that nothing else uses, called ``after`` what it holds where that text could be a name, else by the prefix."""
        self._count += 1
        return f"{after}_{self._count}" if _NAME.fullmatch(after) else f"{prefix}{self._count}"

    def constant(self, value: Any, prefix: str = "k") -> str:
        """The name of a global that holds the value; the same object has one name."""
        if id(value) not in self._constants:
            name = self._constants[id(value)] = self.name(prefix)
            self.globals[name] = value
        return self._constants[id(value)]

    def shared(self, key: Hashable, prefix: str, make: Callable[[], Any]) -> str:
        """The name of a global that is made once for each key."""
        if key not in self._shared:
            self._shared[key] = self.constant(make(), prefix)
        return self._shared[key]

    def literal(self, value: Any) -> str:
        """An expression for a value that never changes: as Python writes it where that is short, else a global."""
        if value is None or type(value) is bool:
            return repr(value)
        short = len(value) <= _LONGEST_TEXT if type(value) is str else type(value) is int and abs(value) < 10**9
        return repr(value) if short else self.constant(value)

    def display(self, entries: list[str]) -> str:
        """A dict of ``key: value`` entries: on one line where it fits, else each on its own, indented for a statement that begins here."""
        line, indent = f"{{{', '.join(entries)}}}", " " * 4 * self._depth
        if len(indent + line) <= _LONGEST_LINE:
            return line
        return "{\n" + "".join(f"{indent}    {entry},\n" for entry in entries) + indent + "}"

    def give_up_if(self, condition: str) -> None:
        with self.block(f"if {condition}:"):
            self.line("raise Misfit")
