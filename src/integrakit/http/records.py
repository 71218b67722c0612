"""Finding the records in a body, and making them what ``into=`` asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from integrakit._convert import structure
from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Response

__all__ = ["Selector", "check_selector", "place_of", "select", "structured"]

#: A dotted path, a function of the decoded body, or None: the body itself, or the only list of objects in it.
Selector: TypeAlias = str | Callable[[Any], Any] | None


def check_selector(selector: Any) -> None:
    """Raises `ConfigurationError` for what cannot be a ``records=``."""
    if selector is not None and not callable(selector):
        if not isinstance(selector, str):
            raise ConfigurationError(f"records= takes a dotted path, a function of the decoded body, or None, not {selector!r}")
        parse_path(selector)


def select(response: Response, selector: Selector) -> list[Any]:
    """The records of a page. Raises `DecodeError` when they are not where they should be, `ConfigurationError` when that is not clear."""
    if response.status_code == 204:
        return []  # "no content": nothing is there, and nothing can be
    body = response.json()
    if isinstance(selector, str):
        found = look_up(body, parse_path(selector))
        if found is ABSENT:
            there = f"the body has {_names(body)}" if isinstance(body, Mapping) else f"the body is a {type(body).__name__}"
            raise DecodeError(f"{response}: there are no records at {selector!r}; {there}", path=selector, response=response)
    elif selector is not None:
        found = selector(body)
        if found is not None and not isinstance(found, list):
            found = list(found)
    else:
        found = _only_list(response, body)
    if found is None:
        return []  # null for an empty collection is common, and can be nothing else
    if not isinstance(found, list):
        path = selector if isinstance(selector, str) else ""
        raise DecodeError(
            f"{response}: records={path or selector!r} gives a {type(found).__name__} where a list was agreed", path=path, response=response
        )
    return found


def place_of(records: list[Any], response: Response) -> str | None:
    """The name under which `select` found these in the body by itself: later pages have theirs there too. None: nowhere that has a simple name."""
    body = None if response.status_code == 204 else response.json()
    names = [name for name, value in body.items() if value is records] if isinstance(body, Mapping) else []
    return next((name for name in names if name and "." not in name), None)


def _names(body: Mapping[str, Any]) -> str:
    names = ", ".join(map(repr, list(body)[:12]))
    return names or "nothing in it"


def _only_list(response: Response, body: Any) -> Any:
    if isinstance(body, list):
        return body
    lists = (
        {name: value for name, value in body.items() if isinstance(value, list) and all(isinstance(item, Mapping) for item in value)}
        if isinstance(body, Mapping)
        else {}
    )
    if len(lists) > 1:
        # An empty list says nothing about what would be in it; one that holds objects does.
        filled = {name: value for name, value in lists.items() if value}
        if len(filled) != 1:
            raise ConfigurationError(f"{response}: the body has more than one list of objects, {_names(lists)}: say which with records=")
        raise ConfigurationError(
            f"{response}: the body has the lists {_names(lists)}; the other may fill up later: say which with records={next(iter(filled))!r}"
        )
    if not lists:
        what = f"has {_names(body)}" if isinstance(body, Mapping) else f"is a {type(body).__name__}"
        raise DecodeError(f"{response}: there is no list of records in the body, which {what}: say where with records=", response=response)
    return next(iter(lists.values()))


def structured(records: list[Any], into: Any, first: int, on_invalid: Callable[[Any, DecodeError], None] | None) -> tuple[list[Any], int]:
    """The records as instances of ``into``, and how many were not fit and went to ``on_invalid``.

    ``first`` is the number of records before these, for messages. Without ``on_invalid`` a misfit raises `DecodeError`.
    """
    good, bad = [], 0
    for index, record in enumerate(records, first):
        try:
            good.append(structure(record, into, f"record {index}"))
        except DecodeError as problem:
            if on_invalid is None:
                raise
            on_invalid(record, problem)
            bad += 1
    return good, bad
