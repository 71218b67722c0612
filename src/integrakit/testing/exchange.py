"""One exchange as the simulator sees it: the call that came in, the reply that goes out, and the record of both that a test can read.

Values only. Nothing here knows whether the bytes came over a socket or from the same process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from attrs import Factory, define, field, frozen

from integrakit._json import dumps, loads

__all__ = ["Call", "Headers", "RecordedRequest", "Reply", "error_reply", "json_reply", "recorded"]


class Headers(Mapping[str, str]):
    """Header fields, found in any spelling of their names; a name that came twice has its values joined with a comma."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        values: dict[str, str] = {}
        for name, value in pairs:
            name = name.lower()
            values[name] = f"{values[name]}, {value}" if name in values else value
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Headers {', '.join(self._values)}>"  # names only: values hold credentials


@define(eq=False)
class Call:
    """A request as it arrived. ``target`` is the path and query, as they stood in the request line."""

    method: str
    target: str
    headers: Headers = Factory(Headers)
    body: bytes = b""
    path: str = field(init=False)
    query: list[tuple[str, str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.path, _, query = self.target.partition("?")
        self.query = parse_qsl(query, keep_blank_values=True) if query else []


@define(eq=False)
class Reply:
    """What is to be sent back, ``delay`` seconds later. ``dropped``: the connection is closed instead, and the rest says what was not told."""

    status: int | None
    headers: list[tuple[str, str]] = Factory(list)
    body: bytes = b""
    delay: float = 0.0
    dropped: bool = False
    #: The idempotency key that is in use until this reply is out.
    key: str | None = None


@frozen(kw_only=True)
class RecordedRequest:
    """What the simulator remembers of one request.

    ``status`` is what the server decided, whether or not the answer arrived; None where it decided nothing (fault ``drop``). ``fault`` is the
    injected fault that took effect. ``at`` is the arrival in seconds on the simulator's clock.
    """

    method: str
    #: As it was sent, percent-encoding and all, without the query.
    path: str
    #: Decoded; of a parameter that came several times, the last value.
    query: dict[str, str]
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    status: int | None
    fault: str | None = None
    at: float = 0.0
    #: The ``X-Request-Id`` of the answer.
    id: str = ""

    def json(self) -> Any:
        """The decoded body, fractions as Decimals; ValueError when it is not JSON."""
        return loads(self.body, decimals=True)


def recorded(call: Call, status: int | None, *, fault: str | None = None, at: float = 0.0, id: str = "") -> RecordedRequest:
    """What is remembered of a call."""
    return RecordedRequest(
        method=call.method,
        path=call.path,
        query=dict(call.query),
        headers=call.headers,
        body=call.body,
        status=status,
        fault=fault,
        at=at,
        id=id,
    )


_JSON = ("Content-Type", "application/json")


def json_reply(status: int, body: bytes, *headers: tuple[str, str]) -> Reply:
    """A reply whose body is JSON already."""
    return Reply(status, [_JSON, *headers], body)


def error_reply(status: int, code: str, message: str, *headers: tuple[str, str]) -> Reply:
    """A refusal as JSON: ``{"error": {"code": …, "message": …}}``."""
    return json_reply(status, dumps({"error": {"code": code, "message": message}}), *headers)
