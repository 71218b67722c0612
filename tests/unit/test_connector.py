"""Connectors: what a class says by default, what the constructor says instead, and what an instance keeps for itself."""

from __future__ import annotations

from typing import Any

import pytest

from integrakit.connector import Connector, Endpoint, Resource
from integrakit.errors import AuthenticationError, ConfigurationError, NotFound, ServerError
from integrakit.http import BearerToken, CursorPaginator, HeaderLinkPaginator, IdempotencyKey, OffsetPaginator, RateLimit, Retry
from integrakit.model import Timeout
from integrakit.runtimes import drive, runtime
from integrakit.testing import Simulator, simulate


class Paged(Resource):
    """A resource with a method of its own."""

    def paid(self) -> Paged:
        return self.where(status="paid")


class Shop(Connector):
    """The Acme shop."""

    base_url = "https://{shop}.acme.example/api"
    paginator = HeaderLinkPaginator()
    orders = Paged("/orders", key="id", records="orders")
    refunds = Resource("/refunds", key=("order", "number"), create=Endpoint("POST", "/refunds"))

    async def close_order(self, order_id: Any) -> dict[str, Any]:
        """An action in several steps."""
        order = await self.orders.aget(order_id)
        await runtime().sleep(0.001)
        response = await self.apatch(f"/orders/{order_id}", json={"status": "closed", "was": order["status"]})
        closed: dict[str, Any] = response.json()
        return closed


ORDERS = [{"id": number, "status": "paid" if number % 2 else "open"} for number in range(1, 8)]

# ---------------------------------------------------------------------- the base URL


def test_placeholders_are_filled() -> None:
    assert Shop(shop="acme").base_url == "https://acme.acme.example/api"
    assert Shop(base_url="http://localhost:1/x/").base_url == "http://localhost:1/x"
    assert Shop(base_url="https://{a}.example/{b}/{a}", a="x", b=42).base_url == "https://x.example/42/x"
    assert Shop(base_url=None, shop="b.c-d_e~f").base_url == "https://b.c-d_e~f.acme.example/api"


HOSTILE = ["", "a/b", "evil.com/", "a@b", "a:b", "a?b", "a#b", "a b", "a\n", "ä", "..", ".", "{shop}", "%2e", "a\\b", None, 1.5, True, ["a"], b"a"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Shop\(shop=…\) fills \{shop\}"):
        Shop(shop=value)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"Shop\(shop=…\)"):
        Shop()


@pytest.mark.parametrize(
    "template", ["https://{}.x.example", "https://{0}.x", "https://{a.b}.x", "https://{a!r}.x", "https://{a:>9}.x", "https://{auth}.x"]
)
def test_placeholders_must_be_plain_names(template: str) -> None:
    with pytest.raises(ConfigurationError, match="must be a plain name"):
        Shop(base_url=template)


@pytest.mark.parametrize("template", ["https://{a.example", "https://a}.example"])
def test_braces_must_match(template: str) -> None:
    with pytest.raises(ConfigurationError, match="do not match"):
        Shop(base_url=template)


@pytest.mark.parametrize("base_url", ["", 5, b"https://x.example", ["https://x.example"]])
def test_a_base_url_is_a_text(base_url: Any) -> None:
    with pytest.raises(ConfigurationError, match="needs a base_url as a text"):
        Shop(base_url=base_url)
    with pytest.raises(ConfigurationError, match="needs a base_url as a text"):
        Connector()


def test_a_base_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="absolute URL"):
        Shop(base_url="{shop}.example", shop="x")


@pytest.mark.parametrize("name", ["rate_limits", "shop", "token", "_base_url", "self"])
def test_unknown_keywords_are_refused_and_told_what_there_is(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"Shop takes no {name}=; (did you mean rate_limit=\? It|it) takes auth, rate_limit, .*http"):
        Shop(**{"base_url": "https://x.example", name: "x"})
    with pytest.raises(ConfigurationError, match="it takes shop, auth"):
        Shop(shop="x", nonsense=1)


