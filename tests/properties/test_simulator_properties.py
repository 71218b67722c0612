"""The simulator under arbitrary bytes, arbitrary edits and arbitrary loads."""

from __future__ import annotations

import string
from collections import Counter
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from integrakit._json import dumps, loads
from integrakit.testing import Faults, Simulator, simulate
from integrakit.testing.exchange import Call, Headers, Reply
from integrakit.testing.http_parser import BadHttp, parse
from integrakit.testing.quota import KINDS, Quota


def told(api: Simulator, method: str, target: str, body: bytes = b"", **headers: str) -> Reply:
    """One call to the application itself: no socket, no time."""
    reply = api._application.handle(Call(method, target, Headers(headers.items()), body), 0.0)
    api._application.finish(reply)
    return reply


texts = st.text(max_size=8).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
keys = st.integers(0, 30) | texts.filter(bool)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.decimals(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@given(st.binary(max_size=300) | st.text(string.printable, max_size=200).map(str.encode))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    for prefix in (b"", b"POST /a HTTP/1.1\r\nHost: x\r\n", b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"):
        status, parsed = 400, None
        try:
            parsed = parse(prefix + data)
        except BadHttp as problem:
            status = problem.status
        assert status in (400, 413, 431, 501, 505)
        assert parsed is None or 0 < parsed.size <= len(prefix + data)


@given(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "X"]), st.text(max_size=30), st.binary(max_size=60), st.data())
def test_every_call_gets_an_answer(method: str, path: str, body: bytes, data: Any) -> None:
    pagination = data.draw(st.sampled_from(["link", "cursor", "offset", "page"]))
    api = Simulator({"orders": [{"id": 1}]}, pagination=pagination, idempotency="Key")
    for target in (path, f"/orders/{path}", f"/orders?{path}"):
        status = told(api, method, target, body, key="k").status
        assert status is not None
        assert status < 500


@given(keys, st.dictionaries(texts, values, max_size=5))
def test_what_is_written_is_read_back_exactly(key: Any, fields: dict[str, Any]) -> None:
    api = Simulator({"orders": []})
    row = {**fields, "id": key}
    assert told(api, "POST", "/orders", dumps(row)).status == 201
    got = told(api, "GET", f"/orders/{quote(str(key), safe='')}")
    assert got.status == 200
    assert loads(got.body, decimals=True) == loads(dumps(row), decimals=True) == api.table("orders")[0]
    assert told(api, "PUT", f"/orders/{quote(str(key), safe='')}", dumps(row)).status == 200
    assert told(api, "DELETE", f"/orders/{quote(str(key), safe='')}").status == 204
    assert api.table("orders") == []


@given(st.data())
def test_a_reader_by_position_sees_every_row_that_stayed_once(data: Any) -> None:
    size = data.draw(st.integers(1, 4))
    count = data.draw(st.integers(0, 15))
    pagination = data.draw(st.sampled_from(["link", "cursor"]))
    api = Simulator({"orders": [{"id": number} for number in range(count)]}, pagination=pagination, page_size=size)
    touched: set[int] = set()
    seen: list[int] = []
    target: str | None = "/orders"
    while target is not None:
        reply = told(api, "GET", target)
        content = loads(reply.body)
        seen += [row["id"] for row in content["orders"]]
        assert len(content["orders"]) <= size
        link = dict(reply.headers).get("Link")
        target = f"/orders?after={content['next']}" if content.get("next") else link[1 : link.index(">")] if link else None
        for key in data.draw(st.lists(st.integers(0, 40), max_size=3)):
            touched.add(key)
            if data.draw(st.booleans()) and len(seen) < 200:
                api.put("orders", {"id": key})
            else:
                api.delete("orders", key)
        if len(seen) > 100:
            break  # a reader may be chased by new rows for ever
    stayed = [number for number in range(count) if number not in touched]
    if target is None:
        assert [number for number in seen if number in stayed] == stayed
    assert max(Counter(number for number in seen if number not in touched).values(), default=1) == 1


@given(
    st.sampled_from(sorted(KINDS)),
    st.integers(1, 6),
    st.integers(1, 5),
    st.lists(st.floats(0, 2, allow_nan=False), max_size=60),
)
def test_no_limit_is_exceeded(kind: str, count: int, period: int, gaps: list[float]) -> None:
    quota = Quota(f"{count} per {period} seconds", kind)
    now, taken = 0.0, []
    for gap in gaps:
        now += gap
        wait = quota.admit(now)
        if wait == 0:
            taken.append(now)
        else:
            assert 0 < wait <= period + 1e-6
    # Of any span of one period, what this kind of server is known to let through at most.
    most = {"sliding-log": count, "token-bucket": 2 * count, "fixed-window": 2 * count}[kind]
    for start in taken:
        assert sum(start <= moment < start + period - 1e-6 for moment in taken) <= most


@given(st.integers(0, 10_000), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_seed_repeats_a_whole_run(seed: int, drop: float, lost: float) -> None:
    def run() -> list[Any]:
        api = Simulator({"orders": []}, faults=Faults(seed=seed, drop=drop, drop_response=lost), latency=(0, 1), seed=seed)
        return [(reply.status, reply.dropped, reply.delay) for reply in (told(api, "POST", "/orders", b"{}") for _ in range(20))]

    assert run() == run()


@given(st.lists(st.floats(0, 100), max_size=10), st.integers(1, 4))
def test_virtual_time_is_the_schedule_that_a_pool_would_have(naps: list[float], limit: int) -> None:
    from integrakit.runtimes import runtime

    async def main() -> float:
        world = runtime()
        await world.gather([lambda nap=nap: world.sleep(nap) for nap in naps], limit)  # type: ignore[misc]
        return world.now()

    free = [0.0] * limit
    for nap in naps:
        soonest = free.index(min(free))
        free[soonest] += nap
    assert abs(simulate(main) - max(free)) < 1e-6


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_money_stays_exact_to_the_last_digit(amount: Decimal) -> None:
    api = Simulator({"orders": []})
    assert told(api, "POST", "/orders", b'{"amount":' + str(amount).encode() + b"}").status == 201
    stored = api.table("orders")[0]["amount"]
    assert (stored, str(stored)) == (amount, str(amount)) or isinstance(stored, int)
    assert str(amount).encode() in told(api, "GET", "/orders/1").body
