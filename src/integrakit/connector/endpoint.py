"""`Endpoint`: one way of writing, as data: method, path, and where the record stands in the body. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import quote
from uuid import UUID

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.http.paths import ABSENT, look_up, parse_path

__all__ = ["Endpoint", "fill", "placeholders"]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders(template: str) -> list[str] | None:
    """The names in the braces of a path; None when the braces do not match, or hold no name."""
    names = _PLACEHOLDER.findall(template)
    rest = _PLACEHOLDER.sub("", template)
    return names if "{" not in rest and "}" not in rest and all(all(name.split(".")) for name in names) else None


def fill(template: str, values: Mapping[str, Any], what: str) -> str:
    """A path with its ``{placeholders}`` filled in and percent-encoded: a key with a slash stays one key."""

    def one(match: re.Match[str]) -> str:
        value = look_up(values, parse_path(match[1]))
        if value is ABSENT or value is None or value == "":
            raise ConfigurationError(f"{what} needs {match[1]!r} for {template!r}, and there is none")
        text = _text(value)
        if text is None or text in (".", ".."):
            raise ConfigurationError(f"{what}: {match[1]}={value!r} cannot stand in a path")  # dots would name another resource
        try:
            return quote(text, safe="")
        except UnicodeEncodeError:
            raise ConfigurationError(f"{what}: {match[1]}={value!r} cannot be written in a URL") from None

    return _PLACEHOLDER.sub(one, template)


def _text(value: Any) -> str | None:
    """A key as it stands in a path. None for what names no record: the words that Python has for an object would be sent as a key."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value) if isinstance(value, str | int | float | UUID) and not isinstance(value, bool) else None


def _upper(method: Any) -> Any:
    return method.upper() if isinstance(method, str) else method


def _method(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or value not in ("POST", "PUT", "PATCH", "DELETE"):
        raise ConfigurationError(f"Endpoint(method, path) takes POST, PUT, PATCH or DELETE as its method, not {value!r}")


def _path(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value.startswith(("/", "http://", "https://")):
        raise ConfigurationError(f"Endpoint(method, path) takes a path that begins with '/', not {value!r}")
    if placeholders(value) is None:
        raise ConfigurationError(f"Endpoint(method, path): the braces of {value!r} do not match, or hold no name: write them as in '/orders/{{key}}'")


def _name(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or not all(value.split("."))):
        raise ConfigurationError(f"Endpoint({attribute.name}=…) takes the name of a field or a dotted path, not {value!r}")


def _size(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"Endpoint(size=…) takes the most records of one request, 1 or more, not {value!r}")


@frozen
class Endpoint:
    """How one kind of change is sent, e.g. ``Endpoint("PATCH", "/customers/{key}", body="customer")``.

    ``{key}`` is the system's own key of the record, other placeholders are fields of it. ``body``: the field of the request (and of the answer) that
    the record stands in; None: the record is the body. For a batch: ``size`` records at most, ``results`` where the answer lists what became of
    each, ``correlate`` the field by which they are told apart; without it they are taken in order.
    """

    method: str = field(validator=_method, converter=_upper)
    path: str = field(validator=_path)
    body: str | None = field(default=None, validator=_name, kw_only=True)
    size: int | None = field(default=None, validator=_size, kw_only=True)
    results: str | None = field(default=None, validator=_name, kw_only=True)
    correlate: str | None = field(default=None, validator=_name, kw_only=True)

    def url(self, key: Any, record: Mapping[str, Any] | None) -> str:
        """The path for one record. Raises `ConfigurationError` when a placeholder has no value."""
        return fill(self.path, {**(record or {}), "key": key}, f"{self.method} of record {key!r}")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
