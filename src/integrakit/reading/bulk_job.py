"""`BulkJob`: a long job at the server, created, waited for and fetched, as one source.

The job itself is ``job_polling``'s, its files are ``remote_file``'s. Here is what joins them: the job's id is in every checkpoint, so that a run that
was killed waits for the same job, and it is known where its results may lie.
"""

from __future__ import annotations

import hashlib
import math
import os
import random as chance
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from attrs import evolve, frozen

from integrakit._json import canonical, dumps, loads
from integrakit.errors import ConfigurationError, DecodeError, ReadError, ResponseError
from integrakit.http import Client
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.model.exchange import mask_url, origin
from integrakit.protocols import Reader
from integrakit.reading.job_polling import Job, JobCall, JobGone, JobProgress, Polling
from integrakit.reading.remote_file import Compression, Format, Locator, checked_bodies, lifetime_of
from integrakit.reading.remote_reader import MODE, Bodies, RemoteReader
from integrakit.runtimes import drive, runtime

__all__ = ["BulkJob"]

#: What a server answers that does not know a place any more, or a signature that has expired.
MOVED = frozenset({400, 401, 403, 404, 410})


class BulkJob(Rereadable):
    """A job that the server works on for a while: ``create`` it, ``poll`` it until its ``status`` is one of ``done``, read its ``results``.

    ``create``, ``poll``, ``cancel``: `JobCall`, or for ``poll`` a path such as ``"/jobs/{id}"``. ``id``: where the answer to ``create`` names the
    job, a dotted path, or ``"header:Location"``, whose URL is polled then. ``status``: a dotted path in the answer to ``poll``; ``done`` and
    ``failed``: the values that end the waiting; ``message``: where a failed job says why. ``results``: a path such as ``"/jobs/{id}/results"``, or a
    dotted path in the last answer to the URL, or the list of URLs; None for a job that brings nothing to read. ``results_hosts``: other hosts that
    results may lie at; credentials do not go there. ``every``: seconds between two questions; None: 1 doubling to 60, or what the server says.
    ``patience``: the seconds to wait for it in one run. ``progress`` is called with a `JobProgress` after each question. ``token_lifetime``: the
    seconds for which a job can be gone on with.

    ``count``: the records as a header of each body (``"header:X-Count"``) or as a dotted path in the last answer. All else is as for `RemoteFile`.
    """

    on_runtime = True

    def __init__(
        self,
        client: Client,
        create: JobCall,
        *,
        id: str = "id",
        status: str = "status",
        poll: str | JobCall | None = None,
        done: Sequence[Any],
        failed: Sequence[Any] = (),
        message: str | None = None,
        results: str | None = None,
        results_hosts: Sequence[str] = (),
        format: Format = "csv",
        key: Any = None,
        locator: Locator | None = None,
        count: str | None = None,
        compression: Compression = "auto",
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        every: float | None = None,
        patience: float = 86_400.0,
        progress: Callable[[JobProgress], object] | None = None,
        cancel: JobCall | None = None,
        page_size: int = 1000,
        token_lifetime: float | None = 6 * 86_400.0,
        folder: str | os.PathLike[str] | None = None,
        random: Callable[[], float] = chance.random,
        **options: Any,
    ) -> None:
        bodies, example = checked_bodies(
            "BulkJob",
            client,
            format=format,
            locator=locator,
            count=count,
            compression=compression,
            method="GET",
            json=None,
            params=params,
            headers=headers,
            timeout=None,
            purpose="",
            folder=folder,
            page_size=page_size,
            key=key,
            options=options,
        )
        for name, value, optional in (("create", create, False), ("cancel", cancel, True)):
            if not isinstance(value, JobCall) and not (optional and value is None):
                raise ConfigurationError(f"BulkJob({name}=…) takes a JobCall('POST', '/jobs', json=…), not {value!r}")
        for name, path, optional in (("id", id, False), ("status", status, False), ("message", message, True), ("results", results, True)):
            if not (optional and path is None) and (not isinstance(path, str) or not path.removeprefix("header:")):
                raise ConfigurationError(f"BulkJob({name}=…) takes a dotted path, not {path!r}")
        if poll is None and not id.startswith("header:"):
            raise ConfigurationError("BulkJob(poll=…) takes the path of a job, '/jobs/{id}'; without it, id='header:Location' says where to ask")
        for name, values in (("done", done), ("failed", failed), ("results_hosts", results_hosts)):
            if not isinstance(values, list | tuple | set | frozenset) or (name == "done" and not values):
                raise ConfigurationError(f"BulkJob({name}=…) takes a list, such as done=('JobComplete',), not {values!r}")
        for name, seconds in (("every", every), ("patience", patience)):
            if seconds is None and name == "every":
                continue
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
                raise ConfigurationError(f"BulkJob({name}=…) takes seconds above 0, not {seconds!r}")
        for name, function in (("progress", progress), ("random", random)):
            if not callable(function) and not (name == "progress" and function is None):
                raise ConfigurationError(f"BulkJob({name}=…) takes a function, not {function!r}")
        self._polling = Polling(
            client=client,
            create=create,
            id=id,
            status=status,
            poll=poll if isinstance(poll, JobCall) else JobCall("GET", "{url}" if poll is None else poll),
            done=tuple(done),
            failed=tuple(failed),
            message=message,
            every=every,
            patience=float(patience),
            progress=progress,
            random=random,
        )
        self.key: str | tuple[str, ...] | None = example.key
        self.untyped: bool = getattr(example, "untyped", False)
        self._cancel = cancel
        self._bodies = bodies
        self._results = Results(client, results, count if count and not count.startswith("header:") else None, frozenset(results_hosts))
        self._lifetime = lifetime_of("BulkJob", token_lifetime)
        selects = [create.method, create.path, loads(dumps(create.json)), loads(dumps(dict(create.params))), format]
        self._parameters = hashlib.blake2b(canonical(selects), digest_size=8).hexdigest()

    # ------------------------------------------------------------------ as a source

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new job, or of the one that the checkpoint names. Its first page is empty and has the new job's checkpoint."""
        if self._results.place is None:
            raise ConfigurationError("this BulkJob was not told where its results= are: it can be run(), and not read")
        return JobReader(self._polling, self._bodies, self._results, self._polling.create.path, self._parameters, self._lifetime, since)

    # ------------------------------------------------------------------ as an action

    async def arun(self) -> JobProgress:
        """Creates a job and waits until it is done. Raises `ReadError` where it fails, or is not done in time."""
        job, wait = await runtime().shielded(self._polling.created)
        try:
            return await self._polling.waited(job, wait or self._polling.every or 1.0, ours=True)
        except JobGone as problem:
            raise ReadError(str(problem)) from problem.__cause__

    def run(self) -> JobProgress:
        """`arun` for blocking code."""
        return drive(self.arun())

    async def acancel(self, id: str) -> None:
        """Tells the server to stop a job. Raises `ConfigurationError` where the `BulkJob` was not told how: ``cancel=``."""
        if self._cancel is None:
            raise ConfigurationError("this BulkJob cannot cancel jobs: give it cancel=JobCall('DELETE', '/jobs/{id}')")
        await self._polling.cancelled(self._cancel, Job(id))

    def cancel(self, id: str) -> None:
        """`acancel` for blocking code."""
        drive(self.acancel(id))

    def __repr__(self) -> str:
        return f"<BulkJob {self._polling.create.method} {self._polling.create.path} of {self._polling.client!r}>"


