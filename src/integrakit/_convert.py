"""The one place that knows cattrs: plain records into attrs classes, with errors that name the path."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

from integrakit.errors import DecodeError

__all__ = ["structure"]


@cache
def _converter() -> Any:
    # cattrs costs as much to import as httpx; only those who ask for classes need it.
    from cattrs.preconf.json import make_converter

    converter = make_converter(detailed_validation=True)

    def decimal(value: Any, _: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise ValueError(f"{type(value).__name__} is not a number")
        # A float's shortest text is what stood in the JSON.
        return Decimal(repr(value) if isinstance(value, float) else str(value) if isinstance(value, str) else value)

    def exactly(kind: type) -> Any:
        def check(value: Any, _: Any) -> Any:
            if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
                return value
            raise ValueError(f"{type(value).__name__} where {kind.__name__} was agreed")

        return check

    # cattrs' own hooks call int() and str() on anything: 12.7 would become 12, and null the text "None".
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, exactly(kind))
    converter.register_structure_hook(float, lambda value, _: float(exactly(float)(float(value) if type(value) in (int, Decimal) else value, _)))
    converter.register_structure_hook(Decimal, decimal)
    for moment in (date, datetime, time):
        converter.register_structure_hook(moment, lambda value, _, kind=moment: value if isinstance(value, kind) else kind.fromisoformat(value))
    return converter


def structure(record: Any, into: Any, name: str) -> Any:
    """``record`` as an instance of ``into``. Raises `DecodeError` naming the record and the path of the first misfit."""
    converter = _converter()
    try:
        return converter.structure(record, into)
    except Exception as problem:
        path, why = _first(problem)
        kind = getattr(into, "__name__", str(into))
        raise DecodeError(f"{name} does not fit {kind} at {path or 'its root'}: {why}", path=path, record=record) from problem


def _first(problem: BaseException) -> tuple[str, str]:
    """Path and words of the first leaf of cattrs' tree of errors."""
    # cattrs is loaded by now; at the top it would be loaded for everybody.
    from cattrs import AttributeValidationNote, IterableValidationNote

    path = ""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
        for note in getattr(problem, "__notes__", ()):
            if isinstance(note, AttributeValidationNote):
                path += f".{note.name}"
            elif isinstance(note, IterableValidationNote):
                path += f"[{note.index}]"
    why = f"no {problem.args[0]!r}" if isinstance(problem, KeyError) and problem.args else str(problem) or type(problem).__name__
    return path.removeprefix("."), why
