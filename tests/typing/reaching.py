"""A client, its calls, streams, policies and paginators, as users write them. Checked by mypy and pyright, never run."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Sequence
from typing import Any, assert_type

import integrakit as ik
from integrakit.model import Request
from integrakit.protocols import CallNext, Paginator, Policy

client = ik.Client(
    "https://api.shop.example/v2",
    auth=ik.BearerToken("secret"),
    rate_limit="2/second; 100000/day",
    retry=ik.Retry(),
    idempotency=ik.IdempotencyKey(header="Idempotency-Key"),
    timeout=ik.Timeout(attempt=10),
    headers={"accept": "application/json"},
)

response = client.get("/orders/1", params={"expand": "lines"}, deadline=5.0)
assert_type(response, ik.Response)
assert_type(response.status_code, int)
assert_type(response.request_id, str | None)
client.get("/orders", unheard_of=1)  # type: ignore[call-arg]
ik.Client()  # type: ignore[call-arg]


async def both_colours() -> None:
    assert_type(await client.aget("/orders/1"), ik.Response)
    async with client:
        async for page in client.stream("/orders").pages():
            assert_type(page, ik.Page)
    async for record in client.stream("/orders"):
        print(record["id"])


with client:
    stream = client.stream("/orders", records="data", paginator=ik.CursorPaginator(cursor="meta.next", param="after"))
    assert_type(stream, ik.Stream)
    assert_type(stream.evidence, ik.Evidence)
    assert_type(stream.to_list(), list[Any])
    for page in stream.pages():
        assert_type(page.checkpoint, ik.Checkpoint | None)


async def stamp(request: Request, call_next: CallNext) -> ik.Response:
    """A policy of one's own is a function."""
    await ik.runtime().sleep(0.1)
    return await call_next(request.copy(headers={**request.headers, "x-trace": "1"}))


policy: Policy = stamp
ik.Client("https://api.shop.example", policies=[stamp, ik.PerAttempt(stamp)])


class Countdown:
    """A paginator of one's own is one method."""

    def next_request(self, request: Request, response: ik.Response, records: Sequence[Any], /) -> Request | None:
        return request.copy(params={"page": "2"}) if records else None


paginator: Paginator = Countdown()
paginators: list[Paginator] = [ik.HeaderLinkPaginator(), ik.OffsetPaginator(limit=100), ik.SinglePagePaginator()]
ik.Client("https://api.shop.example", paginator=Countdown())
