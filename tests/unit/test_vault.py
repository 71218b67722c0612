"""Vault as a source of secrets: what is asked of it, when, and what is said when it does not answer."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.reporter import reported
from tests.fakes.vault import FakeVault

from integrakit.errors import ConfigurationError, PolicyError, ReauthorisationNeeded
from integrakit.runtimes import SimulatedRuntime, runtime
from integrakit.secrets import Secret
from integrakit.vault import AppRole, Vault

ROLE = AppRole("role-1", "s3cret-id")


@pytest.fixture
def fake() -> FakeVault:
    vault = FakeVault()
    vault.put("apps/shop", token="t0k-one", url="https://x.example")
    return vault


def connect(server: Any, auth: Any = ROLE, **options: Any) -> Vault:
    return Vault(server.url, auth=auth, retry=None, **options)


def test_a_field_is_read_in_every_world(serve: Any, world: Any, fake: FakeVault) -> None:
    server = serve(fake)

    async def main() -> None:
        async with connect(server) as vault:
            secret = vault.secret("apps/shop", field="token")
            assert secret.known() == ()
            assert await secret.get() == "t0k-one"
            assert await secret.get() == "t0k-one"
            assert secret.known() == ("t0k-one",)
            assert set(vault.known()) == {"role-1", "s3cret-id", "hvs.token-1"}

    world(main)
    assert fake.calls == ["POST /v1/auth/approle/login", "GET /v1/secret/data/apps/shop"]
    assert "x-vault-token" not in server.asked[0].headers
    assert server.asked[1].headers["x-vault-token"] == "hvs.token-1"


def test_versions_and_the_only_field(serve: Any, fake: FakeVault) -> None:
    fake.put("apps/shop", token="t0k-two")
    with connect(serve(fake)) as vault:
        assert vault.secret("apps/shop").reveal() == "t0k-two"
        assert vault.secret("apps/shop", field="url", version=1).reveal() == "https://x.example"
        with pytest.raises(ConfigurationError, match=r"has 2 fields.*\['token', 'url'\]"):
            vault.secret("apps/shop", version=1).reveal()


def test_names_are_quoted(serve: Any, fake: FakeVault) -> None:
    server = serve(fake)
    with connect(server) as vault, pytest.raises(ConfigurationError):
        vault.secret("a b/ü?x#y").reveal()
    assert server.asked[-1].target == "/v1/secret/data/a%20b/%C3%BC%3Fx%23y"


def test_a_namespace(serve: Any, fake: FakeVault) -> None:
    fake.namespace = "team/a"
    server = serve(fake)
    with connect(server, namespace="team/a") as vault:
        assert vault.secret("apps/shop", field="token").reveal() == "t0k-one"
    with connect(server, namespace="team/b") as vault, pytest.raises(ReauthorisationNeeded, match="403"):
        vault.secret("apps/shop", field="token").reveal()


# ------------------------------------------------------------------ the token


def in_time(serve: Any, fake: FakeVault, steps: Any, auth: Any = ROLE) -> None:
    """Runs ``steps(vault)`` with one virtual clock for both sides."""
    world = SimulatedRuntime()
    fake.clock = world.now
    server = serve(fake)

    async def main() -> None:
        async with connect(server, auth) as vault:
            await steps(vault)

    world.run(main())


def test_it_is_renewed_after_two_thirds_of_its_time(serve: Any, fake: FakeVault) -> None:
    async def steps(vault: Vault) -> None:
        secret = vault.secret("apps/shop", field="token", ttl=0)
        for _ in range(10):
            await secret.get()
            await runtime().sleep(1000)
        # Due at 2400, and asked at 3000, 6000 and 9000.
        assert (fake.logins(), fake.renewals()) == (1, 3)

    in_time(serve, fake, steps)


def test_one_that_has_expired_is_followed_by_a_login(serve: Any, fake: FakeVault) -> None:
    async def steps(vault: Vault) -> None:
        secret = vault.secret("apps/shop", field="token", ttl=0)
        await secret.get()
        await runtime().sleep(3601)
        assert await secret.get() == "t0k-one"
        assert (fake.logins(), fake.renewals()) == (2, 0)

    in_time(serve, fake, steps)


def test_one_that_cannot_be_renewed_is_followed_by_a_login_in_time(serve: Any, fake: FakeVault) -> None:
    fake.renewable = False

    async def steps(vault: Vault) -> None:
        secret = vault.secret("apps/shop", field="token", ttl=0)
        await secret.get()
        await runtime().sleep(2500)
        await secret.get()
        assert (fake.logins(), fake.renewals()) == (2, 0)

    in_time(serve, fake, steps)


def test_one_at_its_greatest_age_is_followed_by_a_login(serve: Any, fake: FakeVault) -> None:
    fake.max_ttl = 4000

    async def steps(vault: Vault) -> None:
        secret = vault.secret("apps/shop", field="token", ttl=0)
        await secret.get()
        await runtime().sleep(2500)
        await secret.get()
        # The renewal granted 1500 s of 3600.
        assert (fake.logins(), fake.renewals()) == (2, 1)

    in_time(serve, fake, steps)


def test_a_renewal_that_fails_leaves_the_token_in_use_until_it_expires(serve: Any, fake: FakeVault) -> None:
    async def steps(vault: Vault) -> None:
        secret = vault.secret("apps/shop", field="token", ttl=0)
        await secret.get()
        await runtime().sleep(2500)
        fake.role = {}
        fake.tokens["hvs.token-1"]["renewable"] = False
        assert await secret.get() == "t0k-one"
        assert await secret.get() == "t0k-one"
        assert (fake.logins(), fake.renewals()) == (2, 1)  # not at each request
        await runtime().sleep(1200)
        secret.expire()
        with pytest.raises(ReauthorisationNeeded, match="invalid role or secret ID"):
            await secret.get()

    in_time(serve, fake, steps)


def test_one_that_was_revoked_is_followed_by_one_login(serve: Any, world: Any, fake: FakeVault) -> None:
    server = serve(fake)

    async def main() -> None:
        async with connect(server) as vault:
            secret = vault.secret("apps/shop", field="token", ttl=0)
            await secret.get()
            fake.tokens.clear()
            assert await secret.get() == "t0k-one"
            assert fake.logins() == 2
            fake.denied = {f"hvs.token-{number}" for number in range(9)}
            secret.expire()
            with pytest.raises(ReauthorisationNeeded, match="secret/apps/shop in Vault, field 'token' was not given out: Vault answered 403"):
                await secret.get()
            assert fake.logins() == 3

    world(main)


def test_all_who_need_a_token_share_one_login(serve: Any, fake: FakeVault) -> None:
    for number in range(8):
        fake.put(f"apps/{number}", token=f"t0k-{number}")
    with connect(serve(fake)) as vault:
        found: list[str] = []
        threads = [threading.Thread(target=lambda n=n: found.append(vault.secret(f"apps/{n}").reveal())) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [f"t0k-{number}" for number in range(8)]
    assert fake.logins() == 1


def test_a_token_of_ones_own(serve: Any, world: Any, fake: FakeVault) -> None:
    server = serve(fake)
    fake.issue("hvs.own", ttl=0)

    async def main() -> None:
        async with connect(server, "hvs.own") as vault:
            secret = vault.secret("apps/shop", field="token", ttl=0)
            assert await secret.get() == "t0k-one"
            assert await secret.get() == "t0k-one"
            assert fake.calls == ["GET /v1/auth/token/lookup-self", *["GET /v1/secret/data/apps/shop"] * 2]
            fake.tokens.clear()
            secret.expire()
            with pytest.raises(ReauthorisationNeeded, match="403"):
                await secret.get()

    world(main)


def test_a_token_of_ones_own_is_renewed_and_expires(serve: Any, fake: FakeVault) -> None:
    fake.max_ttl = 6000
    fake.issue("hvs.own", ttl=3600)

    async def steps(vault: Vault) -> None:
        secret = vault.secret("apps/shop", field="token", ttl=0)
        await secret.get()
        await runtime().sleep(2500)
        await secret.get()
        assert (fake.logins(), fake.renewals()) == (0, 1)
        await runtime().sleep(4000)
        secret.expire()
        with pytest.raises(ReauthorisationNeeded, match="the Vault token has expired"):
            await secret.get()

    in_time(serve, fake, steps, "hvs.own")


def test_a_token_that_may_not_be_looked_up_is_used_all_the_same(serve: Any, fake: FakeVault) -> None:
    fake.lookup_allowed = False
    fake.issue("hvs.own")
    with connect(serve(fake), "hvs.own") as vault:
        assert vault.secret("apps/shop", field="token").reveal() == "t0k-one"


def test_a_token_whose_look_up_fails_is_looked_up_again(serve: Any, fake: FakeVault) -> None:
    fake.issue("hvs.own")
    with connect(serve(fake), "hvs.own") as vault:
        secret = vault.secret("apps/shop", field="token")
        fake.sealed = True
        for _ in range(2):
            with pytest.raises(PolicyError, match=r"the Vault token was not given out: Vault answered 503 .*sealed"):
                secret.reveal()
        fake.sealed = False
        assert secret.reveal() == "t0k-one"
        assert fake.calls[-2:] == ["GET /v1/auth/token/lookup-self", "GET /v1/secret/data/apps/shop"]
    broken = serve(lambda asked: lambda connection: None)
    with connect(broken, "hvs.own") as vault:
        for count in (1, 2):
            with pytest.raises(PolicyError, match="the Vault token cannot be had"):
                vault.secret("apps/shop", field="token").reveal()
            assert [asked.path for asked in broken.asked] == ["/v1/auth/token/lookup-self"] * count


def test_a_login_that_was_refused_at_once_is_not_repeated_for_ever(serve: Any, fake: FakeVault) -> None:
    fake.denied = {f"hvs.token-{number}" for number in range(9)}
    with connect(serve(fake)) as vault, pytest.raises(ReauthorisationNeeded, match="or let their policy read it"):
        vault.secret("apps/shop", field="token").reveal()
    assert fake.logins() == 1  # a token that is new is not what is wrong


def test_a_token_in_a_file_that_an_agent_replaces(serve: Any, fake: FakeVault, tmp_path: Path) -> None:
    sink = tmp_path / "token"
    sink.write_text(fake.issue("hvs.first") + "\n")
    with connect(serve(fake), Secret.file(sink)) as vault:
        secret = vault.secret("apps/shop", field="token", ttl=0)
        assert secret.reveal() == "t0k-one"
        fake.tokens.clear()
        sink.write_text(fake.issue("hvs.the-second") + "\n")
        assert secret.reveal() == "t0k-one"
        assert {"hvs.first", "hvs.the-second"} <= set(vault.known())


def test_a_secret_id_that_was_rotated(serve: Any, fake: FakeVault) -> None:
    given = ["old-secret-id", "s3cret-id"]
    world = SimulatedRuntime()
    server = serve(fake)

    async def main() -> None:
        role = AppRole("role-1", Secret(lambda: given.pop(0)))
        assert isinstance(role.secret_id, Secret)
        await role.secret_id.get()
        await runtime().sleep(5)
        async with connect(server, role) as vault:
            assert await vault.secret("apps/shop", field="token").get() == "t0k-one"

    world.run(main())
    assert fake.logins() == 2


# ------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (429, PolicyError, "standby"),
        (472, PolicyError, "standby"),
        (473, PolicyError, "standby"),
        (412, PolicyError, "try again later"),
        (500, PolicyError, "try again later"),
        (501, PolicyError, "not initialised"),
        (503, PolicyError, "sealed"),
        (405, ConfigurationError, "405"),
    ],
)
def test_each_status_is_named(serve: Any, fake: FakeVault, status: int, kind: type, words: str) -> None:
    with connect(serve(fake)) as vault:
        secret = vault.secret("apps/shop", field="token", ttl=0)
        vault.secret("apps/shop", field="url").reveal()
        fake.status = status
        with pytest.raises(kind, match=words) as caught:
            secret.reveal()
        assert "secret/apps/shop in Vault" in str(caught.value)
        assert f"{status}" in str(caught.value)


def test_a_sealed_vault_leaves_what_was_read_in_use(serve: Any, fake: FakeVault) -> None:
    async def steps(vault: Vault) -> None:
        secret = vault.secret("apps/shop", field="token", ttl=60)
        await secret.get()
        fake.sealed = True
        await runtime().sleep(100)
        assert await secret.get() == "t0k-one"
        fake.sealed = False
        fake.put("apps/shop", token="t0k-two")
        await runtime().sleep(100)
        assert await secret.get() == "t0k-two"

    in_time(serve, fake, steps)


def test_what_is_not_there(serve: Any, fake: FakeVault) -> None:
    fake.secrets["gone"] = [None]
    fake.put("odd", port=5432, none=None)
    with connect(serve(fake)) as vault:
        for secret, words in (
            (vault.secret("nothing", field="x"), "404: there is no such path"),
            (vault.secret("apps/shop", field="token", mount="kv"), "or the mount is no KV version 2"),
            (vault.secret("apps/shop", field="token", version=9), "no such version"),
            (vault.secret("gone", field="token"), "this version was deleted"),
            (vault.secret("apps/shop", field="tokens"), r"no such field: there are \['token', 'url'\]"),
            (vault.secret("odd", field="port"), "holds a int"),
            (vault.secret("odd", field="none"), "no such field"),
        ):
            with pytest.raises(ConfigurationError, match=words):
                secret.reveal()


@pytest.mark.parametrize(
    "body", [b"<html>s3cret-value</html>", b'{"data": {"data": "s3cret-value"}}', b"[]", b'{"data": {"data": {"token": "s3cret-value"']
)
def test_an_answer_that_is_none_is_not_quoted(serve: Any, body: bytes) -> None:
    server = serve(lambda asked: (200, {}, body))
    with connect(server, "hvs.own") as vault, pytest.raises(ConfigurationError, match="is the address that of Vault") as caught:
        vault.secret("apps/shop", field="token").reveal()
    assert "s3cret" not in reported(caught.value)


def test_a_login_that_is_answered_with_something_else(serve: Any) -> None:
    server = serve(lambda asked: {"auth": {"client_token": None}})
    with connect(server) as vault, pytest.raises(PolicyError, match="without a token"):
        vault.secret("apps/shop").reveal()


def test_a_wrong_role_is_said_without_it(serve: Any, fake: FakeVault) -> None:
    with connect(serve(fake), AppRole("role-1", "wr0ng-secret-id")) as vault, pytest.raises(ReauthorisationNeeded) as caught:
        vault.secret("apps/shop").reveal()
    shown = reported(caught.value)
    assert "auth/approle of Vault was not given out: Vault answered 400" in str(caught.value)
    assert "wr0ng" not in shown


#: As HTTP libraries are while they write: what goes out is in their local variables. Elsewhere than in the tests, for the reporter.
TRANSPORT = compile(
    """
