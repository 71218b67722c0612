"""The one place that knows cattrs: plain records into attrs classes, with errors that name the path."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import MutableSequence, MutableSet, Sequence, Set
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any, get_args, get_origin

from attrs import Attribute

from integrakit.errors import ConfigurationError, DecodeError

__all__ = ["structure"]

_COLLECTIONS: dict[Any, Any] = {
    list: list,
    MutableSequence: list,
    Sequence: tuple,
    tuple: tuple,
    set: set,
    MutableSet: set,
    frozenset: frozenset,
    Set: frozenset,
}


@cache
def _converter() -> Any:
    # cattrs costs as much to import as httpx; only those who ask for classes need it.
    from cattrs import IterableValidationError, IterableValidationNote
    from cattrs.preconf.json import make_converter

    converter = make_converter(detailed_validation=True)

    def decimal(value: Any, _: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise ValueError(f"{type(value).__name__} is not a number")
        try:
            # A float's shortest text is what stood in the JSON.
            number = Decimal(repr(value) if isinstance(value, float) else value)
        except ArithmeticError:
            raise ValueError(f"{value!r} is not a number") from None
        if not number.is_finite():
            raise ValueError(f"{value!r} is not a number")
        return number

    def exactly(kind: type) -> Any:
        def check(value: Any, _: Any) -> Any:
            if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
                return value
            raise ValueError(f"{type(value).__name__} where {kind.__name__} was agreed")

        return check

    # cattrs' own hooks call int() and str() on anything: 12.7 would become 12, and null the text "None".
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, exactly(kind))

    def real(value: Any, _: Any) -> float:
        if type(value) in (int, Decimal):
            number = float(value)
            if not isfinite(number):
                raise ValueError(f"{value} is too large for a float")
            return number
        return float(exactly(float)(value, _))

    converter.register_structure_hook(float, real)
    converter.register_structure_hook(Decimal, decimal)

    def moment(value: Any, kind: Any) -> Any:
        if isinstance(value, str):
            return kind.fromisoformat(value)
        if isinstance(value, kind) and (kind is not date or not isinstance(value, datetime)):
            return value
        raise ValueError(f"{type(value).__name__} where a {kind.__name__} was agreed")

    for each in (date, datetime, time):
        converter.register_structure_hook(each, moment)
    # cattrs reads base 85; what APIs send is base 64.
    converter.register_structure_hook(bytes, lambda value, _: value if isinstance(value, bytes) else b64decode(value, validate=True))

    # cattrs takes anything that can be walked for a list: a text would become its letters, and an object its names.
    def collection(value: Any, kind: Any) -> Any:
        if not isinstance(value, list | tuple | set | frozenset):
            raise ValueError(f"{type(value).__name__} where a list was agreed")
        made = _COLLECTIONS[get_origin(kind) or kind]
        kinds: Any = get_args(kind) or (Any,)
        if made is tuple and (get_origin(kind) is tuple) and kinds[-1] is not Ellipsis:
            if len(kinds) != len(value):
                raise ValueError(f"{len(value)} items where {len(kinds)} were agreed")
        else:
            kinds = (kinds[0],) * len(value)
        items = []
        for index, (item, item_kind) in enumerate(zip(value, kinds, strict=True)):
            try:
                items.append(converter.structure(item, item_kind))
            except Exception as problem:
                problem.add_note(IterableValidationNote(f"Structuring {kind} @ index {index}", index, item_kind))
                raise IterableValidationError(f"While structuring {kind}", [problem], kind) from problem  # pyright: ignore[reportCallIssue]
        return made(items)

    converter.register_structure_hook_func(lambda kind: (get_origin(kind) or kind) in _COLLECTIONS, collection)
    return converter


def structure(record: Any, into: Any, name: str) -> Any:
    """``record`` as an instance of ``into``. Raises `DecodeError` naming the record and the path of the first misfit.

    A class with a field of a type that nothing can be made into is a `ConfigurationError`.
    """
    converter = _converter()
    try:
        return converter.structure(record, into)
    except Exception as problem:
        # cattrs is loaded by now; at the top it would be loaded for everybody.
        from cattrs.errors import StructureHandlerNotFoundError

        path, why, leaf = _first(problem)
        kind = getattr(into, "__name__", str(into))
        if isinstance(leaf, StructureHandlerNotFoundError):
            raise ConfigurationError(f"into={kind} has a field of a type that no record can be made into: {leaf.type_!r}") from problem
        raise DecodeError(f"{name} does not fit {kind} at {path or 'its root'}: {why}", path=path, record=record) from problem


def _first(problem: BaseException) -> tuple[str, str, BaseException]:
    """Path and words of the first leaf of cattrs' tree of errors, and the leaf."""
    # As above.
    from cattrs import AttributeValidationNote, IterableValidationNote

    path = ""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
        for note in getattr(problem, "__notes__", ()):
            if isinstance(note, AttributeValidationNote):
                path += f".{note.name}"
            elif isinstance(note, IterableValidationNote):
                path += f"[{note.index}]"
    for attribute in problem.args[1:]:
        if isinstance(attribute, Attribute):  # attrs' own validators say it as (words, attribute, …)
            return f"{path}.{attribute.name}".removeprefix("."), str(problem.args[0]), problem
    why = f"no {problem.args[0]!r}" if isinstance(problem, KeyError) and problem.args else str(problem) or type(problem).__name__
    return path.removeprefix("."), why, problem
