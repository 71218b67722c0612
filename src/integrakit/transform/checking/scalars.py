"""What a JSON Schema says of a single value: its type, the values listed, the limits of texts and numbers, formats.

The meaning of each keyword is that of JSON Schema Validation, 2020-12 (https://json-schema.org/draft/2020-12/json-schema-validation), and of draft 4
for ``exclusiveMinimum: true``, which OpenAPI 3.0 has kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Context, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from integrakit.transform.checking.given import JSON_TYPES, Way
from integrakit.transform.checking.problems import Problem
from integrakit.transform.checking.schemas import Document, Part
from integrakit.transform.checking.text_patterns import matches
from integrakit.transform.wording import spelled
from integrakit.unset import UNSET

__all__ = ["scalar_problems", "type_problem"]

_SHOWN = 6
_MOST_MEANT = 1000
# What to say in the mapping for the type that is wanted.
_TO = {"string": "str", "integer": "int", "number": "decimal", "boolean": "bool"}
#: How long the text of a value of these kinds always is.
_LENGTHS = {"date": 10, "uuid": 36}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_MOST_DIGITS = 400


# ---------------------------------------------------------------- types


def type_problem(way: Way, types: frozenset[str], place: str) -> Problem | None:
    """What is wrong with the type, if anything."""
    if way.json in types or (way.json == "integer" and "number" in types):
        return None
    wants = f"wants {' or '.join(JSON_TYPES[name] for name in sorted(types))}"
    if way.json == "number" and "integer" in types:
        if way.scale == 0 or (isinstance(way.value, float | Decimal) and _whole(way.value)):
            return None
        certain = way.value is not UNSET or way.kind == "float" or way.scale is not None
        return Problem.of(way, place, wants, "error" if certain else "warning", hint=': say to = "int", or scale = 0')
    names = [_TO[name] for name in sorted(types) if name in _TO]
    hint = f': say to = "{names[0]}"' if names and way.json in _TO and way.value is UNSET else ""
    if way.kind in ("date", "datetime", "time") and names and names[0] in ("int", "decimal"):
        hint = ": write = … gives it as a number"
    return Problem.of(way, place, wants, hint=hint)


def _whole(value: float | Decimal) -> bool:
    number = _number(value)
    return number is not None and number == number.to_integral_value()


def _number(value: Any) -> Decimal | None:
    """A number of a schema or mapping, a float by its shortest text; None for all else, and for numbers beyond all measure."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int) and value.bit_length() > 3 * _MOST_DIGITS:
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS else None


# ---------------------------------------------------------------- everything else


def scalar_problems(way: Way, part: Part, place: str, document: Document) -> Iterator[Problem]:
    """What is wrong with the value, where it is known, or with all values of its kind."""
    if "enum" in part:
        listed = part["enum"]
        if not isinstance(listed, list | tuple):
            document.refuse(f"enum is a list of values, not {spelled(listed)}")
        yield from _listed(way, listed, document.remembered(listed, _keys), place)
    if "const" in part:
        yield from _listed(way, [part["const"]], _keys([part["const"]]), place)
    if way.json == "string":
        yield from _text(way, part, place)
    elif way.json in ("integer", "number"):
        yield from _limits(way, part, place)


def _sent(way: Way) -> Any:
    """The known value as it goes over the wire, or UNSET."""
    if isinstance(way.value, date | time):
        return way.value.isoformat()
    return str(way.value) if isinstance(way.value, UUID) else way.value


def _key(value: Any) -> Any:
    """By which values are equal in JSON: 1 is 1.0, and not true."""
    if isinstance(value, date | time):  # as TOML writes them
        return str, value.isoformat()
    number = _number(value)
    return (Decimal, number) if number is not None else (type(value), value if isinstance(value, str | bool) else None)


def _keys(listed: Sequence[Any]) -> frozenset[Any]:
    return frozenset(map(_key, listed))


def _listed(way: Way, listed: Sequence[Any], keys: frozenset[Any], place: str) -> Iterator[Problem]:
    if way.value is not UNSET:
        if _key(_sent(way)) not in keys:
            yield Problem.of(way, place, _takes(listed), known=(value for value in listed[:_MOST_MEANT] if isinstance(value, str)))
    elif not any(kind is _POSSIBLE[way.json] for kind, _ in keys):
        yield Problem.of(way, place, _takes(listed))


_POSSIBLE: Mapping[str, type] = {"string": str, "integer": Decimal, "number": Decimal, "boolean": bool, "object": dict, "array": list}


