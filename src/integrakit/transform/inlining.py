"""Conversions as lines of the generated code: the common types of a value inline, everything else by the converter.

Whatever raises here is looked at again by the careful pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from integrakit.transform.conversions import Conversion
from integrakit.transform.conversions.times import LONGEST_TEXT
from integrakit.transform.exact import EXACT_DIGITS, rounder
from integrakit.transform.writer import SourceWriter

if TYPE_CHECKING:
    from integrakit.transform.generating import Value

__all__ = ["write_conversion"]

# Text at least as long as this has a day and a time of day; what is shorter is left to the converter.
_SHORTEST_MOMENT = len("2000-12-31T23:59")


def write_conversion(out: SourceWriter, conversion: Conversion, value: Value) -> bool:
    """Converts the variable in place, null and what may be missing left alone. False, and nothing written, where only the converter can do it.

    What is written raises for UNSET where the value may not be missing.
    """
    write = _WRITERS.get(conversion.to)
    if write is None or not _plain(conversion):
        return False
    name = value.name
    write(out, conversion, value, f"{name} = {out.constant(conversion.convert, 'to_' + conversion.to)}({name})")
    return True


def _plain(conversion: Conversion) -> bool:
    if conversion.to == "datetime":
        return conversion.options.keys() <= {"timezone", "fold", "gap"}
    return conversion.inline


def _and(*conditions: str) -> str:
    return " and ".join(filter(None, conditions))


def _write_str(out: SourceWriter, conversion: Conversion, value: Value, call: str) -> None:
    name = value.name
    with out.block(f"if type({name}) is int:"):
        out.line(f"{name} = str({name})")
    with out.block(f"elif {_and(f'type({name}) is not str', value.present())}:"):
        out.line(call)


def _write_int(out: SourceWriter, conversion: Conversion, value: Value, call: str) -> None:
    with out.block(f"if {_and(f'type({value.name}) is not int', value.present())}:"):
        out.line(call)


def _write_bool(out: SourceWriter, conversion: Conversion, value: Value, call: str) -> None:
    with out.block(f"if {_and(f'{value.name} is not True and {value.name} is not False', value.present())}:"):
        out.line(call)


def _write_decimal(out: SourceWriter, conversion: Conversion, value: Value, call: str) -> None:
    name, quick = value.name, ""
    if conversion.scale is not None:
        scale, rounding = conversion.scale, conversion.rounding or "half-even"
        quantize = out.shared(("quantize", rounding), "quantize", lambda: rounder(0, rounding)[0])
        quick = f"{name} = {quantize}({name}, {out.shared(('unit', scale), 'unit', lambda: rounder(scale, rounding)[1])})"
    if value.number:  # the result of arithmetic, known to be finite
        if quick:
            with out.when(value.present()):
                out.line(quick)
        return
    with out.block(f"if type({name}) is str and len({name}) <= {EXACT_DIGITS} and '_' not in {name} and {name}.isascii():"):
        out.line(f"{name} = Decimal({name})")
    if quick:
        with out.block(f"if type({name}) is Decimal and {name}.is_finite():"):
            out.line(quick)
        with out.block(f"elif {value.present()}:" if value.present() else "else:"):
            out.line(call)
    else:
        with out.block(f"if {_and(f'(type({name}) is not Decimal or not {name}.is_finite())', value.present())}:"):
            out.line(call)


def _write_date(out: SourceWriter, conversion: Conversion, value: Value, call: str) -> None:
    name = value.name
    with out.block(f"if type({name}) is str and len({name}) <= {LONGEST_TEXT} and 'W' not in {name}:"):  # a week may lack its day
        out.line(f"{name} = fromisoformat({name})")
    zone = conversion.options.get("timezone")
    if zone is None:
        with out.block(f"if type({name}) is datetime and {name}.tzinfo is None:"):
            out.line(f"{name} = {name}.date()")
    else:
        with out.block(f"if type({name}) is datetime:"):
            out.line(f"{name} = ({name} if {name}.tzinfo is None else {name}.astimezone({_zone(out, zone)})).date()")
    with out.block(f"elif {value.present()}:" if value.present() else "else:"):
        out.line(call)


def _write_datetime(out: SourceWriter, conversion: Conversion, value: Value, call: str) -> None:
    name = value.name
    with out.block(f"if type({name}) is str and {_SHORTEST_MOMENT} <= len({name}) <= {LONGEST_TEXT} and 'W' not in {name}:"):
        out.line(f"{name} = fromisoformat({name})")
    zone = conversion.options.get("timezone")
    if zone is None:
        with out.block(f"if {_and(f'(type({name}) is not datetime or {name}.tzinfo is None)', value.present())}:"):
            out.line(call)
        return
    with out.block(f"if type({name}) is datetime and {name}.tzinfo is not None:"):
        out.line(f"{name} = {name}.astimezone({_zone(out, zone)})")
    with out.block(f"elif {value.present()}:" if value.present() else "else:"):
        out.line(call)


def _zone(out: SourceWriter, name: str) -> str:
    return out.shared(("zone", name), "zone", lambda: ZoneInfo(name))


_WRITERS = {
    "str": _write_str,
    "int": _write_int,
    "bool": _write_bool,
    "decimal": _write_decimal,
    "date": _write_date,
    "datetime": _write_datetime,
}