class Transport(httpx.BaseTransport):
    def handle_request(self, request):
        headers, body = dict(request.headers), request.read()
        if at in request.url.path:
            raise httpx.WriteError("broken")
        return httpx.Response(200, json={"auth": {"client_token": "hvs.token-1", "lease_duration": 60}})
""",
    "/elsewhere/transport.py",
    "exec",
)


@pytest.mark.parametrize("at", ["login", "data"])
def test_a_broken_connection_does_not_show_what_was_sent(at: str) -> None:
    names: dict[str, Any] = {"httpx": httpx, "at": at}
    exec(TRANSPORT, names)
    with httpx.Client(transport=names["Transport"]()) as http:
        vault = Vault("http://127.0.0.1:9", auth=ROLE, retry=None, http=http)
        with vault, pytest.raises(PolicyError, match="cannot be had") as caught:
            vault.secret("apps/shop", field="token").reveal()
    assert "s3cret-id" not in reported(caught.value)
    assert "hvs.token-1" not in reported(caught.value)


def test_nothing_is_shown_or_pickled(serve: Any, fake: FakeVault) -> None:
    import pickle

    with connect(serve(fake)) as vault:
        secret = vault.secret("apps/shop", field="token")
        secret.reveal()
        assert repr(secret) == "<Secret of secret/apps/shop in Vault, field 'token'>"
        assert "s3cret" not in repr(vault) + repr(vault._session) + repr(ROLE)
        with pytest.raises(ConfigurationError, match="cannot be pickled"):
            pickle.dumps(secret)


# ------------------------------------------------------------------ arguments


@pytest.mark.parametrize("auth", [None, "", 5, b"x", AppRole, ["a"]])
def test_a_wrong_auth_is_said(auth: Any) -> None:
    with pytest.raises(ConfigurationError, match="auth="):
        Vault("http://127.0.0.1:9", auth=auth)


@pytest.mark.parametrize(("role", "secret"), [(None, "x"), ("", "x"), (5, "x"), ("x", ""), ("x", 5)])
def test_a_wrong_role_is_said(role: Any, secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="AppRole"):
        AppRole(role, secret)


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": ""},
        {"path": "/apps"},
        {"path": "apps/"},
        {"path": "apps/../x"},
        {"path": "apps."},
        {"path": 5},
        {"path": "a\nb"},
        {"mount": ""},
        {"field": ""},
        {"field": 5},
        {"version": 0},
        {"version": True},
        {"version": "1"},
        {"ttl": -1},
        {"ttl": "5"},
    ],
)
def test_wrong_arguments_are_said(arguments: dict[str, Any]) -> None:
    with Vault("http://127.0.0.1:9", auth="x") as vault, pytest.raises(ConfigurationError):
        vault.secret(**{"path": "apps/shop", **arguments})