# ---------------------------------------------------------------------- defaults


def private(client: Any, name: str) -> Any:
    return getattr(client._asking, name) if hasattr(client._asking, name) else getattr(client, f"_{name}")


@pytest.mark.parametrize(
    ("name", "default", "given"),
    [
        ("auth", BearerToken("one-token"), BearerToken("another-token")),
        ("rate_limit", RateLimit("2/second"), RateLimit("3/second")),
        ("idempotency", IdempotencyKey(header="A"), IdempotencyKey(header="B")),
        ("timeout", Timeout(attempt=3), Timeout(attempt=4)),
        ("deadline", 5.0, 6.0),
        ("paginator", HeaderLinkPaginator(), OffsetPaginator(limit=3)),
    ],
)
def test_class_attributes_are_defaults_and_arguments_win(name: str, default: Any, given: Any) -> None:
    kind = type("Mine", (Connector,), {"base_url": "https://x.example", name: default})
    assert private(kind(), name) is default or private(kind(), name) == default
    assert private(kind(**{name: given}), name) == given
    if name != "timeout":
        assert private(kind(**{name: None}), name) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth": "token"}, {"rate_limit": 5}, {"retry": 3}, {"idempotency": "Idempotency-Key"}, {"timeout": 0}, {"deadline": -1},
        {"paginator": "link"}, {"decimals": 1}, {"classify": 5}, {"allow_hosts": "x.example"}, {"headers": ["a"]}, {"params": 5}, {"policies": 5},
        {"http": "requests"},
    ],
)  # fmt: skip
def test_wrong_defaults_are_refused_as_wrong_arguments_are(wrong: dict[str, Any]) -> None:
    kind = type("Mine", (Connector,), {"base_url": "https://x.example", **wrong})
    with pytest.raises(ConfigurationError):
        kind()
    with pytest.raises(ConfigurationError):
        type("Mine", (Connector,), {"base_url": "https://x.example"})(**wrong)


def test_defaults_reach_the_wire(world: Any) -> None:
    async def policy(request: Any, call_next: Any) -> Any:
        return await call_next(request.copy(headers={**request.headers, "x-policy": "seen"}))

    class Full(Connector):
        headers = {"X-Team": "one"}  # noqa: RUF012
        params = {"tenant": "one"}  # noqa: RUF012
        policies = [policy]  # noqa: RUF012
        auth = BearerToken("the-token")
        decimals = True
        retry = None
        orders = Resource("/orders", records="orders")

    async def main() -> None:
        with Simulator({"orders": [{"id": 1, "total": 1.10}]}) as api:
            async with Full(base_url=api.url) as one:
                assert str((await one.aget("/orders/1")).json()["total"]) == "1.1"
                sent = api.requests[0]
                assert (sent.headers["x-team"], sent.query["tenant"], sent.headers["x-policy"]) == ("one", "one", "seen")
                assert sent.headers["authorization"] == "Bearer the-token"
            async with Full(base_url=api.url, headers={"x-team": "two"}, params={}, policies=(), auth=None, decimals=False, retry=Retry()) as two:
                api.faults = type(api.faults).script([503, None])
                assert (await two.aget("/orders/1", params={"a": "b"})).json()["total"] == 1.1
                sent = api.requests[-1]
                assert sent.headers["x-team"] == "two"
                assert sent.query == {"a": "b"}
                assert "x-policy" not in sent.headers
                assert "authorization" not in sent.headers

    world(main)


def test_a_rate_limit_as_text_is_each_instances_own_and_an_object_is_shared() -> None:
    class Texts(Shop):
        rate_limit = "2/second"

    class Objects(Shop):
        rate_limit = RateLimit("2/second")

    one, two = Texts(shop="a"), Texts(shop="b")
    assert private(one, "rate_limit") is not private(two, "rate_limit")
    three, four = Objects(shop="a"), Objects(shop="b")
    assert private(three, "rate_limit") is private(four, "rate_limit")


