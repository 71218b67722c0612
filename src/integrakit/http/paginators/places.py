"""Where paginators read and write: places in bodies, headers and queries, and the checks of what a paginator is told. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urljoin

from attrs import Attribute

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.paths import ABSENT, look_up, parse_path, put_at
from integrakit.model import Request, Response
from integrakit.model.exchange import is_header_name, without_params

#: No number of rows is larger, and no number that is a cursor has more digits: written out, 1E+999999999 fills all memory.
WHOLE, DIGITS = 10**18, 1000

#: What JSON can say and nothing else can: halves of characters.
_HALVES = re.compile("[\ud800-\udfff]")

Place: TypeAlias = Literal["params", "json", "header"]


def a_name(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a name or dotted path, not {value!r}")


def a_path(owner: Any, attribute: Any, value: Any) -> None:
    """A dotted path, or ``header:`` and a name."""
    a_name(owner, attribute, value)
    if value.removeprefix("header:") == "" or not (value.startswith("header:") or all(value.split("."))):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a dotted path or 'header:X-Name', not {value!r}")


def a_body_path(owner: Any, attribute: Any, value: Any) -> None:
    a_path(owner, attribute, value)
    if value.startswith("header:"):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a dotted path in a record, not {value!r}")


def a_path_or_none(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        a_path(owner, attribute, value)


def join_link(response: Response, link: str) -> str:
    try:
        return urljoin(response.url, link)
    except ValueError as problem:
        raise DecodeError(f"{response}: the URL of the next page cannot be read ({problem})", response=response) from problem


def says_more(response: Response, path: str) -> bool:
    more = read_at(response, path)
    return more is not ABSENT and bool(more) and str(more).lower() not in ("false", "0", "no")


def a_name_or_none(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        a_name(owner, attribute, value)


def a_size(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a whole number of 1 or more, not {value!r}")


def a_start(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes the first number, 0 or more, not {value!r}")


def a_place(owner: Any, attribute: Attribute[Place], value: Place) -> None:
    if not isinstance(value, str) or value not in ("params", "json", "header"):
        raise ConfigurationError(f"{type(owner).__name__}(in_=…) takes 'params', 'json' or 'header', not {value!r}")


def check_names(owner: Any, place: Place, *names: str | None) -> None:
    """Whether parameters can stand in their place, and each in one of its own."""
    given = [name for name in names if name is not None]
    for name in given:
        if (place == "header" and not is_header_name(name)) or (place == "json" and not all(name.split("."))):
            what = "the name of a header" if place == "header" else "a dotted path such as 'query.after'"
            raise ConfigurationError(f"{type(owner).__name__}(in_={place!r}) takes {what} for each parameter, not {name!r}")
    if len({name.lower() if place == "header" else name for name in given}) != len(given):
        raise ConfigurationError(f"{type(owner).__name__} has two parameters of the same name, {given[0]!r}: one would overwrite the other")


def read_at(response: Response, path: str) -> Any:
    """What stands at a dotted path of the body, or in a header (``header:X-Total``); ABSENT when it is not there."""
    if path.startswith("header:"):
        value = response.headers.get(path.removeprefix("header:"))
        return ABSENT if value is None else value
    if response.status_code == 204:
        return ABSENT
    return look_up(response.json(), parse_path(path))


def put_parameter(request: Request, name: str, value: Any, place: Place) -> Request:
    if place == "json":
        return request.copy(json=put_at(request.json if request.json is not None else {}, parse_path(name), value))
    request = request.copy()
    if place == "header":
        text = str(value)
        if not text.isascii() or not text.isprintable():
            raise DecodeError(f"{request}: {value!r} cannot go into the header {name}", path=name)
        request.headers[name.lower()] = text
    else:
        # What stands in the URL itself would go out beside it.
        request.url = without_params(request.url, lambda given, _: given == name)
        request.params[name] = value
    return request


def parameter_of(request: Request, name: str, place: Place) -> Any:
    if place == "json":
        return look_up(request.json, parse_path(name))
    if place == "header":
        return request.headers.get(name.lower(), ABSENT)
    if name not in request.params and "?" in request.url:
        return dict(parse_qsl(request.url.partition("#")[0].partition("?")[2], keep_blank_values=True)).get(name, ABSENT)
    return request.params.get(name, ABSENT)


def whole_number(value: Any, name: str, said_by: Request | Response) -> int:
    try:
        if isinstance(value, float | Decimal) and not -WHOLE < value < WHOLE:
            raise ValueError  # a Decimal of twenty characters may have a thousand million digits
        if isinstance(value, bool) or (isinstance(value, float | Decimal) and value != int(value)) or int(value) < 0:
            raise ValueError
        if isinstance(value, str) and not (value.strip().isascii() and value.strip().isdecimal()):
            raise ValueError  # int() would take 1_000 too
        return int(value)
    except (TypeError, ValueError, ArithmeticError):
        response = said_by if isinstance(said_by, Response) else None
        raise DecodeError(f"{said_by}: {name} holds {value!r} where a whole number was agreed", path=name, response=response) from None


def check_cursor(cursor: Any, path: str, response: Response) -> None:
    if (isinstance(cursor, Decimal) and abs(cursor.adjusted()) > DIGITS) or (isinstance(cursor, str) and _HALVES.search(cursor)):
        raise DecodeError(f"{response}: {path} holds {str(cursor)!r:.60} where a cursor was agreed", path=path, response=response)
    if isinstance(cursor, bool) or not isinstance(cursor, str | int | float | Decimal):
        raise DecodeError(f"{response}: {path} holds {type(cursor).__name__} where a cursor was agreed", path=path, response=response)


def declared_at(response: Response, path: str | None) -> int | None:
    if path is None:
        return None
    value = read_at(response, path)
    if value is ABSENT or value is None:
        return None
    if path.startswith("header:") and "/" in str(value):
        # Content-Range: items 0-49/830, or …/* when the server does not know.
        value = str(value).rpartition("/")[2]
        if value == "*":
            return None
    return whole_number(value, path, response)


def total_told(paginator: Any, response: Response) -> int | None:
    """The number of records that this answer declares, by a paginator that reads one; None where there is none."""
    declared = getattr(paginator, "declared_total", None)
    total: int | None = None if declared is None else declared(response)
    return total
