"""One read of files behind URLs: each body is fetched whole, read page by page, and removed. Where the next one is, the last one's headers say.

How a body is fetched is the client's, what a record is the file source's. Here are the bodies' order, the joined evidence, and the checkpoints.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import evolve, frozen

from integrakit._json import canonical
from integrakit.errors import CheckpointMismatch, DecodeError, IncompleteRead, PaginationStalled, ReadError, ResponseError
from integrakit.http import Client, Download
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.runtimes import runtime

__all__ = ["MODE", "Bodies", "RemoteReader", "position_of"]

#: How checkpoints of files behind URLs go on.
MODE = "bulk"
#: What a server answers that does not know a place any more.
GONE = frozenset({400, 404, 410, 422})
_MAGIC = {"gzip": b"\x1f\x8b", "zip": b"PK\x03\x04"}


@frozen(kw_only=True)
class Bodies:
    """How bodies are asked for, and read."""

    client: Client
    method: str
    #: Options of each call.
    call: Mapping[str, Any]
    #: Headers → the locator of the next body, None after the last; None: there is one body.
    next_of: Callable[[Mapping[str, str]], str | None] | None
    param: str
    #: The header with the number of records in a body.
    count: str | None
    compression: str
    #: Path → the source that reads that file.
    make: Callable[[str], Any]
    format: str
    folder: str | None


@frozen(kw_only=True)
class _Position:
    """Which body, and where in it."""

    #: The number of its URL, and the locator it was asked for with.
    url: int = 0
    locator: str | None = None
    #: Where in the file, as its own source says it; None: at its start.
    at: Mapping[str, Any] | None = None

    def token(self) -> dict[str, Any]:
        return {"url": self.url, "locator": self.locator, "at": None if self.at is None else dict(self.at)}


def position_of(token: Any, urls: int) -> _Position | None:
    """The place that a token names; None for one that is none."""
    if not isinstance(token, dict) or token.keys() - {"files"} != {"url", "locator", "at"}:
        return None
    url, locator, at = token["url"], token["locator"], token["at"]
    known = isinstance(url, int) and 0 <= url < urls and isinstance(locator, str | None) and isinstance(at, dict | None)
    return _Position(url=url, locator=locator, at=at) if known else None


class RemoteReader:
    """One read in progress. ``total``: how many records there are in all bodies, where that is known beforehand.

    ``anew``: whether a place that the server does not know any more is given up for the beginning; otherwise its error is raised.
    """

    def __init__(
        self,
        bodies: Bodies,
        urls: Sequence[str],
        *,
        resource: str,
        parameters: str,
        lifetime: float | None,
        since: Checkpoint | None = None,
        total: int | None = None,
        anew: bool = True,
    ) -> None:
        self._bodies = bodies
        self._urls = urls
        self._files = _sum_of(urls)
        self._blank = Checkpoint(resource=resource, parameters=parameters, mode=MODE)
        self._lifetime = lifetime
        self._since = since
        self._total = total
        self._anew = anew
        self._position: _Position | None = _Position() if urls else None
        self._locators: set[tuple[int, str]] = set()
        self._source: Any = None
        self._reader: Any = None
        self._folder: str | None = None
        self._remove: Callable[[], object] = bool
        self._download: Download | None = None
        self._pages = self._records = self._counted = 0
        self._reasons: list[str] = []
        self._notes: list[str] = []
        self._missing = self._resumed = self._began_anew = self.begun = False
        #: Of the body before this one.
        self._columns: Sequence[str] = ()
        self._over = self._closed = False
        self._started: datetime | None = None
        if since is not None:
            since.check(resource, parameters)

    # ------------------------------------------------------------------ pages

    async def next_page(self) -> Page | None:
        """The next page, or None at the end. Raises what fetching and reading raise; asked again, it tries the same again."""
        if self._closed:
            raise ReadError("this read was closed before its end: begin a new one", evidence=self.evidence)
        if self._started is None:
            self._begin()
        while self._position is not None:
            if self._source is None and not await self._fetched():
                continue
            try:
                page: Page | None = await self._opened().next_page()
            except CheckpointMismatch:
                if not self._from_the_start("what the server sends is not what the checkpoint was made of"):
                    raise
                continue
            except BaseException:
                self._reader = None
                raise
            if page is None:
                self._end_of_body()
                continue
            at = page.checkpoint.to_dict() if page.checkpoint is not None else None
            if at is not None:
                del at["resource"]  # the path of a temporary file
            self._position = evolve(self._position, at=at)
            self._resumed = False
            self._pages += 1
            self._records += len(page.records)
            return Page(page.records, self.checkpoint)
        if not self._over:
            self._over = True
            self.close()
            self._conclude()
        return None

    def _begin(self) -> None:
        world = runtime()
        since, self._started = self._since, world.wall()
        if since is None or since.token is None:
            return
        position = position_of(since.token, len(self._urls)) if since.mode == MODE else None
        if since.live(world.wall()).token is None:
            self._note_anew("the checkpoint had expired")
        elif position is None:
            self._note_anew("the checkpoint goes on in a way that is not known here")
        elif since.token.get("files") != self._files:
            # Which of them had been read nobody knows any more.
            self._note_anew("the server lists other files than when the checkpoint was made")
        else:
            self._position, self._resumed = position, True
            self._pages, self._records = since.pages, since.records
            self._started = since.born or self._started

    def _from_the_start(self, why: str) -> bool:
        """Begins anew, once, where the first thing that a resumed read met was a place that is gone."""
        if not (self._resumed and self._anew):
            return False
        self._note_anew(why)
        self._drop_body()
        self._position, self._resumed = _Position(), False
        self._pages = self._records = 0
        return True

    def _note_anew(self, why: str) -> None:
        self._notes.append(f"{why}: the read began anew")
        self._began_anew = True

    def _opened(self) -> Any:
        if self._reader is None:
            at = None if self._position is None else self._position.at
            since = None if at is None else Checkpoint.from_dict({**at, "resource": self._source.path})
            self._reader = self._source.open_read(since)
        return self._reader

    # ------------------------------------------------------------------ bodies

    async def _fetched(self) -> bool:
        """Whether the body is there now; False where the place was given up for another."""
        position, bodies = self._position or _Position(), self._bodies
        path = os.path.join(await runtime().blocking(self._room), _name(self._urls[position.url], bodies.format))
        call = dict(bodies.call)
        if position.locator is not None:
            call["params"] = {**call["params"], bodies.param: position.locator}
        try:
            done = await bodies.client.adownload(self._urls[position.url], path, method=bodies.method, **call)
        except ResponseError as problem:
            if problem.status_code in GONE and self._from_the_start(f"the server does not know the place any more ({problem.status_code})"):
                return False
            raise
        proved = await runtime().blocking(self._checked, path, done)
        if not proved:
            self._doubt("nothing told where the body ends, so it may have been cut")
        source = bodies.make(path)
        if bodies.format == "csv":
            self._compare_columns(await runtime().blocking(source.columns) or ())
        self._download, self._source, self.begun = done, source, True
        return True

    def _compare_columns(self, columns: Sequence[str]) -> None:
        """Raises `DecodeError` where the header of a body has nothing in common with that of the one before: it is a row."""
        if self._columns and columns and set(columns).isdisjoint(self._columns):
            raise DecodeError(
                f"a body of {self._blank.resource} begins with {', '.join(columns)!r:.80} where its header should be, the one before had "
                f"{', '.join(self._columns)!r:.80}: if only the first body has a header, ask for all in one"
            )
        self._columns = columns

    def _checked(self, path: str, done: Download) -> bool:
        """Whether it is certain that this is all of it. Raises `DecodeError` for what is packed and damaged, or not packed as agreed."""
        with open(path, "rb") as file:
            head = file.read(4)
        wanted = _MAGIC.get(self._bodies.compression, b"")
        if not head.startswith(wanted):
            raise DecodeError(
                f"{os.path.basename(path)} is not compressed with {self._bodies.compression}, as compression= says: it begins with {head!r}"
            )
        if not head.startswith(_MAGIC["gzip"]):
            if done.proved or self._bodies.format in ("json", "parquet") or head.startswith(_MAGIC["zip"]):
                return True  # these have an end of their own
            return not done.bytes and done.headers.get("content-length") == "0"
        # Also where the length is right: a file that was cut before it was served has the length of what is left.
        try:
            with gzip.open(path) as packed:
                while packed.read(1 << 20):
                    pass
        except (OSError, EOFError, zlib.error) as problem:
            raise DecodeError(f"{os.path.basename(path)}: the compressed file is damaged or was cut: {problem}") from problem
        return True

    def _room(self) -> str:
        """A folder of its own for bodies: removed with the read, however that ends."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="integrakit-", dir=self._bodies.folder)
            self._remove = weakref.finalize(self, _removed, self._folder, os.getpid())
        return self._folder

    def _end_of_body(self) -> None:
        position, done, evidence = self._position or _Position(), self._download, self._reader.evidence
        headers: Mapping[str, str] = {} if done is None else done.headers
        if evidence.complete is not True:
            for reason in evidence.reasons:
                self._doubt(reason)
        if self._bodies.count is not None:
            self._compare(headers.get(self._bodies.count, ""), evidence.records)
        self._notes += evidence.notes
        locator = None if self._bodies.next_of is None else self._bodies.next_of(headers)
        if locator is None:
            following = _Position(url=position.url + 1) if position.url + 1 < len(self._urls) else None
        elif locator == position.locator or (position.url, locator) in self._locators:
            raise PaginationStalled(
                f"{self._blank.resource} gives the locator {locator!r} a second time: going on would loop for ever; {self._records} records came",
                evidence=self.evidence,
            )
        else:
            self._locators.add((position.url, locator))
            following = _Position(url=position.url, locator=locator)
        self._drop_body()
        self._position, self._resumed = following, False

    def _compare(self, told: str, came: int) -> None:
        told = told.strip()
        if not (told.isascii() and told.isdecimal()):
            self._doubt(f"a body came without {self._bodies.count}, the number of its records")
            return
        self._counted += int(told)
        if int(told) != came:
            self._missing = True
            self._reasons.append(f"a body has {came} records, and {self._bodies.count} says {told}")

    def _doubt(self, reason: str) -> None:
        if reason not in self._reasons:
            self._reasons.append(reason)

    def _drop_body(self) -> None:
        if self._reader is not None:
            self._reader.close()
        source, self._source, self._reader, self._download = self._source, None, None, None
        if source is not None:
            with suppress(OSError):  # who clears the folder for temporary files, or a child that was forked, may have been faster
                os.unlink(source.path)

    def close(self) -> None:
        """Ends the read, and removes what it had fetched. Closing twice is no error."""
        self._closed = not self._over
        if self._reader is not None:
            self._reader.close()
        self._source = self._reader = None
        self._remove()
        self._folder = None

    # ------------------------------------------------------------------ what it proves, and where it can resume

    @property
    def evidence(self) -> Evidence:
        reasons = tuple(self._reasons) if self._over else (*self._reasons, "the read was not finished")
        short = self._over and self._total is not None and self._records != self._total
        if short:
            reasons = (*reasons, f"the server declared {self._total} records and gave {self._records}")
        return Evidence(
            complete=False if self._missing or short else None if reasons else True,
            reasons=reasons,
            notes=tuple(self._notes),
            pages=self._pages,
            records=self._records,
            declared_total=self._total if self._total is not None else self._counted or None,
            stability="snapshot",
            ended_by="protocol" if self._over else None,
            began_anew=self._began_anew,
            started=self._started,
        )

    def _conclude(self) -> None:
        if (evidence := self.evidence).complete is False:
            raise IncompleteRead(f"the read of {self._blank.resource} is {evidence}", evidence=evidence)

    @property
    def checkpoint(self) -> Checkpoint:
        """What is true after the page that came last. After the end: the beginning, since the next read is a new one."""
        if self._position is None or self._started is None:
            return self._blank
        return evolve(
            self._blank,
            token=self._position.token() | ({} if self._files is None else {"files": self._files}),
            pages=self._pages,
            records=self._records,
            born=self._started,
            expires=None if self._lifetime is None else self._started + timedelta(seconds=self._lifetime),
        )


def _sum_of(urls: Sequence[str]) -> str | None:
    """What tells one list of files from another: their order, too. None for a single one. Signatures change, and do not count."""
    paths = [url.partition("?")[0] for url in urls]
    known = paths if len(set(paths)) == len(paths) else list(urls)
    return hashlib.blake2b(canonical(known), digest_size=8).hexdigest() if len(urls) > 1 else None


def _name(url: str, format: str) -> str:
    """What the temporary file is called, for errors that name it."""
    last = re.sub(r"[^A-Za-z0-9._-]", "_", unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2])[-60:].lstrip(".")
    return last if last.endswith(f".{format}") else f"{last or 'body'}.{format}"


def _removed(folder: str, process: int) -> None:
    if os.getpid() == process:  # a child that was forked in the middle is not its owner
        shutil.rmtree(folder, ignore_errors=True)
