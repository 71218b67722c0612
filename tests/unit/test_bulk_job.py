"""Long jobs: created once, waited for with patience, fetched from where they lie, and found again after a crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import integrakit as ik
from integrakit.errors import (
    BadRequest,
    CheckpointMismatch,
    ConfigurationError,
    DecodeError,
    IncompleteRead,
    NotFound,
    PermissionDenied,
    ReadError,
    TransportError,
)
from integrakit.http import BearerToken, Client, Retry
from integrakit.model import Checkpoint
from integrakit.reading import BulkJob, JobCall, JobProgress, Locator
from integrakit.runtimes import SimulatedRuntime

QUERY = {"operation": "query", "query": "SELECT Id FROM Account"}
CREATE = JobCall("POST", "/jobs/query", json=QUERY)
SALESFORCE: dict[str, Any] = {
    "status": "state",
    "poll": "/jobs/query/{id}",
    "done": ("JobComplete",),
    "failed": ("Failed", "Aborted"),
    "message": "errorMessage",
    "results": "/jobs/query/{id}/results",
    "locator": Locator("header:Sforce-Locator", param="locator"),
    "count": "header:Sforce-NumberOfRecords",
    "cancel": JobCall("PATCH", "/jobs/query/{id}", json={"state": "Aborted"}),
}


class Jobs:
    """A server of jobs as Salesforce's Bulk API 2.0 has them: done after ``polls`` questions, ten records a body."""

    def __init__(self, polls: int = 3, bodies: int = 2) -> None:
        self.polls, self.bodies = polls, bodies
        self.created: list[Any] = []
        self.left: dict[str, int] = {}
        self.asked: list[str] = []
        #: What the next questions are answered with, instead.
        self.answers: list[Any] = []
        self.end: dict[str, Any] = {"state": "JobComplete"}
        self.gone: set[str] = set()

    def answer(self, method: str, target: str, body: Any) -> tuple[int, dict[str, str], Any]:
        self.asked.append(f"{method} {target}")
        path, _, query = target.partition("?")
        parts = path.strip("/").split("/")
        if method == "POST":
            self.created.append(body)
            id = f"750/{len(self.created)}"
            self.left[id] = self.polls
            return 200, {}, {"id": id, "state": "UploadComplete"}
        id = parts[2].replace("%2F", "/")
        if id not in self.left or id in self.gone:
            return 404, {}, {"error": "unknown job"}
        if method == "PATCH":
            self.left[id] = -1
            return 200, {}, body
        if parts[-1] == "results":
            number = int(query.partition("locator=L")[2] or 0)
            following = f"L{number + 1}" if number + 1 < self.bodies else "null"
            lines = "Id\n" + "".join(f"{n}\n" for n in range(number * 10, number * 10 + 10))
            return 200, {"Sforce-Locator": following, "Sforce-NumberOfRecords": "10"}, lines.encode()
        if self.answers:
            found: tuple[int, dict[str, str], Any] = self.answers.pop(0)
            return found
        self.left[id] -= 1
        return 200, {}, {"id": id, **({"state": "InProgress"} if self.left[id] > 0 else self.end)}

    def __call__(self, asked: Any) -> Any:
        return self.answer(asked.method, asked.target, json.loads(asked.body) if asked.body else None)

    async def host(self, request: Any, world: Any) -> Any:
        """The same for a simulation. A dropped connection takes a while."""
        query = "".join(f"?{name}={value}" for name, value in request.params.items())
        status, headers, body = self.answer(request.method, request.url.partition("example")[2] + query, request.json)
        if status == 0:
            await world.sleep(1.0)
            raise TransportError("the connection broke", request=request)
        return status, list(headers.items()), body if isinstance(body, bytes) else json.dumps(body).encode()


