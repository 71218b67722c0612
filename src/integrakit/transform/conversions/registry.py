"""Every type name that ``to =`` knows, in one table, and the one way to build a conversion of it.

A converter takes any value but null and gives the target type, or raises `Misfit`. It never loses information silently: no truncation, no guess, no
float that pretends to be exact. The conversions themselves live in rooms of their own: numbers in `numeric`, moments in `times`, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrakit.transform.conversions.amounts import MINOR, MONEY
from integrakit.transform.conversions.bools import BOOL, bool_text
from integrakit.transform.conversions.countries import COUNTRY
from integrakit.transform.conversions.currency_codes import CURRENCY
from integrakit.transform.conversions.durations import DURATION
from integrakit.transform.conversions.enums import ENUM
from integrakit.transform.conversions.identifiers import EMAIL, UUID_TYPE
from integrakit.transform.conversions.numeric import DECIMAL, FLOAT, INT
from integrakit.transform.conversions.phones import PHONE
from integrakit.transform.conversions.target_types import Conversion, Mistake, Option, TargetType
from integrakit.transform.conversions.texts import STR, convert_text
from integrakit.transform.conversions.times import DATE, DATETIME, TIME

__all__ = ["CONVERSIONS", "OPTION_TYPES", "TYPES", "Conversion", "Mistake", "bool_text", "build", "convert_text"]

#: The names ``to =`` knows.
TYPES: dict[str, TargetType] = {
    "str": STR,
    "int": INT,
    "float": FLOAT,
    "decimal": DECIMAL,
    "bool": BOOL,
    "date": DATE,
    "datetime": DATETIME,
    "time": TIME,
    "duration": DURATION,
    "enum": ENUM,
    "phone": PHONE,
    "country": COUNTRY,
    "currency": CURRENCY,
    "money": MONEY,
    "minor": MINOR,
    "email": EMAIL,
    "uuid": UUID_TYPE,
}

#: The names ``to =`` knows, and the options each takes.
CONVERSIONS: dict[str, tuple[str, ...]] = {to: tuple(kind.options) for to, kind in TYPES.items()}

#: For an editor: type name → option → what a file may say there, as JSON Schema.
OPTION_TYPES: dict[str, dict[str, Mapping[str, Any]]] = {
    to: {name: option.schema for name, option in kind.options.items()} for to, kind in TYPES.items()
}


def _read(option: Option, name: str, value: Any) -> Any:
    try:
        return option.read(name, value)
    except Mistake as problem:
        problem.option = name
        raise


def build(to: str, options: Mapping[str, Any], *, shortest: bool = False) -> Conversion:
    """The conversion of one field from its options as the mapping has them. Raises `Mistake`.

    ``shortest``: floats count by their shortest text, as the rule around says; only types that have the option ``float`` look at it.
    """
    kind = TYPES[to]
    given = {name: _read(option, name, options[name]) for name, option in kind.options.items() if name in options}
    if shortest and "float" in kind.options:
        given["float"] = True
    if "scale" in given:
        given.setdefault("rounding", "half-even")
    shown = {"float": "shortest", **given, **options}
    words = [to, *(option.say(name, shown[name]) for name, option in kind.options.items() if name in given)]
    made = kind.make(given)
    return Conversion(
        to=to,
        convert=made.convert,
        words=", ".join(words),
        scale=given.get("scale") if to == "decimal" else None,
        rounding=given.get("rounding") if to == "decimal" else None,
        inline=made.inline,
        gives=made.gives,
        options=dict(options),
    )
