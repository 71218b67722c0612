"""A long job at the server: how it is created, asked about, waited for and cancelled. What it brings is not looked at here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from attrs import field, frozen

from integrakit.errors import (
    ConfigurationError,
    DecodeError,
    NotFound,
    PolicyError,
    RateLimited,
    ReadError,
    ResponseError,
    ServerError,
    TransportError,
)
from integrakit.http import Client
from integrakit.http.arguments import checked_headers, checked_method, checked_params
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.http.retry_after import read_retry_after
from integrakit.model import Response
from integrakit.runtimes import runtime

__all__ = ["Job", "JobCall", "JobGone", "JobProgress", "Polling"]

#: Seconds between two questions: the first wait, and the longest.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
#: How often a job that was created just now may be unknown: some servers need a moment to find it.
UNKNOWN_AT_FIRST = 3
_SHOWN = 300


def _path(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not (value == "{url}" or value.startswith(("/", "http://", "https://"))):
        raise ConfigurationError(f"JobCall(method, path) takes a path that begins with '/', or '{{url}}', not {value!r}")


def _params(value: Any) -> dict[str, Any]:
    return checked_params("params", value)


@frozen
class JobCall:
    """One request about a job: ``JobCall("POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Account"})``.

    ``{id}`` in the path is the job's id, and so is a text in ``json`` or ``params`` that is ``"{id}"`` and nothing else; ``{url}`` as the path is the
    ``Location`` that the server gave for the job.
    """

    method: str = field(converter=checked_method)
    path: str = field(validator=_path)
    json: Any = field(default=None, kw_only=True)
    params: Mapping[str, Any] = field(factory=dict, kw_only=True, converter=_params)
    headers: Mapping[str, str] = field(factory=dict, kw_only=True, converter=checked_headers)

    async def send(self, client: Client, job: Job | None = None) -> Response:
        """Raises what `Client.arequest` raises."""
        url, values = self.path, {} if job is None else {"{id}": job.id}
        if url == "{url}":
            if job is None or job.url is None:
                raise ConfigurationError(f"JobCall({self.method!r}, '{{url}}') needs a job with a Location, and has none: give a path with {{id}}")
            url = job.url
        elif job is not None:
            url = url.replace("{id}", quote(job.id, safe=""))
        options: dict[str, Any] = {"params": _filled(dict(self.params), values), "headers": dict(self.headers)}
        if self.json is not None:
            options["json"] = _filled(self.json, values)
        return await client.arequest(self.method, url, **options)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    # Whole texts only: the documents of GraphQL are full of braces.
    if isinstance(value, str):
        return values.get(value, value)
    if isinstance(value, Mapping):
        return {name: _filled(item, values) for name, item in value.items()}
    return [_filled(item, values) for item in value] if isinstance(value, list | tuple) else value


@frozen
class Job:
    """What tells a job from others: its id, and the URL that the server gave for it, if it did."""

    id: str
    url: str | None = None


@frozen(kw_only=True)
class JobProgress:
    """What is known of a job after it was asked about."""

    id: str
    #: As the server says it.
    status: Any
    #: The decoded answer.
    answer: Any
    #: How often it was asked about, and for how many seconds, in this run.
    polls: int
    seconds: float
    #: Whether it is done. A job that failed raises.
    done: bool
    #: Where the answer came from.
    url: str = ""


class JobGone(Exception):
    """The server does not know the job any more, or it failed: another one may be created."""


@frozen(kw_only=True)
class Polling:
    """How one kind of job is created and waited for."""

    client: Client
    create: JobCall
    id: str
    status: str
    poll: JobCall
    done: Sequence[Any]
    failed: Sequence[Any]
    message: str | None
    every: float | None
    patience: float
    progress: Callable[[JobProgress], object] | None
    random: Callable[[], float]

    async def created(self) -> tuple[Job, float | None]:
        """A new job, and the seconds after which the server wants to be asked about it. Raises `DecodeError` where the answer names none."""
        response = await self.create.send(self.client)
        wait = read_retry_after(response.headers, runtime().wall())
        if not self.id.startswith("header:"):
            found = look_up(response.json(), parse_path(self.id))
            if found is ABSENT or found is None or found == "" or isinstance(found, dict | list | bool):
                raise DecodeError(f"{response}: there is no id of a job at {self.id!r}: {response.excerpt()}", path=self.id, response=response)
            return Job(str(found)), wait
        name = self.id.removeprefix("header:")
        value = response.headers.get(name, "").strip()
        if not value:
            raise DecodeError(f"{response}: there is no header {name} with the job: {response.excerpt()}", path=self.id, response=response)
        if "/" not in value and self.poll.path != "{url}":
            return Job(value), wait
        try:
            url = urljoin(response.url, value)
        except ValueError as problem:
            raise DecodeError(f"{response}: the header {name} is no URL: {problem}", path=self.id, response=response) from problem
        if not self.client.owns(url):
            raise DecodeError(f"{response}: the header {name} leads to another origin; if it is right, name its host in allow_hosts=", path=self.id)
        return Job(urlsplit(url).path.rstrip("/").rpartition("/")[2], url), wait

    async def waited(self, job: Job, wait: float | None, *, ours: bool) -> JobProgress:
        """Asks about the job until it is done. ``wait``: seconds before the first time. ``ours``: it was created in this run.

        Raises `JobGone` where it failed or is unknown, and `ReadError` where patience ends; what may pass is waited out.
        """
        world = runtime()
        began, polls, unknown, doubled = world.now(), 0, 0, FIRST_WAIT
        latest: Any = None
        while True:
            if wait is not None:
                left = self.patience - (world.now() - began)
                if wait > left:
                    raise ReadError(
                        f"job {job.id} is not done after {world.now() - began:.0f} s (patience={self.patience:g}), its status is {latest!r}: it goes "
                        "on at the server; read again from the checkpoint to wait for the same job, or cancel it"
                    )
                await world.sleep(wait)
            polls += 1
            told: float | None = None
            try:
                response = await self.poll.send(self.client, job)
            except (TransportError, PolicyError, ServerError, RateLimited) as problem:
                if getattr(problem, "lasting", False):
                    raise
                latest, told = f"unknown: {type(problem).__name__}", problem.retry_after
            except ResponseError as problem:
                unknown += 1
                if problem.status_code not in (404, 410):
                    raise
                if not ours or unknown > UNKNOWN_AT_FIRST:
                    raise JobGone(f"the server does not know job {job.id} (any more): {problem}") from problem
                latest = "unknown so far"
            else:
                found = self._judged(job, response, polls, world.now() - began)
                if self.progress is not None:
                    self.progress(found)
                if found.done:
                    return found
                latest, told = found.status, read_retry_after(response.headers, world.wall())
            wait, doubled = self._next_wait(told, doubled)

    def _judged(self, job: Job, response: Response, polls: int, seconds: float) -> JobProgress:
        answer = response.json()
        status = look_up(answer, parse_path(self.status))
        if status is ABSENT:
            raise DecodeError(f"{response}: there is no status at {self.status!r}: {response.excerpt()}", path=self.status, response=response)
        if _among(status, self.failed):
            raise JobGone(f"job {job.id} is {status}: {self._why(answer, response)}")
        return JobProgress(id=job.id, status=status, answer=answer, polls=polls, seconds=seconds, done=_among(status, self.done), url=response.url)

    def _why(self, answer: Any, response: Response) -> str:
        said = look_up(answer, parse_path(self.message)) if self.message is not None else ABSENT
        return response.excerpt() if said is ABSENT or said in (None, "") else str(said)[:_SHOWN]

    def _next_wait(self, told: float | None, doubled: float) -> tuple[float, float]:
        if told is not None:
            return max(told, FIRST_WAIT), doubled
        if self.every is not None:
            return self.every, doubled
        # Jobs that were created together must not be asked about together.
        return doubled * (0.75 + 0.25 * self.random()), min(LONGEST_WAIT, doubled * 2)

    async def cancelled(self, cancel: JobCall, job: Job) -> None:
        """Tells the server to stop. A job that it does not know is no error: it is over."""
        try:
            await cancel.send(self.client, job)
        except NotFound:
            return


def _among(status: Any, values: Sequence[Any]) -> bool:
    # 1 and True are equal in Python, and not in JSON.
    return any(type(status) is type(value) and status == value for value in values)