class Simulated:
    """A `BulkJob` against a server in virtual time."""

    def __init__(self, folder: Path, server: Any = None, **options: Any) -> None:
        self.server = server or Jobs()
        self.world = SimulatedRuntime(seed=5)
        self.world.hosts[("https", "sf.example", 443)] = self.server.host
        self.seen: list[JobProgress] = []
        self.client = Client("https://sf.example", retry=None)
        self.job = BulkJob(self.client, CREATE, **{**SALESFORCE, "folder": folder, "progress": self.seen.append, **options})

    def read(self, since: Checkpoint | None = None, at_most: int = 1000) -> tuple[list[Any], Any]:
        reader = self.job.open_read(since)

        async def main() -> list[Any]:
            pages: list[Any] = []
            while len(pages) < at_most and (page := await reader.next_page()) is not None:
                pages.append(page)
            return pages

        return self.world.run(main()), reader


def ids(pages: Any) -> list[int]:
    return [int(record["Id"]) for page in pages for record in page.records]


def kept(checkpoint: Checkpoint) -> Checkpoint:
    return Checkpoint.from_dict(json.loads(json.dumps(checkpoint.to_dict())))


def test_create_poll_and_read_in_every_colour(serve: Any, world: Any, tmp_path: Path) -> None:
    jobs = Jobs()
    server = serve(jobs)

    async def main() -> Any:
        async with Client(server.url) as client:
            reader = BulkJob(client, CREATE, **SALESFORCE, folder=tmp_path, every=0.001, key="Id", types={"Id": int}).open_read()
            pages = []
            while (page := await reader.next_page()) is not None:
                pages.append(page)
            return pages, reader

    pages, reader = world(main)
    assert [len(page) for page in pages] == [0, 10, 10], "the first page keeps the job's id"
    assert ids(pages) == list(range(20))
    assert (reader.evidence.complete, reader.evidence.records, reader.evidence.declared_total) == (True, 20, 20)
    assert jobs.created == [QUERY]
    assert jobs.asked[1:] == ["GET /jobs/query/750%2F1"] * 3 + [f"GET /jobs/query/750%2F1/results{rest}" for rest in ("", "?locator=L1")]
    assert list(tmp_path.iterdir()) == []


def test_it_is_iterated_like_any_source(serve: Any, tmp_path: Path) -> None:
    with Client(serve(Jobs()).url) as client:
        job = BulkJob(client, CREATE, **SALESFORCE, folder=tmp_path, every=0.001)
        assert len(job.to_list()) == 20
        assert repr(job).startswith("<BulkJob POST /jobs/query of <Client http://127.0.0.1")


def test_a_job_of_a_day_takes_no_time_and_few_questions(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, Jobs(polls=1400))
    pages, reader = simulated.read()
    assert ids(pages) == list(range(20))
    assert 15 * 3600 < simulated.world.now() < 86_400
    waits = [after.seconds - before.seconds for before, after in zip(simulated.seen, simulated.seen[1:], strict=False)]
    assert [wait < 2**number + 1 for number, wait in enumerate(waits[:6], 1)] == [True] * 6
    assert all(44 < wait <= 61 for wait in waits[10:]), "a minute, less up to a quarter"
    assert len({round(wait, 3) for wait in waits[10:]}) > 100, "not all at the same moment"
    last = simulated.seen[-1]
    assert (last.id, last.status, last.done, last.polls, last.answer["state"]) == ("750/1", "JobComplete", True, 1400, "JobComplete")
    assert reader.evidence.complete is True


def test_the_server_may_say_when_to_ask_again(tmp_path: Path) -> None:
    server = Jobs(polls=1)
    server.answers = [(200, {"Retry-After": "120"}, {"state": "InProgress"}), (200, {"Retry-After": "0"}, {"state": "InProgress"})]
    simulated = Simulated(tmp_path, server)
    simulated.read()
    assert [round(each.seconds) for each in simulated.seen] == [1, 121, 122]
    simulated = Simulated(tmp_path, Jobs(polls=3), every=7.0)
    simulated.read()
    assert [round(each.seconds) for each in simulated.seen] == [7, 14, 21]