def test_what_two_instances_spend_together() -> None:
    async def main() -> list[float]:
        class Texts(Shop):
            rate_limit = "1/second"

        class Objects(Shop):
            rate_limit = RateLimit("1/second")

        took = []
        with Simulator({"orders": ORDERS}) as api:
            for kind in (Texts, Objects):
                began = runtime().now()
                for shop in (kind(base_url=api.url), kind(base_url=api.url)):
                    await shop.orders.aget(1)
                took.append(runtime().now() - began)
        return took

    apart, together = simulate(main)
    assert apart == 0
    assert together >= 1


# ---------------------------------------------------------------------- classify


class Grumbling(Connector):
    orders = Resource("/orders", records="orders")

    def classify(self, response: Any) -> Exception | None:
        self.seen: list[int] = [*getattr(self, "seen", []), response.status_code]
        body = response.json()
        return NotFound("it says it is not there") if isinstance(body, dict) and body.get("status") == "open" else None


def test_a_method_finds_errors_in_a_200(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}) as api:
            async with Grumbling(base_url=api.url) as shop:
                assert (await shop.orders.aget(1))["status"] == "paid"
                with pytest.raises(NotFound, match="it says it is not there") as caught:
                    await shop.orders.aget(2)
                assert caught.value.response is not None
                assert shop.seen == [200, 200]
            async with Grumbling(base_url=api.url, classify=lambda response: ServerError("always"), retry=None) as shop:
                with pytest.raises(ServerError, match="always"):
                    await shop.orders.aget(1)
                assert not hasattr(shop, "seen")
            async with Grumbling(base_url=api.url, classify=None) as shop:
                assert (await shop.orders.aget(2))["status"] == "open"

    world(main)


def test_a_subclass_may_switch_it_off(world: Any) -> None:
    class Content(Grumbling):
        classify = None  # type: ignore[assignment]

    async def main() -> None:
        with Simulator({"orders": ORDERS}) as api:
            async with Content(base_url=api.url) as shop:
                assert (await shop.orders.aget(2))["status"] == "open"

    world(main)


# ---------------------------------------------------------------------- resources


def test_resources_are_bound_and_cached_and_of_the_same_class() -> None:
    one, two = Shop(shop="a"), Shop(shop="b")
    assert type(one.orders) is Paged
    assert one.orders is one.orders
    assert one.orders is not two.orders
    assert one.orders is not Shop.orders
    assert one.orders.client is one
    assert two.orders.client is two
    with pytest.raises(ConfigurationError, match=r"resource 'orders' is a description: use it on an instance, such as Shop\(…\).orders"):
        _ = Shop.orders.client


def test_two_instances_do_not_share_what_they_read(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}) as api:
            async with Shop(base_url=api.url) as one, Shop(base_url=api.url) as two:
                assert [order["id"] async for order in one.orders.paid()] == [1, 3, 5, 7]
                assert one.orders.evidence.reasons == ("nothing was read yet",)
                assert [order async for order in one.orders] == ORDERS
                assert one.orders.evidence.records == 7
                assert two.orders.evidence.reasons == ("nothing was read yet",)

    world(main)


def test_connectors_are_inherited() -> None:
    class Bigger(Shop):
        customers = Resource("/customers", key="id")
        refunds = Resource("/v2/refunds", key="id")

    class Smaller(Bigger):
        orders = None

    assert list(Shop.resources()) == ["orders", "refunds"]
    assert {name: resource.path for name, resource in Bigger.resources().items()} == {
        "orders": "/orders",
        "refunds": "/v2/refunds",
        "customers": "/customers",
    }
    assert set(Smaller.resources()) == {"customers", "refunds"}
    bigger = Bigger(shop="x")
    assert bigger.orders.client is bigger
    assert bigger.refunds.path == "/v2/refunds"
    assert Smaller(shop="x").orders is None


