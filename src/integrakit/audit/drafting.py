"""What of an exchange goes into a record, and what never does. Pure: values in, a flat JSON-able draft out; absent is what is not known.

Bodies, header values, credentials and keys are never part of a draft; bodies and keys by their hash at most.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from attrs import Factory, define, frozen

from integrakit._json import dumps
from integrakit.errors import ConfigurationError
from integrakit.model import Request, Response
from integrakit.model.exchange import is_secret_name, mask_url

__all__ = ["Drafting", "Exchange", "iso"]

#: What a server sends as its id, or a caller as a URL, is cut here.
_LONGEST, _LONGEST_URL = 200, 4000


@define(eq=False)
class Exchange:
    """One call under way: what its attempts and its end have to know of each other."""

    call: str
    actor: str | None
    #: The parameters as the caller gave them: what is added on the way to the wire may be a credential.
    params: Mapping[str, Any] | None
    #: What the client hands each exchange of this call to.
    record: Callable[..., Awaitable[Response]] | None = None
    attempts: int = 0
    #: Hashes of the latest attempt, for the record of the call: no body is hashed twice.
    latest: Mapping[str, Any] = Factory(dict)
    #: The end of an attempt that went well, written together with the end of the call: one flush of the disk for both.
    held: list[dict[str, Any]] = Factory(list)
    #: Attempts of a call that is over, and those that stand in no call, are written by themselves.
    ended: bool = True

    def take(self) -> list[dict[str, Any]]:
        held, self.held = self.held, []
        return held


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


@frozen(kw_only=True)
class Drafting:
    """The choices of one log."""

    bodies: str
    key: bytes | None
    values: bool
    messages: bool
    redact: Callable[[str], str] | None

    def digest(self, data: bytes) -> str:
        if self.key is not None:
            return "hmac-sha256:" + hmac.new(self.key, data, hashlib.sha256).hexdigest()
        return "sha256:" + hashlib.sha256(data).hexdigest()

    def text(self, value: str, longest: int = _LONGEST) -> str:
        if self.redact is not None:
            # Before it is cut: half a secret would not be recognised.
            value = self.redact(value)
        # Half a character (a lone surrogate) cannot be written.
        value = value.encode("utf-8", "replace").decode()
        return value if len(value) <= longest else value[:longest] + "…"

    def request(self, request: Request, given: Mapping[str, Any] | None, *, body: bool = True) -> dict[str, Any]:
        """Method, URL, parameters, header names, hashes. ``given``: the parameters whose values the caller chose; the values of others are hidden."""
        draft: dict[str, Any] = {"method": self.text(request.method), "url": self.text(self._url(request.url), _LONGEST_URL)}
        if request.params:
            draft["params"] = [pair for name, value in request.params.items() for pair in self._pairs(str(name), value, given)]
        if request.headers:
            draft["headers"] = sorted(self.text(name.lower()) for name in request.headers)
        if request.idempotency_key is not None:
            draft["idempotency_key_hash"] = self.digest(str(request.idempotency_key).encode("utf-8", "surrogatepass"))
        if body and self.bodies != "none":
            self._body(draft, "request", _content(request))
        return draft

    def _url(self, url: str) -> str:
        url = mask_url(url)
        if self.values or "?" not in url:
            return url
        before, _, query = url.partition("?")
        return before + "?" + "&".join(name + mark + ("***" if mark else "") for name, mark, _ in (part.partition("=") for part in query.split("&")))

    def _pairs(self, name: str, value: Any, given: Mapping[str, Any] | None) -> list[list[str]]:
        name = self.text(name)
        if not self.values or is_secret_name(name) or given is None or name not in given or given[name] != value:
            return [[name, "***"]]
        return [[name, self.text(str(item))] for item in (value if isinstance(value, list | tuple) else (value,)) if item is not None]

    def _body(self, draft: dict[str, Any], whose: str, content: bytes | None) -> None:
        if content and self.bodies != "none":
            draft[f"{whose}_hash"] = self.digest(content)
            draft[f"{whose}_bytes"] = len(content)

    def response(self, response: Response, hashes: Mapping[str, Any] | None = None, *, secret: bool = False) -> dict[str, Any]:
        """``hashes``: those of the attempt it came from, where there was one: no body is hashed twice. ``secret``: the bodies are credentials."""
        draft: dict[str, Any] = {"status": response.status_code}
        if response.error is not None:
            draft["error"] = type(response.error).__name__
            if self.messages and not secret:
                draft["message"] = self.text(str(response.error), _LONGEST_URL)
        if request_id := response.request_id:
            # Servers echo what they were sent, credentials included.
            draft["request_id"] = self.text(request_id if response._hide is None else response._hide(request_id))
        if hashes or secret:
            return {**draft, **(hashes or {})}
        self._body(draft, "response", _read(response.raw))
        # Forms and files are encoded by the HTTP library: what it sent is known afterwards.
        self._body(draft, "request", _read(getattr(response.raw, "request", None)))
        return draft

    def error(self, problem: BaseException, *, secret: bool = False) -> dict[str, Any]:
        draft: dict[str, Any] = {"error": type(problem).__name__}
        if isinstance(sent := getattr(problem, "sent", None), bool):
            draft["sent"] = sent
        if isinstance(status := getattr(problem, "status_code", None), int):
            draft["status"] = status
        if self.messages and not secret:
            draft["message"] = self.text(str(problem), _LONGEST_URL)
        return draft


def _content(request: Request) -> bytes | None:
    """The body as it will be sent, as far as that is known before: not for files."""
    if request.json is not None:
        try:
            return dumps(request.json)
        except ConfigurationError:
            return None  # it cannot be sent either: whoever sends it says so
    if request.content is not None:
        content = request.content.encode("utf-8", "surrogatepass") if isinstance(request.content, str) else request.content
        return content if isinstance(content, bytes) else None
    if request.data and request.files is None and isinstance(request.data, Mapping):
        return _form(request.data)
    return None


def _form(data: Mapping[str, Any]) -> bytes:
    # As httpx and httpx2 do it (0.28, 2.0): lists repeat their name, true and false are small, None is empty.
    pairs = [(name, item) for name, value in data.items() for item in (value if isinstance(value, list | tuple) else (value,))]
    plain = {True: "true", False: "false", None: ""}
    shown = [(name, plain[item] if item is None or isinstance(item, bool) else str(item)) for name, item in pairs]
    return urlencode(shown, errors="surrogatepass").encode()


def _read(message: Any) -> bytes | None:
    """The bytes that were read; None where somebody will still stream them. Libraries say so by a RuntimeError."""
    try:
        content = getattr(message, "content", None)
    except RuntimeError:
        return None
    return content if isinstance(content, bytes) else None