def test_what_may_pass_is_waited_out(tmp_path: Path) -> None:
    server = Jobs(polls=1)
    server.answers = [(0, {}, None), (503, {}, {}), (429, {"Retry-After": "30"}, {}), (404, {}, {})]
    simulated = Simulated(tmp_path, server)
    pages, _ = simulated.read()
    assert ids(pages) == list(range(20))
    assert len(server.created) == 1


def test_what_does_not_pass_is_an_error(tmp_path: Path) -> None:
    server = Jobs()
    server.answers = [(403, {}, {"error": "no"})]
    with pytest.raises(PermissionDenied):
        Simulated(tmp_path, server).read()
    server = Jobs()
    server.answers = [(302, {"Location": "http://[bad"}, b"")] * 2
    with pytest.raises(TransportError):
        Simulated(tmp_path, server).read()


def test_a_job_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    server = Jobs()
    server.gone.add("750/1")
    with pytest.raises(ReadError, match="does not know job 750/1") as caught:
        Simulated(tmp_path, server).read()
    assert isinstance(caught.value.__cause__, NotFound)
    assert len(server.created) == 1


def test_patience_ends_and_the_same_job_is_waited_for_later(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, Jobs(polls=100), patience=600.0)
    with pytest.raises(ReadError, match=r"job 750/1 is not done after \d+ s \(patience=600\), its status is 'InProgress'"):
        simulated.read()
    assert simulated.world.now() <= 601
    pages, _ = simulated.read(at_most=1)
    since = kept(pages[0].checkpoint)
    again = Simulated(tmp_path, simulated.server, patience=50_000.0)
    rest, _ = again.read(since)
    assert ids(rest) == list(range(20))
    assert len(simulated.server.created) == 2, "one for each read without a checkpoint"


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_fails_says_why(tmp_path: Path, state: str) -> None:
    server = Jobs()
    server.end = {"state": state, "errorMessage": "MALFORMED_QUERY: no such field"}
    with pytest.raises(ReadError, match=f"job 750/1 is {state}: MALFORMED_QUERY: no such field"):
        Simulated(tmp_path, server).read()
    with pytest.raises(ReadError, match=r"errorMessage.*MALFORMED"):
        Simulated(tmp_path, server, message=None).read()
    with pytest.raises(ReadError, match=r"errorMessage.*MALFORMED"):
        Simulated(tmp_path, server, message="reason").read()


# ---------------------------------------------------------------------- after a crash


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_a_run_that_was_killed_finds_its_job_again(tmp_path: Path, stop: int) -> None:
    simulated = Simulated(tmp_path, page_size=4)
    pages, reader = simulated.read(at_most=stop)
    checkpoint = kept(pages[-1].checkpoint)
    assert (checkpoint.mode, checkpoint.token["job"]) == ("bulk", "750/1")
    reader.close()
    rest, reader = simulated.read(checkpoint)
    assert ids([*pages, *rest]) == list(range(20))
    assert len(simulated.server.created) == 1
    evidence = reader.evidence
    assert (evidence.complete, evidence.records, evidence.notes) == (True, 20, ())
    assert reader.checkpoint.token is None
    fresh, _ = simulated.read(reader.checkpoint)
    assert ids(fresh) == list(range(20))
    assert len(simulated.server.created) == 2, "after the end, the next read is another job"


