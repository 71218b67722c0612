"""Conversions as lines of the generated code: the common types of a value inline, everything else by the converter.

Whatever raises here is looked at again by the careful pass.
"""

from __future__ import annotations

from integrakit.transform.conversions import Conversion
from integrakit.transform.exact import EXACT_DIGITS, rounder
from integrakit.transform.times import LONGEST_TEXT
from integrakit.transform.writer import SourceWriter

__all__ = ["write_conversion"]


def write_conversion(out: SourceWriter, conversion: Conversion, name: str, *, number: bool) -> None:
    """Converts the variable ``name`` in place. ``number``: it certainly holds a finite Decimal."""
    kind = conversion.to
    call = f"{name} = {out.constant(conversion.convert, 'to_' + kind)}({name})"
    if not getattr(conversion, "inline", True):
        out.line(call)
        return
    if kind == "decimal":
        _write_decimal(out, conversion, name, number, call)
        return
    unless = {"str": f"type({name}) is not str", "int": f"type({name}) is not int", "bool": f"{name} is not True and {name} is not False"}
    if kind == "str":
        with out.block(f"if type({name}) is int:"):
            out.line(f"{name} = str({name})")
    elif kind == "date":
        with out.block(f"if type({name}) is str and len({name}) <= {LONGEST_TEXT}:"):
            out.line(f"{name} = fromisoformat({name})")
    with out.when(unless.get(kind, "")):
        out.line(call)


def _write_decimal(out: SourceWriter, conversion: Conversion, name: str, number: bool, call: str) -> None:
    quick = ""
    if conversion.scale is not None:
        quantize, unit = rounder(conversion.scale, conversion.rounding or "half-even")
        quick = f"{name} = {out.constant(quantize, 'quantize')}({name}, {out.constant(unit)})"
    if number:  # the result of arithmetic, known to be finite
        if quick:
            out.line(quick)
        return
    with out.block(f"if type({name}) is str and len({name}) <= {EXACT_DIGITS} and '_' not in {name} and {name}.isascii():"):
        out.line(f"{name} = Decimal({name})")
    with out.block(f"if type({name}) is not Decimal or not {name}.is_finite():"):
        out.line(call)
    if quick:
        with out.block("else:"):
            out.line(quick)
