"""What a caller gives as parameters, bodies and files, as the HTTP libraries take it. Opens files, and does no other I/O."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from integrakit._json import dumps
from integrakit.errors import ConfigurationError
from integrakit.model.exchange import Request
from integrakit.unset import UNSET

__all__ = ["check_data", "check_files", "encode_params", "encoded", "open_files"]


def encode_params(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Query parameters as text: None and UNSET are left out, a list repeats its name, booleans are ``true`` and ``false``, times are ISO 8601."""
    pairs = []
    for name, value in params.items():
        values = value if isinstance(value, list | tuple) else (value,)
        pairs += [
            (name, item if type(item) is str and item.isascii() else _text(name, item)) for item in values if item is not None and item is not UNSET
        ]
    return pairs


def _text(name: str, value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        # Written out, 1E+999999999 would fill all memory.
        return format(value, "f" if -1000 < value.adjusted() < 1000 else "E")
    refuse_secret("params", name, value)
    if isinstance(value, Mapping | bytes | bytearray | set | frozenset | list | tuple):
        raise ConfigurationError(f"params={{{name!r}: …}} holds a {type(value).__name__}: give text, numbers, times, or a list of these")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"params={{{name!r}: …}} holds half a character, which cannot be sent: {text!r:.60}") from None
    return text


def refuse_secret(where: str, name: str, value: Any) -> None:
    """A `Secret` has no text of its own: what would be sent instead of it are words about it."""
    if hasattr(value, "reveal"):
        raise ConfigurationError(
            f"{where}={{{name!r}: …}} holds a {type(value).__name__}, which is not sent: give it to auth=, or its value by reveal()"
        )


# ---------------------------------------------------------------------- the final bytes


def encoded(request: Request) -> Request:
    """The request as it will be sent, byte for byte, for those who sign it: the whole URL, and the body as bytes with its content type.

    The path is written as the HTTP library would write it, the query with nothing unescaped but RFC 3986's unreserved characters, so that neither has
    anything left to normalise. The names of parameters stay, without values, since they tell what to take out of the URL that a response shows.
    Raises `ConfigurationError` for what cannot be known beforehand (multipart) or would be signed over by the library (user info in the URL).
    """
    if request.files is not None:
        raise ConfigurationError(f"{request} cannot be signed: what files= sends is not known before; read the file and give content=")
    # Imported here: on first use, as everywhere. Its sibling httpx2 writes URLs and forms in the same way.
    import httpx

    url = request.url.partition("#")[0]
    if request.params and (pairs := encode_params(request.params)):
        url += ("&" if "?" in url else "?") + urlencode(pairs)
    headers, content = request.headers, request.content
    try:
        # Twice: a scheme in capitals hides a default port from it the first time.
        parsed = httpx.URL(str(httpx.URL(url)))
        if request.json is not None:
            content = dumps(request.json)
            headers = {"content-type": "application/json", **headers}
        elif request.data is not None:
            form = httpx.Request("POST", parsed, data=dict(request.data))
            content = form.content
            if request.data:
                headers = {"content-type": form.headers["content-type"], **headers}
        elif isinstance(content, str):
            content = content.encode()
    except (httpx.InvalidURL, TypeError, ValueError) as problem:
        raise ConfigurationError(f"{request} cannot be built: {problem}") from problem
    if parsed.userinfo:
        raise ConfigurationError(f"{request} cannot be signed: its URL holds a user name or password, which the HTTP library would sign with instead")
    path, _, query = parsed.raw_path.decode("ascii").partition("?")
    query = "&".join(_strict(part) for part in query.split("&") if part)
    url = f"{parsed.scheme}://{parsed.netloc.decode('ascii')}{path}{'?' if query else ''}{query}"
    return request.copy(url=url, params=dict.fromkeys(request.params), headers=headers, content=content, json=None, data=None)


def _strict(part: str) -> str:
    """One part of a query in the one way that every signer and server reads alike. A plus is a space, as in forms."""
    name, mark, value = (piece.replace("+", " ") for piece in part.partition("="))
    return quote(unquote_to_bytes(name), safe="") + mark + quote(unquote_to_bytes(value), safe="")


# ---------------------------------------------------------------------- files


def _entries(files: Any) -> Iterable[tuple[str, Any]]:
    entries: Iterable[tuple[str, Any]] = files.items() if isinstance(files, Mapping) else files
    return entries


def check_data(data: Any) -> None:
    """Raises `ConfigurationError` unless it is a mapping of form fields."""
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"data= takes a mapping of form fields, not {type(data).__name__}; bytes and text go to content=")
    for name, value in data.items():
        for item in value if isinstance(value, list | tuple) else (value,):
            refuse_secret("data", name, item)


def check_files(files: Any) -> None:
    """Raises `ConfigurationError` unless it is a mapping (or a list of pairs) of field names to paths, open files, bytes, or (name, content, …)."""
    wrong = 'files= takes {"field": Path("orders.csv")}, an open binary file, bytes, or (name, content, type)'
    try:
        entries = list(_entries(files))
        pairs = [(name, value) for name, value in entries]
    except (TypeError, ValueError):
        raise ConfigurationError(f"{wrong}, not {type(files).__name__}") from None
    for name, value in pairs:
        if isinstance(value, str):
            raise ConfigurationError(f"files={{{name!r}: …}} is a text, which may be a path or the content: give Path(…), or (name, content)")
        if not isinstance(value, tuple | os.PathLike | bytes) and not hasattr(value, "read"):
            raise ConfigurationError(f"{wrong}, not {type(value).__name__} for {name!r}")


def open_files(files: Any, opened: list[IO[bytes]]) -> list[tuple[str, Any]]:
    """The same with paths opened; what was opened is added to ``opened``, for the caller to close."""

    def content(value: Any) -> Any:
        if not isinstance(value, os.PathLike):
            return value
        try:
            opened.append(open(value, "rb"))  # noqa: SIM115 - closed once it is sent
        except OSError as problem:
            raise ConfigurationError(f"files=… cannot be read: {problem}") from problem
        return opened[-1]

    entries = []
    for name, value in _entries(files):
        if isinstance(value, tuple) and len(value) > 1:
            entries.append((name, (value[0], content(value[1]), *value[2:])))
        else:
            entries.append((name, (Path(value).name, content(value)) if isinstance(value, os.PathLike) else value))
    return entries