@pytest.mark.parametrize("why", ["unknown", "failed", "expired", "mode", "token", "stranger", "results"])
def test_a_job_that_is_gone_is_created_anew_once(tmp_path: Path, why: str) -> None:
    simulated = Simulated(tmp_path)
    server = simulated.server
    pages, reader = simulated.read(at_most=2)
    reader.close()
    checkpoint = pages[-1].checkpoint
    if why == "unknown":
        server.gone.add("750/1")
    elif why == "failed":
        server.answers = [(200, {}, {"state": "Failed"})]
    elif why == "results":
        usual = server.answer
        server.answer = lambda method, target, body: (404, {}, {}) if "750%2F1/results" in target else usual(method, target, body)
    elif why == "expired":

        async def later() -> None:
            await simulated.world.sleep(7 * 86_400)

        simulated.world.run(later())
    elif why == "mode":
        checkpoint = Checkpoint.from_dict({**checkpoint.to_dict(), "mode": "cursor"})
    else:
        token = {"job": 7} if why == "token" else {"job": "7", "url": "https://evil.example/7", "read": None}
        checkpoint = Checkpoint.from_dict({**checkpoint.to_dict(), "token": token})
    rest, reader = simulated.read(checkpoint)
    assert ids(rest) == list(range(20))
    assert len(server.created) == 2
    assert (reader.evidence.complete, reader.evidence.records) == (True, 20)
    assert len(reader.evidence.notes) == 1


def test_a_checkpoint_of_another_job_is_refused(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path)
    pages, _ = simulated.read(at_most=1)
    other = BulkJob(simulated.client, JobCall("POST", "/jobs/query", json={"query": "another"}), **SALESFORCE)
    with pytest.raises(CheckpointMismatch):
        other.open_read(pages[0].checkpoint)


def test_a_sync_keeps_the_job(tmp_path: Path, serve: Any) -> None:
    jobs = Jobs(polls=10_000)
    written: list[Any] = []
    with Client(serve(jobs).url) as client:

        def sync(**options: Any) -> Any:
            job = BulkJob(client, CREATE, **SALESFORCE, folder=tmp_path, every=0.001, key="Id", **options)
            return ik.Sync("accounts", source=job, sink=written.extend, key="Id", store=str(tmp_path / "state.db"))

        with pytest.raises(ReadError, match="patience"):
            sync(patience=0.05).run()
        jobs.left["750/1"] = jobs.polls = 2
        assert sync().run().read == 20
        assert len(jobs.created) == 1
        sync().run()
        assert len(jobs.created) == 2
    assert len(written) == 20


# ---------------------------------------------------------------------- other vendors


class Shopify:
    """A bulk operation of Shopify's: created and asked about by GraphQL, its result lies at a URL of another origin."""

    def __init__(self, url: str | None, count: Any = "3", **operation: Any) -> None:
        self.operation = {"status": "COMPLETED", "url": url, "objectCount": count, "partialDataUrl": None, **operation}
        self.asked: list[Any] = []

    def __call__(self, asked: Any) -> Any:
        self.asked.append(asked)
        body = asked.json()
        if "mutation" in body["query"]:
            return {"data": {"bulkOperationRunQuery": {"bulkOperation": {"id": "gid://shopify/BulkOperation/7"}, "userErrors": []}}}
        assert body["variables"] == {"id": "gid://shopify/BulkOperation/7", "first": 1}
        assert "{ node(id: $id)" in body["query"]
        return {"data": {"node": self.operation}}


def shopify(client: Client, folder: Path, **options: Any) -> BulkJob:
    return BulkJob(
        client,
        JobCall("POST", "/graphql.json", json={"query": "mutation { bulkOperationRunQuery(query: …) { bulkOperation { id } } }"}),
        id="data.bulkOperationRunQuery.bulkOperation.id",
        status="data.node.status",
        poll=JobCall(
            "POST",
            "/graphql.json",
            json={"query": "query($id: ID!) { node(id: $id) { … } }", "variables": {"id": "{id}", "first": 1}},
        ),
        **{
            "done": ["COMPLETED"],
            "failed": ["FAILED", "CANCELED", "EXPIRED"],
            "message": "data.node.errorCode",
            "results": "data.node.url",
            "count": "data.node.objectCount",
            "format": "jsonl",
            "every": 0.001,
            "folder": folder,
            **options,
        },
    )


