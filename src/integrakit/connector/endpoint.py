"""`Endpoint`: one way of writing, as data: method, path, and where the record stands in the body. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from integrakit.errors import ConfigurationError

__all__ = ["Endpoint", "fill"]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def fill(template: str, values: Mapping[str, Any], what: str) -> str:
    """A path with its ``{placeholders}`` filled in and percent-encoded: a key with a slash stays one key."""

    def one(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if value is None or value == "":
            raise ConfigurationError(f"{what} needs {match[1]!r} for {template!r}, and there is none")
        return quote(str(value), safe="")

    return _PLACEHOLDER.sub(one, template)


def _upper(method: Any) -> Any:
    return method.upper() if isinstance(method, str) else method


def _method(owner: Any, attribute: Any, value: Any) -> None:
    if value not in ("POST", "PUT", "PATCH", "DELETE"):
        raise ConfigurationError(f"Endpoint(method, path) takes POST, PUT, PATCH or DELETE as its method, not {value!r}")


def _path(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value.startswith(("/", "http://", "https://")):
        raise ConfigurationError(f"Endpoint(method, path) takes a path that begins with '/', not {value!r}")


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
    body: str | None = field(default=None, kw_only=True)
    size: int | None = field(default=None, validator=_size, kw_only=True)
    results: str | None = field(default=None, kw_only=True)
    correlate: str | None = field(default=None, kw_only=True)

    def url(self, key: Any, record: Mapping[str, Any] | None) -> str:
        """The path for one record. Raises `ConfigurationError` when a placeholder has no value."""
        return fill(self.path, {**(record or {}), "key": key}, f"{self.method} of record {key!r}")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
