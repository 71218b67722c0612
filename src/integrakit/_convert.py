"""The one place that knows cattrs: plain records into attrs classes, with errors that name the path."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, MutableSequence, MutableSet, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, reduce
from itertools import islice
from math import isfinite
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from attrs import NOTHING, Attribute, fields, has, resolve_types

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.money import Money
from integrakit.unset import UNSET, Unset

__all__ = ["structurable", "structure", "structured"]

# A record with a million bad lines must not become a million errors.
_MOST_MISFITS = 1000

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

    def money(value: Any, _: Any) -> Money:
        if isinstance(value, Money):
            return value
        if not isinstance(value, Mapping) or not {"amount", "currency"} <= set(value):
            raise ValueError(f'{type(value).__name__} where an object {{"amount": "12.30", "currency": "EUR"}} was agreed')
        # Not even a float that came from JSON: beyond 15 digits it is not what stood there.
        return Money(value["amount"], value["currency"])

    converter.register_structure_hook(Money, money)

    def moment(value: Any, kind: Any) -> Any:
        if isinstance(value, str):
            return kind.fromisoformat(value)
        if isinstance(value, kind) and (kind is not date or not isinstance(value, datetime)):
            return value
        raise ValueError(f"{type(value).__name__} where a {kind.__name__} was agreed")

    for each in (date, datetime, time):
        converter.register_structure_hook(each, moment)

    def identifier(value: Any, _: Any) -> UUID:
        if isinstance(value, str | UUID):
            return value if isinstance(value, UUID) else UUID(value)
        raise ValueError(f"{type(value).__name__} where a UUID was agreed")

    converter.register_structure_hook(UUID, identifier)
    converter.register_structure_hook(timedelta, exactly(timedelta))

    # ``list[Line] | Unset``: cattrs knows unions of plain types and null only.
    def or_unset(value: Any, kind: Any) -> Any:
        others = tuple(each for each in get_args(kind) if each is not Unset)
        return UNSET if value is UNSET else converter.structure(value, reduce(or_, others))

    def unsettable(kind: Any) -> bool:
        origin: Any = get_origin(kind)
        return (origin is Union or origin is UnionType) and Unset in get_args(kind)

    converter.register_structure_hook_func(unsettable, or_unset)
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
        items: list[Any] = []
        problems: list[Exception] = []
        for index, (item, item_kind) in enumerate(zip(value, kinds, strict=True)):
            try:
                items.append(converter.structure(item, item_kind))
            except Exception as problem:  # noqa: BLE001 - raised below, with those of the other items
                problem.add_note(IterableValidationNote(f"Structuring {kind} @ index {index}", index, item_kind))
                problems.append(problem)
                if len(problems) == _MOST_MISFITS:
                    break
        if problems:
            raise IterableValidationError(f"While structuring {kind}", problems, kind) from problems[0]  # pyright: ignore[reportCallIssue]
        return made(items)

    converter.register_structure_hook_func(lambda kind: (get_origin(kind) or kind) in _COLLECTIONS, collection)
    return converter


def structurable(into: Any) -> None:
    """Raises `ConfigurationError` for a class with a field of a type that nothing can be made into, as far as that shows before there is a record."""
    hook_of = getattr(_converter(), "get_structure_hook", None)
    if hook_of is None:  # an older cattrs, which tells with the first record
        return
    waiting, seen = [into], set()
    while waiting:
        kind = waiting.pop()
        if id(kind) in seen or kind in (Ellipsis, Unset, NoneType):
            continue
        seen.add(id(kind))
        try:
            hook_of(kind)
        except Exception as problem:
            raise _no_way(into, getattr(problem, "type_", kind), problem) from problem
        arguments = get_args(kind) if get_origin(kind) is not Literal else ()
        waiting += arguments[:1] if get_origin(kind) is Annotated else arguments
        if has(kind):
            # What has a default need not be in any record.
            waiting += [field.type for field in fields(resolve_types(kind)) if field.init and field.default is NOTHING and field.type is not None]


def _no_way(into: Any, kind: Any, problem: Exception) -> ConfigurationError:
    name = getattr(into, "__name__", str(into))
    if isinstance(problem, NameError):
        return ConfigurationError(f"into={name}: the types of its fields cannot be found: {problem}")
    return ConfigurationError(f"into={name} has a field of a type that no record can be made into: {kind!r}")


def structured(record: Any, into: Any) -> tuple[Any, list[tuple[tuple[str | int, ...], str]]]:
    """``record`` as an instance of ``into``, and nothing; or None, and everything that does not fit: each path in the record, and why.

    Raises `ConfigurationError` as `structure` does.
    """
    # cattrs is loaded by now, or needed now; at the top it would be loaded for everybody.
    from cattrs.errors import StructureHandlerNotFoundError

    try:
        return _converter().structure(record, into), []
    except Exception as problem:
        misfits = list(islice(_leaves(problem), _MOST_MISFITS))
        for _, leaf in misfits:
            if isinstance(leaf, StructureHandlerNotFoundError):
                raise _no_way(into, leaf.type_, leaf) from problem
        return None, [_told(path, leaf) for path, leaf in misfits]


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
            raise _no_way(into, leaf.type_, leaf) from problem
        raise DecodeError(f"{name} does not fit {kind} at {path or 'its root'}: {why}", path=path, record=record) from problem


def _first(problem: BaseException) -> tuple[str, str, BaseException]:
    """Path and words of the first leaf of cattrs' tree of errors, and the leaf."""
    path, leaf = next(_leaves(problem))
    place, why = _told(path, leaf)
    text = "".join(f"[{part}]" if isinstance(part, int | _Key) else f".{part}" for part in place)
    return text.removeprefix("."), why, leaf


class _Key(str):
    """A key of a dict, where names of attributes are plain text."""


def _leaves(problem: BaseException, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], BaseException]]:
    """Every leaf of cattrs' tree of errors with its path. The tree is as deep as the record."""
    # As above.
    from cattrs import AttributeValidationNote, IterableValidationNote

    for note in getattr(problem, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            path = (*path, note.name)
        elif isinstance(note, IterableValidationNote):
            path = (*path, note.index if isinstance(note.index, int) else _Key(note.index))
    if not isinstance(problem, BaseExceptionGroup):
        yield path, problem
        return
    for inner in problem.exceptions:
        yield from _leaves(inner, path)


def _told(path: tuple[str | int, ...], leaf: BaseException) -> tuple[tuple[str | int, ...], str]:
    """The path to the bad field, and what is wrong with it."""
    for attribute in leaf.args[1:]:
        if isinstance(attribute, Attribute):  # attrs' own validators say it as (words, attribute, …)
            return (*path, attribute.name), str(leaf.args[0])
    if isinstance(leaf, KeyError) and leaf.args:
        return path, f"no {leaf.args[0]!r}"
    return path, str(leaf) or type(leaf).__name__