LINES = b'{"id": 1}\n{"id": 2, "__parentId": 1}\n{"id": 3}\n'


def test_results_at_another_origin_get_no_credentials(serve: Any, tmp_path: Path) -> None:
    store = serve(lambda asked: (200, {}, LINES))
    shop = serve(Shopify(f"{store.url}/bulk.jsonl?X-Amz-Signature=abc"))
    with Client(shop.url, auth=BearerToken("t0ps3cr3t"), headers={"X-Shop": "s3cr3t"}) as client:
        with pytest.raises(DecodeError, match=r"lie at another origin, http://127\.0\.0\.1:.*results_hosts=") as caught:
            list(shopify(client, tmp_path))
        assert "abc" not in str(caught.value)
        assert not store.asked
        for name in (f"127.0.0.1:{store.port}", "127.0.0.1", "*.0.0.1"):
            read = shopify(client, tmp_path, results_hosts=[name]).read()
            assert [record["id"] for record in read] == [1, 2, 3]
            assert read.evidence.complete is True
    for asked in store.asked:
        assert "authorization" not in asked.headers
        assert "x-shop" not in asked.headers
        assert asked.params == {"X-Amz-Signature": "abc"}


def test_a_signature_that_expired_is_asked_for_anew(serve: Any, tmp_path: Path) -> None:
    store = serve(lambda asked: (200, {}, LINES) if asked.params["sig"] == "2" else (403, {}, b"<Error>expired</Error>"))
    server = Shopify(f"{store.url}/bulk.jsonl?sig=1")

    def script(asked: Any) -> Any:
        answer = server(asked)
        server.operation = {**server.operation, "url": f"{store.url}/bulk.jsonl?sig={len(server.asked)}"}
        return answer

    with Client(serve(script).url) as client:
        server.asked = [None]
        server.operation["url"] = f"{store.url}/bulk.jsonl?sig=1"
        assert len(list(shopify(client, tmp_path, results_hosts=["127.0.0.1"]))) == 3
        store.script = lambda asked: (403, {}, b"no")
        with pytest.raises(PermissionDenied):
            list(shopify(client, tmp_path, results_hosts=["127.0.0.1"]))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "https://127.0.0.1:1@evil.example/x", 7, {"a": 1}])
def test_a_url_that_may_not_be_fetched(serve: Any, tmp_path: Path, url: Any) -> None:
    with Client(serve(Shopify(url)).url) as client, pytest.raises(DecodeError):
        list(shopify(client, tmp_path, results_hosts=["127.0.0.1"]))


def test_partial_data_is_never_the_whole(serve: Any, tmp_path: Path) -> None:
    partial = {"partialDataUrl": "https://store.example/part.jsonl", "errorCode": "TIMEOUT", "status": "FAILED"}
    with Client(serve(Shopify(None, **partial)).url) as client, pytest.raises(ReadError, match="is FAILED: TIMEOUT"):
        list(shopify(client, tmp_path))


def test_no_url_is_nothing_only_where_nothing_was_counted(serve: Any, tmp_path: Path) -> None:
    with Client(serve(Shopify(None, "0")).url) as client:
        read = shopify(client, tmp_path).read()
        assert list(read) == []
        assert read.evidence.complete is True
        with pytest.raises(ReadError, match="names no results"):
            list(shopify(client, tmp_path, count=None))
    with Client(serve(Shopify(None, 5)).url) as client, pytest.raises(ReadError, match="names no results"):
        list(shopify(client, tmp_path))


def test_fewer_records_than_were_counted_are_incomplete(serve: Any, tmp_path: Path) -> None:
    with Client(serve(lambda asked: (200, {}, LINES) if asked.method == "GET" else shop(asked)).url) as client:
        shop = Shopify("/bulk.jsonl", "4")
        with pytest.raises(IncompleteRead, match="declared 4 records and gave 3"):
            list(shopify(client, tmp_path))
        for wrong in ("many", None, True):
            shop = Shopify("/bulk.jsonl", wrong)
            with pytest.raises(DecodeError, match="number of its records"):
                list(shopify(client, tmp_path))
        shop = Shopify("/bulk.jsonl")
        with pytest.raises(DecodeError, match=r"there is nothing at 'data\.node\.total'"):
            list(shopify(client, tmp_path, count="data.node.total"))