def _takes(listed: Sequence[Any]) -> str:
    shown = ", ".join(spelled(value) for value in listed[:_SHOWN])
    return f"takes only {shown}" + f" and {len(listed) - _SHOWN} more" * (len(listed) > _SHOWN) if listed else "takes no value"


# ---------------------------------------------------------------- texts


def _text(way: Way, part: Part, place: str) -> Iterator[Problem]:
    text = _sent(way) if way.value is not UNSET else None
    length = len(text) if text is not None else _LENGTHS.get(way.spelling)
    least, most = _number(part.get("minLength")), _number(part.get("maxLength"))
    if length is not None and most is not None and length > most:
        yield Problem.of(way, place, f"takes at most {most} character{'s' * (most != 1)}")
    if length is not None and least is not None and length < least:
        yield Problem.of(way, place, f"takes at least {least} character{'s' * (least != 1)}")
    if text is not None and matches(part.get("pattern"), text) is False:
        yield Problem.of(way, place, f"wants what matches {spelled(part['pattern'])}")
    name = part.get("format")
    if isinstance(name, str) and name in _FORMATS:
        if text is not None and way.kind == "str":
            if not _is(name, text):
                yield Problem.of(way, place, f"wants a text of the format {name}")
        elif way.spelling and way.spelling != name:
            yield Problem.of(way, place, f"wants a text of the format {name}", hint=_FORMAT_HINTS.get(name, ""))


def _is(name: str, text: str) -> bool:
    try:
        return _FORMATS[name](text)
    except ValueError:
        return False


def _is_datetime(text: str) -> bool:
    return text[10:11] in ("T", "t", " ") and datetime.fromisoformat(text.upper()).tzinfo is not None


_FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": lambda text: len(text) == _LENGTHS["date"] and date.fromisoformat(text) is not None,
    "date-time": _is_datetime,
    "time": lambda text: time.fromisoformat(text.upper()) is not None,
    "uuid": lambda text: len(text) == _LENGTHS["uuid"] and UUID(text) is not None,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
}
_FORMAT_HINTS = {"date": ': say to = "date"', "date-time": ': say to = "datetime"', "uuid": ': say to = "uuid"', "email": ': say to = "email"'}


# ---------------------------------------------------------------- numbers


def _limits(way: Way, part: Part, place: str) -> Iterator[Problem]:
    value = None if way.value is UNSET else _number(way.value)
    step = _number(part.get("multipleOf"))
    if step is not None and step > 0:
        yield from _steps(way, value, step, place)
    if value is None:
        return
    least, most = _number(part.get("minimum")), _number(part.get("maximum"))
    above, below = part.get("exclusiveMinimum"), part.get("exclusiveMaximum")
    if least is not None and (value < least or (above is True and value == least)):
        yield Problem.of(way, place, f"takes {'more than' if above is True else 'at least'} {least}")
    if most is not None and (value > most or (below is True and value == most)):
        yield Problem.of(way, place, f"takes {'less than' if below is True else 'at most'} {most}")
    above, below = _number(above), _number(below)
    if above is not None and value <= above:
        yield Problem.of(way, place, f"takes more than {above}")
    if below is not None and value >= below:
        yield Problem.of(way, place, f"takes less than {below}")


def _steps(way: Way, value: Decimal | None, step: Decimal, place: str) -> Iterator[Problem]:
    wants = f"takes multiples of {step} only"
    digits = max(-_exact().normalize(step).as_tuple().exponent, 0)  # type: ignore[operator]  # it is finite
    hint = f": say scale = {digits}" if way.kind == "decimal" and _is_power(step) else ""
    if value is not None:
        if _rest(value, step):
            yield Problem.of(way, place, wants)
        return
    if way.kind == "int":  # whether it is a multiple of 5 is in the data
        return
    if way.scale is None:
        yield Problem.of(way, place, wants, "warning", hint=hint)
    elif _rest(Decimal((0, (1,), -way.scale)), step):
        yield Problem.of(way, place, wants, "error" if _is_power(step) else "warning", hint=hint)


def _exact() -> Context:
    return Context(prec=2 * _MOST_DIGITS, traps=[InvalidOperation])


def _rest(value: Decimal, step: Decimal) -> bool:
    try:
        return bool(_exact().remainder(value, step))
    except ArithmeticError:  # too far from each other: nothing is known
        return False


def _is_power(step: Decimal) -> bool:
    """0.01, 1, 1000: what a scale can be said for."""
    return _exact().normalize(step).as_tuple().digits == (1,)
