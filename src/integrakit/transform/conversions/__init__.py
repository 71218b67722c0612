"""Conversions: what ``to =`` can make of a value. One file for each kind of type, and the registry that lists them all."""

from integrakit.transform.conversions.registry import (
    CONVERSIONS,
    OPTION_TYPES,
    TYPES,
    Conversion,
    Mistake,
    bool_text,
    build,
    convert_text,
)

__all__ = ["CONVERSIONS", "OPTION_TYPES", "TYPES", "Conversion", "Mistake", "bool_text", "build", "convert_text"]