def test_several_files_are_read_one_after_the_other(serve: Any, tmp_path: Path) -> None:
    server = serve(lambda asked: (200, {}, b'{"id": "%s"}\n' % asked.path.encode()) if asked.method == "GET" else shop(asked))
    with Client(server.url) as client:
        shop = Shopify(["/one", f"{server.url}/two", "/three"])  # type: ignore[arg-type]
        job = shopify(client, tmp_path)
        assert [record["id"] for record in job] == ["/one", "/two", "/three"]
        pages = list(job.pages())
        assert [record["id"] for page in job.pages(pages[2].checkpoint) for record in page.records] == ["/three"]


def netsuite(polls: int = 2, location: str = "/services/rest/async/v1/job/42") -> Any:
    left = [polls]

    def script(asked: Any) -> Any:
        if asked.method == "POST":
            assert asked.headers["prefer"] == "respond-async"
            return 202, {"Location": location}, b""
        if asked.path.endswith("/result"):
            return 200, {"Content-Type": "application/json"}, b'{"items": [{"id": 1}, {"id": 2}]}'
        left[0] -= 1
        return {"completed": left[0] <= 0, "progress": "succeeded"}

    return script


def test_a_job_whose_location_is_a_header(serve: Any, tmp_path: Path) -> None:
    server = serve(netsuite())
    with Client(server.url) as client:
        create = JobCall("POST", "/services/rest/record/v1/customer", json={}, headers={"Prefer": "respond-async"})
        job = BulkJob(
            client,
            create,
            id="header:Location",
            status="completed",
            done=[True],
            results="/services/rest/async/v1/job/{id}/task/1/result",
            format="json",
            records="items",
            every=0.001,
            folder=tmp_path,
        )
        pages = list(job.pages())
        assert [record["id"] for page in pages for record in page.records] == [1, 2]
        assert pages[0].checkpoint is not None
        assert pages[0].checkpoint.token["job"] == "42"
        assert [record["id"] for page in job.pages(pages[0].checkpoint) for record in page.records] == [1, 2]
    assert [asked.path for asked in server.asked if asked.path.endswith("/42")] == ["/services/rest/async/v1/job/42"] * 3


@pytest.mark.parametrize("location", ["", "https://evil.example/jobs/1"])
def test_a_location_that_leads_nowhere_good(serve: Any, location: str) -> None:
    with Client(serve(netsuite(location=location)).url) as client:
        job = BulkJob(client, JobCall("POST", "/x", headers={"Prefer": "respond-async"}), id="header:Location", status="completed", done=[True])
        with pytest.raises(DecodeError, match="header Location"):
            job.run()


def test_a_header_may_hold_a_plain_id(serve: Any) -> None:
    with Client(serve(netsuite(location="42")).url) as client:
        create = JobCall("POST", "/x", headers={"Prefer": "respond-async"})
        assert BulkJob(client, create, id="header:Location", poll="/jobs/{id}", status="completed", done=[True], every=0.001).run().id == "42"


# ---------------------------------------------------------------------- as an action


def test_a_job_without_results_is_run(serve: Any, world: Any) -> None:
    jobs = Jobs(polls=2)
    server = serve(jobs)

    async def main() -> JobProgress:
        async with Client(server.url) as client:
            job = BulkJob(client, CREATE, **{**SALESFORCE, "results": None}, every=0.001)
            with pytest.raises(ConfigurationError, match="results="):
                job.open_read()
            done = await job.arun()
            await job.acancel("750/1")
            await job.acancel("no such job")
            return done

    done = world(main)
    assert (done.id, done.status, done.polls) == ("750/1", "JobComplete", 2)
    assert jobs.asked[-2:] == ["PATCH /jobs/query/750%2F1", "PATCH /jobs/query/no%20such%20job"]


