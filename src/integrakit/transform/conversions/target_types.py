"""What a type name behind ``to =`` is made of: its options, each with its check and its JSON schema, and the maker of its converter.

Every room of conversions (`bools`, `times`, `durations` …) builds its `TargetType` from these; `conversions` lists them all. None lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import Factory, field, frozen

from integrakit.transform.exact import ROUNDINGS
from integrakit.transform.wording import did_you_mean, spelled

__all__ = [
    "ROUNDING",
    "SCALE",
    "SHORTEST",
    "Conversion",
    "Converter",
    "Given",
    "Made",
    "Mistake",
    "Option",
    "TargetType",
    "choice",
    "flag",
    "listed_words",
    "scalars",
    "text",
    "texts",
    "whole",
]

#: Takes the value, and where a rule reads something beside it, such as its currency, that too.
Converter = Callable[..., Any]
#: The options of one field, checked and made ready.
Given = Mapping[str, Any]

_MOST_DIGITS = 100
_LONGEST_LIST = 10_000


class Mistake(ValueError):
    """What is wrong with an option of a mapping; becomes a `ConfigurationError` that names the mapping and the field."""

    #: The option, where it is known.
    option: str = ""


@frozen
class Conversion:
    """A built ``to =``. ``scale`` is set for a decimal of fixed scale; ``words`` says it all in the mapping's own spelling."""

    to: str
    convert: Converter
    words: str
    scale: int | None = None
    rounding: str | None = None
    #: True for the plain forms of str, int, bool, date and decimal, whose commonest values generated code may treat without calling ``convert``.
    inline: bool = False
    #: The type of what comes out: a name of ``to``, or "str" and "int" where ``write`` makes text or a number of it.
    gives: str = ""
    #: The options as the mapping has them.
    options: Mapping[str, Any] = field(default=Factory(dict), eq=False)


@frozen
class Option:
    """One option: ``read(name, value)`` checks it and makes it ready, or raises `Mistake`."""

    #: What a file may say, as JSON Schema.
    schema: Mapping[str, Any]
    read: Callable[[str, Any], Any]
    #: How a description of the mapping says it.
    say: Callable[[str, Any], str] = lambda name, value: f"{name.replace('_', ' ')} {_said(value)}"


@frozen(kw_only=True)
class Made:
    """What a maker gives: the converter, and what others may know of it."""

    convert: Converter
    inline: bool = False
    gives: str = ""


@frozen
class TargetType:
    """A type name of ``to``: its options by name, and the maker of the converter. The maker raises `Mistake` for options that exclude each other."""

    options: Mapping[str, Option]
    make: Callable[[Given], Made]


def _said(value: Any) -> str:
    if isinstance(value, list):
        return " / ".join(spelled(item) for item in value[:8]) + " / …" * (len(value) > 8)
    return spelled(value)


def listed_words(words: Iterable[str], last: str = "or") -> str:
    """``"a", "b" or "c"``."""
    quoted = [f'"{word}"' for word in words]
    return f" {last} ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]


def choice(*words: str, say: Callable[[str, Any], str] | None = None) -> Option:
    """One of a few words."""

    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            hint = did_you_mean(value, words)
            raise Mistake(f"{name} is {listed_words(words)}, not {spelled(value)}{hint if 'did you mean' in hint else ''}")
        return value

    return Option({"enum": list(words)}, read, say or (lambda name, value: f"{name} {value}"))


def flag() -> Option:
    """``true`` or ``false``."""

    def read(name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Mistake(f"{name} is true or false, not {spelled(value)}")
        return value

    return Option({"type": "boolean"}, read)


def whole(least: int, most: int, what: str) -> Option:
    """A whole number within limits; ``what`` ends the sentence "scale is …"."""

    def read(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Mistake(f"{name} is {what}, {least} to {most}, not {spelled(value)}")
        return value

    return Option({"type": "integer", "minimum": least, "maximum": most}, read)


def text(what: str, longest: int, least: int = 1) -> Option:
    """A text within limits; ``what`` ends the sentence "pattern is …"."""

    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= longest:
            length = f"{least} to {longest}" if least < longest else str(least)
            raise Mistake(f"{name} is {what}, of {length} character{'s' * (longest > 1)}, not {spelled(value)}")
        return value

    return Option({"type": "string", "minLength": least, "maxLength": longest}, read)


def texts(known: Mapping[str, Any] | None, what: str, longest: int, most: int) -> Option:
    """A text or a list of texts, given on as a tuple. ``known``: the words it is limited to, where it is."""
    single: dict[str, Any] = {"enum": list(known)} if known is not None else {"type": "string", "minLength": 1, "maxLength": longest}

    def read(name: str, value: Any) -> tuple[str, ...]:
        items = value if isinstance(value, list) else [value]
        if not 1 <= len(items) <= most:
            raise Mistake(f"{name} is {what}, or a list of 1 to {most} of them, not {spelled(value)}")
        for item in items:
            if not isinstance(item, str) or not 1 <= len(item) <= longest:
                raise Mistake(f"{name} is {what}, or a list of such, not {spelled(item)}")
            if known is not None and item not in known:
                raise Mistake(f"{name}: unknown {spelled(item)}{did_you_mean(item, known)}")
        if len(set(items)) < len(items):
            raise Mistake(f"{name} says the same twice")
        return tuple(items)

    return Option({"anyOf": [single, {"type": "array", "items": single, "minItems": 1, "maxItems": most, "uniqueItems": True}]}, read)


def scalars(what: str, least: int = 1) -> Option:
    """A list of texts and whole numbers, given on as a tuple."""

    def read(name: str, value: Any) -> tuple[str | int, ...]:
        if not isinstance(value, list) or not least <= len(value) <= _LONGEST_LIST:
            raise Mistake(f"{name} is a list of {what}, not {spelled(value)}")
        for item in value:
            if isinstance(item, bool) or not isinstance(item, str | int):
                raise Mistake(f"{name} is a list of {what}, as text or whole numbers, and has {spelled(item)}")
        if len(set(value)) < len(value):
            raise Mistake(f"{name} says the same twice")
        return tuple(value)

    return Option(
        {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": least, "maxItems": _LONGEST_LIST, "uniqueItems": True}, read
    )


def _rounding(name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in ROUNDINGS:
        raise Mistake(f"unknown {name} {spelled(value)}{did_you_mean(value, ROUNDINGS)}")
    return value


def _shortest(name: str, value: Any) -> bool:
    if value != "shortest":
        raise Mistake(f'{name} = "shortest" is the only rule for floats, not {spelled(value)}')
    return True


SCALE = whole(0, _MOST_DIGITS, "a number of digits after the point")
ROUNDING = Option({"enum": list(ROUNDINGS)}, _rounding, lambda name, value: f"{name} {value}")
SHORTEST = Option({"const": "shortest"}, _shortest, lambda name, value: "floats by their shortest text")
