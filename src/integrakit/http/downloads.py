"""Downloads: a body that goes to a file, in pieces, through all policies, and is there as a whole or not at all.

`Landing` is the place of one download's body: what is asked for at each attempt, what may come, and what is made of it. The file itself is
``part_file``'s, digests are in ``digests``, and the bytes are moved by the wire.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from integrakit._http import BODY_TO, encode_params
from integrakit._json import canonical
from integrakit.errors import ConfigurationError, DecodeError, PolicyError, ResponseError, TransportError, TransportTimeout, WriteError
from integrakit.http.digests import Hashes, promised
from integrakit.http.part_file import Broken, PartFile, target_of
from integrakit.model import Request, Response
from integrakit.model.exchange import is_secret_name, without_params
from integrakit.protocols import CallNext
from integrakit.runtimes import runtime

__all__ = ["Download", "download"]

#: Bytes that are asked for again where a download goes on: they must be those that came before.
OVERLAP = 4096
#: A body that brings fewer bytes than this per second, over so many seconds, has stalled.
SLOWEST, PACE_OVER = 1024, 60.0
#: How often a download that cannot be gone on with begins anew, besides what the retry policy allows.
ANEW = 2
#: A date is trusted to tell two versions apart when it lies so many seconds back (RFC 9110 §8.8.2.2; 60 s as in RFC 7232).
SETTLED = 60.0
#: Media types whose content is packed itself: an encoding that says so too is the server's way of saying the same.
_PACKED = frozenset({"application/gzip", "application/x-gzip", "application/gzip-compressed"})
_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_RANGE = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)


@frozen(kw_only=True)
class Download:
    """A file that came whole."""

    path: Path
    #: Size and SHA-256 (hexadecimal) of the file as it stands there, unpacked where it came packed.
    bytes: int
    sha256: str
    #: As the server wrote it, quotes included; None where it did not.
    etag: str | None
    #: The media type, with its parameters; "" where the server names none.
    content_type: str
    #: How many requests it took.
    attempts: int
    #: Of the last answer. Case-insensitive.
    headers: Mapping[str, str]
    #: Whether something tells that this is all of it: a length, the framing of the protocol, a digest, or the end of the packed bytes.
    proved: bool
    #: Bytes that an earlier attempt, or an earlier run, had brought already.
    resumed: int = 0


class Landing:
    """The place of one download's body. Used by one attempt at a time; what it writes to is opened before, and closed after."""

    def __init__(self, part: PartFile, request: Request, answer_within: float | None) -> None:
        self.answer_within = answer_within
        self.in_memory = True
        self.proved = False
        self.resumed = 0
        #: Whether the last attempt failed for what it went on with: the next one begins anew.
        self.anew = False
        self._part = part
        self._what = str(request)
        self._thing = _thing(request)
        self._packs = "accept-encoding" not in request.headers
        self._goes_on = request.method == "GET" and "range" not in request.headers
        self._fresh()
        self._hashes = Hashes()
        self._window = (0.0, 0)
        if (part.note or {}).get("thing") != self._thing or not self._goes_on:
            part.rewind()

    def _fresh(self) -> None:
        """As before the first answer."""
        self._from: int | None = None
        self._total: int | None = None
        self._coding = ""
        self._framed = False
        self._digests: dict[str, str] = {}
        self._overlap = b""
        self._whole = self._begun = False

    # ------------------------------------------------------------------ what is asked for

    def asked(self, request: Request) -> Request:
        """The request of the next attempt: for what is missing, where the server can tell whether it is still the same."""
        if self._whole:
            self._part.rewind()  # it came, and was refused
        if self._begun and self._coding and self._part.note is None:
            # A packed body that broke off, and cannot be gone on with: perhaps it can unpacked.
            self._packs = False
        self._fresh()
        headers: dict[str, str] = {}
        if "accept-encoding" not in request.headers:
            headers["accept-encoding"] = "gzip" if self._packs else "identity"
        note = self._part.note
        if note is not None and self._part.size > 0:
            self._from = max(0, self._part.size - OVERLAP)
            headers |= {"range": f"bytes={self._from}-", "if-range": note["validator"]}
            if "accept-encoding" not in request.headers:
                headers["accept-encoding"] = note["accept"]
        return request.copy(headers={**request.headers, **headers})

    # ------------------------------------------------------------------ what comes

    def begin(self, status: int, headers: Mapping[str, str], framed: bool) -> bool:
        self.in_memory = True
        self._window = (time.monotonic(), 0)
        if status == 416 and self._from is not None:
            raise self._again("the server has no such range any more")
        if status not in (200, 203, 206):
            return False
        self._begun = True
        in_chunks = "transfer-encoding" in headers
        length = None if in_chunks else _number(headers.get("content-length"))
        self._framed = framed or in_chunks or length is not None
        if status == 206:
            self.in_memory = False
            self._go_on(headers)
        else:
            self._start(headers, length)
        return True

    def _start(self, headers: Mapping[str, str], length: int | None) -> None:
        self._part.rewind()
        self._from, self.resumed = None, 0
        self._total = length
        self._coding = _coding(headers)
        self._digests = promised(headers, whole=True)
        self._hashes = Hashes(self._digests)
        validator = _validator(headers)
        if self._goes_on and validator and headers.get("accept-ranges", "").strip().lower() == "bytes":
            accept = "gzip" if self._packs else "identity"
            self._part.keep(
                {"thing": self._thing, "validator": validator, "total": length, "coding": self._coding, "digests": self._digests, "accept": accept}
            )

    def _go_on(self, headers: Mapping[str, str]) -> None:
        note, found = self._part.note, _RANGE.fullmatch(headers.get("content-range", "").strip())
        if self._from is None or note is None:
            raise self._again("the server sent a part of it that nobody asked for")
        if found is None or int(found[1]) != self._from or int(found[2]) < int(found[1]):
            raise self._again(f"asked for the bytes from {self._from} on, the server sent others ({headers.get('content-range', 'no range')})")
        total = None if found[3] == "*" else int(found[3])
        validator = note["validator"]
        etag, modified = headers.get("etag"), headers.get("last-modified")
        same = etag == validator if validator.startswith('"') else modified in (None, validator)
        if not same or (total is not None and note["total"] not in (None, total)) or _coding(headers) != note["coding"]:
            raise self._again("the server sent a part of another version")
        self._total = note["total"] if total is None else total
        self._framed = self._framed and self._total is not None
        self._coding = note["coding"]
        self._digests = {**note["digests"], **promised(headers, whole=False)}
        if self._hashes.size != self._part.size or self._hashes.names() != {"sha256", *self._digests}:
            self._hashes = Hashes(self._digests)
            for data in self._part.read():
                self._hashes.update(data)
        self._overlap = b"".join(self._part.read(self._from))
        self.resumed = self._part.size

    def moved(self, count: int) -> None:
        since, came = self._window
        now = time.monotonic()
        if now - since < PACE_OVER:
            self._window = (since, came + count)
            return
        if came + count < SLOWEST * PACE_OVER:
            raise TransportTimeout(f"{self._what}: the download stalled: {came + count} bytes came in {now - since:.0f} s")
        self._window = (now, 0)

    def write(self, data: bytes) -> None:
        if self._overlap:
            again = data[: len(self._overlap)]
            if not self._overlap.startswith(again):
                raise self._again("what the server sent again is not what it had sent before")
            self._overlap, data = self._overlap[len(again) :], data[len(again) :]
        self._part.write(data)
        self._hashes.update(data)

    def end(self) -> None:
        part = self._part
        if self._overlap or (self._total is not None and part.size < self._total):
            raise TransportError(f"{self._what}: the body ended after {part.size} of {self._total} bytes")
        if self._total is not None and part.size > self._total:
            total, size = self._total, part.size
            part.rewind()
            raise TransportError(f"{self._what}: the body has {size} bytes, and {total} were promised")
        came = {name: self._hashes.hex(name) for name in self._digests}
        if self._coding:
            self._hashes = Hashes(self._digests)
            try:
                for data in part.unpack(self._coding):
                    self._hashes.update(data)
            except Broken as problem:
                part.rewind()
                raise TransportError(f"{self._what}: the body came as {self._coding} and cannot be unpacked: {problem}") from problem
        for name, digest in self._digests.items():
            # Some servers pack what they have hashed.
            if digest not in (came[name], self._hashes.hex(name)):
                part.rewind()
                raise TransportError(f"{self._what}: the body is not the one that was promised: its {name} is {came[name]}, not {digest}")
        self.proved = self._framed or bool(self._digests or self._coding)
        self._whole = True

    async def blocking(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await runtime().blocking(function, *arguments)

    def _again(self, why: str) -> TransportError:
        """The error of an attempt that cannot be gone on with; nothing of it is kept."""
        size, goes_on = self._part.size, self._from is not None
        self._part.rewind()
        error = TransportError(f"{self._what}: {why}" + (f"; the {size} bytes that had come were dropped" if goes_on else ""))
        # Not for the retry policy: the next request is another one.
        self.anew = error.lasting = goes_on
        return error

    # ------------------------------------------------------------------ the end

    def settle(self, response: Response) -> Download:
        """Makes the part the file. Blocks."""
        part = self._part
        if not self._whole:  # 204: there is nothing, and that is all of it
            part.rewind()
            self._hashes, self.proved = Hashes(), True
        part.finish()
        headers = response.headers
        return Download(
            path=Path(part.target),
            bytes=part.size,
            sha256=self._hashes.hex(),
            etag=headers.get("etag"),
            content_type=headers.get("content-type", ""),
            attempts=response.attempts,
            headers=headers,
            proved=self.proved,
            resumed=self.resumed,
        )


async def download(call: CallNext, request: Request, path: Any, *, unlimited: bool) -> Download:
    """Sends the request through ``call`` and writes what comes to ``path``. ``unlimited``: nobody gave its attempts a time.

    Raises what `Client.adownload` raises.
    """
    if request.method == "HEAD":
        raise ConfigurationError("download(method=…): the answer to HEAD has no body")
    part = PartFile(target_of(path))
    within = None
    if unlimited:
        within, request = request.timeout.attempt, request.copy(timeout=evolve(request.timeout, attempt=None))
    await runtime().blocking(part.open)
    keep = True
    try:
        landing = await runtime().blocking(Landing, part, request, within)
        request.extensions[BODY_TO] = landing
        response = await _called(call, request, landing)
        if response.error is not None:
            # What is gone will not be gone on with, nor what came and was refused.
            keep = response.status_code >= 400 and response.status_code not in (404, 410)
            raise response.error
        if response.status_code not in (200, 203, 204, 206):
            raise ResponseError(
                f"{response.request} answered {response.status_code}, and not with the file: {response.excerpt().strip() or 'an empty body'}",
                response=response,
                request=response.request,
                attempts=response.attempts,
            )
        return await runtime().blocking(landing.settle, response)
    except (WriteError, DecodeError, ConfigurationError):
        keep = False  # a full disk is not to stay full
        raise
    except (TransportError, PolicyError, ResponseError) as problem:
        if keep and part.note is not None and part.size:
            problem.add_note(f"{part.size} bytes are kept in {part.path}: the next download of the same goes on there")
        raise
    finally:
        part.close(keep=keep)


async def _called(call: CallNext, request: Request, landing: Landing) -> Response:
    for left in range(ANEW, -1, -1):
        try:
            return await call(request)
        except TransportError as problem:
            if not landing.anew or not left:
                raise
            landing.anew = False
            request = request.copy(attempt=problem.attempts + 1)
    raise AssertionError("unreachable")  # pragma: no cover


# ---------------------------------------------------------------------- reading headers


def _thing(request: Request) -> str:
    """What is asked for, without what changes from one time to the next: signatures and tokens in the URL."""
    url = without_params(request.url, lambda name, _: is_secret_name(name))
    params = sorted(pair for pair in encode_params(request.params) if not is_secret_name(pair[0]))
    accept = {name: value for name, value in request.headers.items() if name.startswith("accept")}
    return hashlib.blake2b(canonical([url, params, accept]), digest_size=16).hexdigest()


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None


def _coding(headers: Mapping[str, str]) -> str:
    """How the body is packed, "" for not at all. Raises `DecodeError` where nobody here can unpack it."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return ""
    known = _CODINGS.get(coding)
    if known is None:
        raise DecodeError(f"the body came with the encoding {coding!r}, which was not asked for and cannot be unpacked")
    return "" if headers.get("content-type", "").partition(";")[0].strip().lower() in _PACKED else known


def _validator(headers: Mapping[str, str]) -> str:
    """What tells this version from all others: a strong ETag, or a date that lies far enough back; "" for nothing."""
    etag = headers.get("etag", "").strip()
    if etag:
        return etag if etag.startswith('"') else ""
    modified = headers.get("last-modified", "")
    with contextlib.suppress(ValueError, TypeError, IndexError):
        if (parsedate_to_datetime(headers.get("date", "")) - parsedate_to_datetime(modified)).total_seconds() >= SETTLED:
            return modified
    return ""