def test_an_action_that_fails(serve: Any) -> None:
    jobs = Jobs(polls=1)
    jobs.end = {"state": "Failed", "errorMessage": "no"}
    with Client(serve(jobs).url, retry=Retry(attempts=1)) as client:
        job = BulkJob(client, CREATE, **SALESFORCE, every=0.001)
        with pytest.raises(ReadError, match="job 750/1 is Failed: no"):
            job.run()
        job.cancel("750/1")
        with pytest.raises(ConfigurationError, match="cancel="):
            BulkJob(client, CREATE, **{**SALESFORCE, "cancel": None}).cancel("750/1")


@pytest.mark.parametrize("answer", [{}, {"id": None}, {"id": ""}, {"id": {}}, {"id": True}])
def test_an_answer_without_a_job_is_an_error(serve: Any, answer: Any) -> None:
    server = serve(lambda asked: {**answer, "userErrors": ["field is invalid"]})
    with Client(server.url) as client, pytest.raises(DecodeError, match=r"no id of a job at 'id': .*field is invalid"):
        BulkJob(client, CREATE, **SALESFORCE).run()


def test_an_answer_without_a_status_is_an_error(serve: Any) -> None:
    with Client(serve(lambda asked: {"id": 7}).url) as client, pytest.raises(DecodeError, match="no status at 'state'"):
        BulkJob(client, CREATE, **SALESFORCE, every=0.001).run()


def test_a_status_is_taken_as_it_is(serve: Any) -> None:
    """1 is not true, and "true" is neither."""
    states = [1, "true", True]
    with Client(serve(lambda asked: {"id": 7, "state": 0 if asked.method == "POST" else states.pop(0)}).url) as client:
        assert BulkJob(client, CREATE, **{**SALESFORCE, "done": [True], "failed": []}, every=0.001).run().polls == 3


def test_a_creation_that_is_refused_is_an_error(serve: Any) -> None:
    with Client(serve(lambda asked: (400, {}, {"error": "MALFORMED_QUERY"})).url) as client, pytest.raises(BadRequest, match="MALFORMED"):
        list(BulkJob(client, CREATE, **SALESFORCE))


def test_a_read_that_is_closed_is_not_at_its_end(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path)
    reader = simulated.job.open_read()
    assert (reader.checkpoint.token, reader.evidence.reasons) == (None, ("the job is not done",))
    reader.close()
    with pytest.raises(ReadError, match="closed before its end"):
        simulated.world.run(reader.next_page())


@pytest.mark.parametrize(
    "wrong",
    [
        {"create": "/jobs"},
        {"cancel": "/jobs"},
        {"id": ""},
        {"id": None},
        {"status": 7},
        {"message": 7},
        {"results": ""},
        {"poll": None},
        {"poll": "jobs"},
        {"done": ()},
        {"done": "JobComplete"},
        {"failed": None},
        {"results_hosts": "s3.example"},
        {"every": 0},
        {"every": True},
        {"patience": None},
        {"patience": float("inf")},
        {"progress": 7},
        {"random": None},
        {"token_lifetime": -1},
        {"format": "xml"},
        {"nonsense": 1},
    ],
)
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    arguments = {"create": CREATE, **SALESFORCE, **wrong}
    with Client("http://localhost:1") as client, pytest.raises(ConfigurationError):
        BulkJob(client, arguments.pop("create"), **arguments)


@pytest.mark.parametrize(
    "make", [lambda: JobCall(7, "/x"), lambda: JobCall("GET", "x"), lambda: JobCall("GET", 7), lambda: JobCall("GET", "/x", params=7)]
)
def test_wrong_calls(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()