@frozen
class Results:
    """Where the results of a finished job are."""

    client: Client
    place: str | None
    #: Where the last answer says how many records there are.
    count: str | None
    hosts: frozenset[str]

    def total(self, job: JobProgress) -> int | None:
        """The number of records that was told. Raises `DecodeError` for what is no number."""
        if self.count is None:
            return None
        told = look_up(job.answer, parse_path(self.count))
        if isinstance(told, bool) or not (isinstance(told, int) or (isinstance(told, str) and told.isascii() and told.isdecimal())):
            shown = "nothing" if told is ABSENT else repr(told)
            raise DecodeError(f"job {job.id}: there is {shown} at {self.count!r} where the number of its records should be", path=self.count)
        return int(told)

    def urls(self, job: JobProgress) -> list[str]:
        """Absolute URLs, or paths. Raises `ReadError` where there should be some, and `DecodeError` for those that may not be asked."""
        place = self.place or ""
        if place.startswith(("/", "http://", "https://")):
            return [place.replace("{id}", quote(job.id, safe=""))]
        found = look_up(job.answer, parse_path(place))
        urls = [] if found is ABSENT or found is None or found == "" else found if isinstance(found, list) else [found]
        if not urls:
            if self.total(job) == 0:
                return []
            raise ReadError(
                f"job {job.id} is {job.status} and names no results at {place!r}: an empty result is known by count=, where the number stands"
            )
        return [self._allowed(job, url) for url in urls]

    def _allowed(self, job: JobProgress, told: Any) -> str:
        if not isinstance(told, str):
            raise DecodeError(f"job {job.id}: the URL of its results is a {type(told).__name__}", path=self.place or "")
        try:
            url = urljoin(job.url, told)
        except ValueError as problem:
            raise DecodeError(f"job {job.id}: the URL of its results is none: {problem}", path=self.place or "") from problem
        if self.client.owns(url):
            return url
        scheme, host, _ = origin(url)
        named = any(host == name.lower() or (name.startswith("*.") and host.endswith(name[1:].lower())) for name in self.hosts)
        named = named or urlsplit(url).netloc.rpartition("@")[2].lower() in self.hosts
        # Whoever redirects an https client to http, or anybody to a neighbour inside, is not followed.
        if not named or (scheme != "https" and origin(job.url)[0] == "https") or scheme not in ("http", "https"):
            raise DecodeError(
                f"the results of job {job.id} lie at another origin, {mask_url(url).partition('?')[0]}: they were not fetched; if that is right, "
                "name its host in results_hosts=, where it gets no credentials",
                path=self.place or "",
            )
        return url


