"""YAML: PyYAML's events made into values and places, by the core schema of YAML 1.2. The one place that imports PyYAML.

Not by PyYAML's own loaders: those read YAML 1.1, where ``no`` is false, ``1:30`` is 90 and ``012`` is 10, and their objects come from tags. Names are
always the text that stands there. Nothing is recursive, and nothing that is read can name a class.

The schema is section 10.3 of the YAML 1.2.2 specification.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from attrs import define

from integrakit.errors import ConfigurationError
from integrakit.transform.locating.places import BrokenText, Key, Place, fraction

try:
    import yaml
except ImportError as problem:
    raise ConfigurationError('a mapping in YAML needs PyYAML: pip install "integrakit[yaml]"') from problem

__all__ = ["read_yaml"]

_NULLS = ("", "~", "null", "Null", "NULL")
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_INTEGER = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_LONGEST_INT = 1000
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_DEEPEST = 64
# PyYAML's own code reads some thirty thousand in a second.
_MOST_EVENTS = 100_000
# The only way to write a character that does not exist.
_NO_CHARACTER = re.compile(r"\\U(?!000|0010)[0-9a-fA-F]{8}")
# Values that aliases stand for, counted each time: far more than a mapping shares, far less than a bomb makes.
_MOST_SHARED = 20_000


@define
class _Anchored:
    """What an alias stands for: complete, or still open."""

    value: Any
    place: Place
    size: int | None = None


@define
class _Inside:
    """A table or list that is open. ``entry``: the name in a table whose value comes next."""

    value: Any
    place: Place
    path: tuple[Key, ...]
    anchored: _Anchored | None
    start: int
    entry: str | None = None


def read_yaml(text: str) -> tuple[Any, Callable[[], Place]]:
    """The values, fractions as Decimals, and how to find their places. Raises `BrokenText`."""
    reading = _Reading(text)
    try:
        for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
            reading.take(event)
            if count > _MOST_EVENTS:
                raise BrokenText(f"more than {_MOST_EVENTS} entries are too many for YAML: TOML and JSON are read faster", reading.position)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        said = [part for part in (problem.context, problem.problem) if part]
        raise BrokenText(", ".join(said), mark.index if mark else 0) from problem
    except yaml.reader.ReaderError as problem:
        raise BrokenText("a character that YAML does not allow: U+" + format(ord(text[problem.position]), "04X"), problem.position) from problem
    except (ValueError, OverflowError, RecursionError) as problem:
        if isinstance(problem, BrokenText):
            raise
        escape = _NO_CHARACTER.search(text, reading.position)
        raise BrokenText("an escape beyond Unicode", escape.start() if escape else reading.position) from problem
    return reading.value, lambda: reading.root


class _Reading:
    """Puts a tree together, event by event."""

    def __init__(self, text: str) -> None:
        self.value: Any = None
        self.root = Place(0)
        self.position = 0
        self._text = text
        self._inside: list[_Inside] = []
        self._anchors: dict[str, _Anchored] = {}
        self._documents = self._values = self._shared = 0

    def take(self, event: Any) -> None:
        self.position = position = event.start_mark.index
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise BrokenText("a second document begins: a mapping is one", position)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, position)
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, position)

    def _node(self, event: Any, position: int) -> None:
        around = self._inside[-1] if self._inside else None
        if around is not None and isinstance(around.value, dict) and around.entry is None:
            self._name(around, event, position)
            return
        path = self._path()
        tag = event.tag
        if tag is not None and not (tag in _TEXT_TAGS and isinstance(event, yaml.ScalarEvent)):
            raise BrokenText(f"the tag {tag[:60]!r}: a mapping holds plain values only", position, path)
        if len(path) > _DEEPEST:
            raise BrokenText("nested too deeply for a mapping", position)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None and tag is None
            value = _scalar(event.value, position, path) if plain else event.value
            place = self._put(value, position)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(value, place, 1)
            return
        value = {} if isinstance(event, yaml.MappingStartEvent) else []
        place = self._put(value, position)
        anchored = None
        if event.anchor is not None:
            anchored = self._anchors[event.anchor] = _Anchored(value, place)
        self._inside.append(_Inside(value, place, path, anchored, self._values))

    def _name(self, table: _Inside, event: Any, position: int) -> None:
        if not isinstance(event, yaml.ScalarEvent) or event.tag not in (None, *_TEXT_TAGS):
            raise BrokenText("a name must be text", position, table.path)
        name = event.value
        if event.style is None and name == "":
            raise BrokenText("a name is missing before the colon", position, table.path)
        if event.style is None and name == "<<":
            raise BrokenText("<< merges tables in YAML 1.1 only: write the options out, or give an alias for the whole rule", position, table.path)
        if name in table.value:
            first = table.place.children[name].position
            raise BrokenText(f"is there twice, first in line {self._text.count(chr(10), 0, first) + 1}", position, (*table.path, name))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(name, Place(position), 1)
        table.entry = name
        table.place.child(name, position)

    def _path(self) -> tuple[Key, ...]:
        """Of the value that comes next."""
        if not self._inside:
            return ()
        around = self._inside[-1]
        return (*around.path, len(around.value) if around.entry is None else around.entry)

    def _put(self, value: Any, position: int, shared: Place | None = None) -> Place:
        """The value takes its place in what is open; where that is."""
        self._values += 1
        if not self._inside:
            self.value, self.root = value, Place(position)
            return self.root
        around = self._inside[-1]
        key: Key = len(around.value) if around.entry is None else around.entry
        place = around.place.child(key, position)
        if shared is not None:
            place.children = shared.children
        if around.entry is None:
            around.value.append(value)
        else:
            around.value[around.entry] = value
            around.entry = None
        return place

    def _close(self) -> None:
        closed = self._inside.pop()
        if closed.anchored is not None:
            closed.anchored.size = self._values - closed.start + 1

    def _alias(self, event: Any, position: int) -> None:
        if self._inside and isinstance(self._inside[-1].value, dict) and self._inside[-1].entry is None:
            raise BrokenText("a name must be text, not an alias", position, self._inside[-1].path)
        path = self._path()
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise BrokenText(f"*{event.anchor[:60]} stands for nothing: there is no &{event.anchor[:60]} before it", position, path)
        if anchored.size is None:
            raise BrokenText(f"*{event.anchor[:60]} is inside of what it stands for", position, path)
        self._shared += anchored.size
        if self._shared > _MOST_SHARED:
            raise BrokenText("aliases stand for too many values", position, path)
        self._put(anchored.value, position, anchored.place)
        self._values += anchored.size - 1


def _scalar(text: str, position: int, path: tuple[Key, ...]) -> Any:
    """A plain scalar by the core schema."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _LEADING_ZERO.fullmatch(text):
        said = f"{text[:60]} is one number in YAML 1.1, another in YAML 1.2, and perhaps a code: in quotes it is text, without the 0 a number"
        raise BrokenText(said, position, path)
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= _LONGEST_INT else Decimal(text)
    if _OTHER_INTEGER.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return fraction(text)
    return float(text.replace(".", "")) if _NO_NUMBER.fullmatch(text) else text