def test_one_description_in_several_places_is_cached_in_each() -> None:
    shared = Resource("/things", key="id")

    class One(Connector):
        things = shared
        same = shared

    class Two(One):
        things = Resource("/others", key="id")  # type: ignore[assignment]
        stuff = shared

    one, two = One(base_url="https://x.example"), Two(base_url="https://x.example")
    assert one.things is one.things
    assert one.things is one.same
    assert two.stuff is two.stuff
    assert two.stuff.path == "/things"
    assert two.things.path == "/others"
    assert {two.stuff.name, two.same.name} <= {"stuff", "same"}
    assert one.things.name in ("things", "same")


def test_a_resource_given_to_a_class_later() -> None:
    class Late(Connector):
        base_url = "https://x.example"

    Late.orders = Resource("/orders")  # type: ignore[attr-defined]
    late: Any = Late()
    assert late.orders is late.orders
    assert late.orders.name == "orders"


@pytest.mark.parametrize("name", ["get", "stream", "arequest", "close", "headers", "auth", "policies", "request"])
def test_a_name_that_the_client_has_already(name: str) -> None:
    kind = type("Mine", (Connector,), {"base_url": "https://x.example", name: Resource("/things")})
    with pytest.raises(ConfigurationError, match=rf"Mine.{name}: a client has something of that name"):
        kind()


# ---------------------------------------------------------------------- actions


def test_an_action_in_several_steps(world: Any) -> None:
    async def main() -> Any:
        with Simulator({"orders": ORDERS}) as api:
            async with Shop(base_url=api.url) as shop:
                return await shop.close_order(1), api.get("orders", 1)

    told, stored = world(main)
    assert told == stored == {"id": 1, "status": "closed", "was": "paid"}


def test_an_action_in_blocking_code() -> None:
    with Simulator({"orders": ORDERS}) as api, Shop(base_url=api.url) as shop:
        assert drive(shop.close_order(2))["was"] == "open"
        with pytest.raises(NotFound):
            drive(shop.close_order(99))


def test_credentials_that_are_refused_say_so(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}, auth="right") as api:
            async with Shop(base_url=api.url, auth=BearerToken("wrong-token")) as shop:
                with pytest.raises(AuthenticationError) as caught:
                    await shop.close_order(1)
                assert "wrong-token" not in str(caught.value)

    world(main)


# ---------------------------------------------------------------------- what it says about itself


def test_it_says_what_it_is() -> None:
    shop = Shop(shop="acme", auth=BearerToken("a-secret-token"), paginator=CursorPaginator("next", "after"))
    assert repr(shop) == "<Shop https://acme.acme.example/api>"
    assert repr(shop.orders) == "<Resource orders /orders of <Shop https://acme.acme.example/api>>"
    assert repr(Shop.orders) == "<Resource orders /orders of unbound>"
    text = shop.describe()
    assert text.splitlines()[:5] == ["# Shop", "", "The Acme shop.", "", "At `https://acme.acme.example/api`."]
    assert "| `orders` | `/orders` | id | – | the connector's | read only |" in text
    assert "| `refunds` | `/refunds` | order, number | – | the connector's | create |" in text
    assert "a-secret-token" not in text + repr(shop)


def test_it_says_what_it_is_in_a_notebook() -> None:
    class Odd(Connector):
        """<script>alert("x")</script>"""

        base_url = "https://x.example"

    html = Odd()._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "No resources." in html


def test_without_a_docstring_it_takes_nobody_elses() -> None:
    class Bare(Shop):
        base_url = "https://x.example"

    assert Bare().describe().splitlines()[:3] == ["# Bare", "", "At `https://x.example`."]


@pytest.mark.parametrize(("attribute", "meant"), [("rate_limits", "rate_limit"), ("time_out", "timeout"), ("paginators", "paginator")])
def test_class_attribute_that_is_nearly_an_option_is_refused(attribute, meant):
    kind = type("Shop", (Connector,), {"base_url": "https://shop.example", attribute: "2/second"})
    with pytest.raises(ConfigurationError, match=f"Shop.{attribute}: did you mean {meant}"):
        kind()