class JobReader:
    """One read in progress: a job, then its files."""

    def __init__(
        self,
        polling: Polling,
        bodies: Bodies,
        results: Results,
        resource: str,
        parameters: str,
        lifetime: float | None,
        since: Checkpoint | None,
    ) -> None:
        self._polling = polling
        self._bodies = bodies
        self._results = results
        self._blank = Checkpoint(resource=resource, parameters=parameters, mode=MODE)
        self._lifetime = lifetime
        self._since = since
        self._job: Job | None = None
        self._inner: Checkpoint | None = None
        self._wait: float | None = None
        self._files: RemoteReader | None = None
        self._started: datetime | None = None
        self._notes: list[str] = []
        self._resumed = self._refreshed = self._over = self._closed = self._began_anew = False
        #: Whether a page has had the job's id.
        self._told = True
        if since is not None:
            since.check(resource, parameters)

    async def next_page(self) -> Page | None:
        """The next page, or None at the end. Raises what creating, asking and fetching raise; asked again, it goes on with the same job."""
        if self._over:
            return None
        if self._closed:
            raise ReadError("this read was closed before its end: begin a new one", evidence=self.evidence)
        if self._started is None:
            self._begin()
        while True:
            job = self._job
            if job is None:
                # Not to be cut off in the middle: the server would work on a job that nobody knows.
                job = await runtime().shielded(self._create)
            if not self._told:
                self._told = True
                return Page([], self.checkpoint)
            try:
                page = await (self._files or await self._finished(job)).next_page()
            except JobGone as problem:
                if not self._another(str(problem)):
                    raise ReadError(str(problem), evidence=self.evidence) from problem.__cause__
            except ResponseError as problem:
                if not self._elsewhere(problem):
                    raise
            else:
                self._over = page is None
                return None if page is None else Page(page.records, self.checkpoint)

    async def _create(self) -> Job:
        self._job, wait = await self._polling.created()
        self._wait, self._told = wait or self._polling.every or 1.0, False
        return self._job

    def _begin(self) -> None:
        world = runtime()
        self._started = world.wall()
        since = self._since
        if since is None or since.token is None:
            return
        if since.live(self._started).token is None:
            self._notes.append("the checkpoint had expired: another job was created")
            self._began_anew = True
            return
        token = since.token if since.mode == MODE and isinstance(since.token, dict) else {}
        id, url = token.get("job"), token.get("url")
        if not isinstance(id, str) or not isinstance(url, str | None) or (url is not None and not self._polling.client.owns(url)):
            self._notes.append("the checkpoint goes on in a way that is not known here: another job was created")
            self._began_anew = True
            return
        self._job, self._resumed = Job(id, url), True
        self._started = since.born or self._started
        if token.get("read") is not None:
            self._inner = evolve(since, token=token["read"])

    async def _finished(self, job: Job) -> RemoteReader:
        progress = await self._polling.waited(job, self._wait, ours=not self._resumed)
        self._wait = None
        make = partial(
            RemoteReader, self._bodies, resource=self._blank.resource, parameters=self._blank.parameters, lifetime=self._lifetime, anew=False
        )
        self._files = make(self._results.urls(progress), since=self._inner, total=self._results.total(progress))
        return self._files

    def _another(self, why: str) -> bool:
        """Gives up a job of an earlier run for a new one, once."""
        if not self._resumed:
            return False
        self._notes.append(f"{why}: another job was created")
        self._job = self._inner = self._files = None
        self._resumed, self._began_anew = False, True
        return True

    def _elsewhere(self, problem: ResponseError) -> bool:
        """Whether results that are not where they were are worth another question: their URL may have expired, or the job itself."""
        files = self._files
        if files is None or files.begun or problem.status_code not in MOVED:
            return False
        if not self._refreshed:
            self._refreshed, self._files = True, None
            return True
        return problem.status_code in (404, 410) and self._another(f"the results of job {self._job and self._job.id} are gone")

    def close(self) -> None:
        """Ends the read, and removes what it had fetched. The job goes on."""
        self._closed = not self._over
        if self._files is not None:
            self._files.close()

    @property
    def evidence(self) -> Evidence:
        files = self._files
        evidence = Evidence(reasons=("the job is not done",), stability="snapshot") if files is None else files.evidence
        notes, anew = (*self._notes, *evidence.notes), self._began_anew or evidence.began_anew
        return evolve(evidence, notes=notes, began_anew=anew, started=self._started)

    @property
    def checkpoint(self) -> Checkpoint:
        """What is true after the page that came last, the job's id in it. After the end: the beginning, since the next read is another job."""
        files, job = self._files, self._job
        if job is None or self._started is None or self._over:
            return self._blank
        inner = self._inner if files is None or not files.begun else files.checkpoint
        return evolve(
            self._blank,
            token={"job": job.id, "url": job.url, "read": None if inner is None else inner.token},
            pages=0 if inner is None else inner.pages,
            records=0 if inner is None else inner.records,
            born=self._started,
            expires=None if self._lifetime is None else self._started + timedelta(seconds=self._lifetime),
        )
