"""`Secret`: that it is used, asked for again when it must be, and never seen."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from tests.fakes.reporter import reported

from integrakit import _json
from integrakit.errors import ConfigurationError, PolicyError, ReauthorisationNeeded
from integrakit.http import BearerToken
from integrakit.protocols import Put
from integrakit.runtimes import SimulatedRuntime, runtime
from integrakit.secrets import Fetched, Secret, unavailable
from integrakit.state import MemoryStore

VALUE = "s3cret-value"


class Rotating:
    """A source that gives what a test says, and counts."""

    def __init__(self, *given: Any, wait: float = 0.0) -> None:
        self.given = list(given)
        self.asked = 0
        self.wait = wait

    async def fetch(self) -> Fetched:
        self.asked += 1
        given = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        await runtime().sleep(self.wait)
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, Fetched) else Fetched(given)

    def __str__(self) -> str:
        return "the test's source"


# ------------------------------------------------------------------ the value


def test_a_fixed_text(world: Any) -> None:
    async def main() -> None:
        secret = Secret(VALUE)
        assert secret.known() == (VALUE,)
        assert await secret.get() == VALUE
        secret.expire()
        assert await secret.get() == VALUE
        assert not await secret.replaced()

    world(main)
    assert Secret(VALUE).reveal() == VALUE
    assert Secret("pä".encode()).reveal() == "pä"


def test_a_function_is_asked_once_when_it_is_needed(world: Any) -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return VALUE

    async def main() -> None:
        secret = Secret(ask)
        assert (asked, secret.known()) == ([], ())
        assert [await secret.get(), await secret.get()] == [VALUE, VALUE]
        assert len(asked) == 1

    world(main)


def test_it_is_asked_for_again_when_its_time_is_over() -> None:
    source = Rotating("one", "two", "three")

    async def main() -> None:
        secret = Secret(source, ttl=60)
        assert await secret.get() == "one"
        await runtime().sleep(59.9)
        assert await secret.get() == "one"
        await runtime().sleep(0.2)
        assert await secret.get() == "two"
        secret.expire()
        assert await secret.get() == "three"
        assert secret.known() == ("one", "two", "three")

    SimulatedRuntime().run(main())
    assert source.asked == 3


def test_the_source_says_when_it_expires() -> None:
    source = Rotating(Fetched("one", 10), Fetched("two", 100), "three")

    async def main() -> None:
        secret = Secret(source, ttl=50)
        assert await secret.get() == "one"
        await runtime().sleep(10)
        assert await secret.get() == "two"
        await runtime().sleep(50)
        assert await secret.get() == "three"

    SimulatedRuntime().run(main())


def test_only_the_last_few_are_known() -> None:
    secret = Secret(Rotating(*"abcdefg"), ttl=0)
    for letter in "abcdefg":
        assert secret.reveal() == letter
    assert secret.known() == ("d", "e", "f", "g")


def test_a_value_that_comes_back_is_known_once() -> None:
    secret = Secret(Rotating("one", "two", "one"), ttl=0)
    assert [secret.reveal() for _ in range(3)] == ["one", "two", "one"]
    assert secret.known() == ("two", "one")


def test_all_who_wait_share_one_question(world: Any) -> None:
    source = Rotating(VALUE, wait=0.02)

    async def main() -> None:
        secret = Secret(source)
        assert await runtime().gather([secret.get] * 5, 5) == [VALUE] * 5

    world(main)
    assert source.asked == 1


def test_threads_and_loops_share_one_question() -> None:
    source = Rotating(VALUE, wait=0.04)
    secret, found = Secret(source), []
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        found.append(secret.reveal() if number % 2 else asyncio.run(secret.get()))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [VALUE] * 6
    assert source.asked == 1


# ------------------------------------------------------------------ failures


def test_what_a_source_raises_is_raised_where_there_is_no_value(world: Any) -> None:
    async def main() -> None:
        for problem in (ConfigurationError("no"), ReauthorisationNeeded("no"), unavailable("no", retry_after=5)):
            with pytest.raises(type(problem), match=r"^no$"):
                await Secret(Rotating(problem)).get()
        with pytest.raises(PolicyError, match="the test's source could not be asked: it raised KeyError") as caught:
            await Secret(Rotating(KeyError(VALUE))).get()
        assert VALUE not in str(caught.value)
        with pytest.raises(PolicyError, match=r"the function .*could not be asked: it raised ZeroDivisionError"):
            await Secret(lambda: str(1 / 0)).get()

    world(main)


def test_the_value_before_stays_in_use_when_asking_again_fails(caplog: Any) -> None:
    source = Rotating("one", unavailable("away"), KeyError(VALUE), "two")

    async def main() -> None:
        secret = Secret(source, ttl=10)
        assert await secret.get() == "one"
        await runtime().sleep(11)
        assert await secret.get() == "one"
        assert await secret.get() == "one"
        assert source.asked == 2  # left in peace meanwhile
        await runtime().sleep(11)
        assert await secret.get() == "one"
        await runtime().sleep(11)
        assert await secret.get() == "two"

    with caplog.at_level(logging.WARNING, "integrakit.secrets"):
        SimulatedRuntime().run(main())
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == ["away", "KeyError"]


def test_a_source_that_says_it_has_changed_is_left_in_peace_when_it_fails() -> None:
    class Changes(Rotating):
        def changed(self) -> bool:
            return True

    source = Changes("one", unavailable("away"), "two")

    async def main() -> None:
        secret = Secret(source)
        assert [await secret.get() for _ in range(4)] == ["one"] * 4
        assert source.asked == 2
        await runtime().sleep(1)
        assert await secret.get() == "two"

    SimulatedRuntime().run(main())


def test_but_not_beyond_its_expiry() -> None:
    source = Rotating(Fetched("one", 100), unavailable("away"))

    async def main() -> None:
        secret = Secret(source, ttl=10)
        await secret.get()
        await runtime().sleep(99.5)
        assert await secret.get() == "one"
        await runtime().sleep(0.5)
        with pytest.raises(PolicyError, match="away"):
            await secret.get()

    SimulatedRuntime().run(main())


def test_nor_after_it_was_refused() -> None:
    source = Rotating("one", unavailable("away"), "two")

    async def main() -> None:
        secret = Secret(source)
        await secret.get()
        secret.expire()
        with pytest.raises(PolicyError, match="away"):
            await secret.get()
        assert await secret.get() == "two"

    SimulatedRuntime().run(main())


def test_replaced_says_whether_there_is_another_one() -> None:
    source = Rotating("one", "one", "two")

    async def main() -> None:
        secret = Secret(source)
        assert not await secret.replaced()  # nothing was had yet
        await secret.get()
        assert not await secret.replaced()  # asked just now
        assert source.asked == 1
        await runtime().sleep(2)
        assert not await secret.replaced()
        assert source.asked == 2
        await runtime().sleep(2)
        assert await secret.replaced()
        assert await secret.get() == "two"

    SimulatedRuntime().run(main())
    assert source.asked == 3


def test_a_refusal_while_the_value_is_on_its_way_counts_for_it() -> None:
    source = Rotating("one", "one", "two", wait=1)

    async def main() -> None:
        secret = Secret(source, ttl=5)
        await secret.get()
        await runtime().sleep(6)

        async def refuse() -> str:
            await runtime().sleep(0.5)
            secret.expire()
            return ""

        await runtime().gather([secret.get, refuse], 2)
        assert await secret.get() == "two"

    SimulatedRuntime().run(main())


@pytest.mark.parametrize("given", ["", "\ud800", 5, None, b"x", Fetched("x", 0), Fetched("x", -1), Fetched("x", float("nan")), Fetched("x", True)])
def test_what_is_no_value_is_said(given: Any) -> None:
    source = Rotating(given if isinstance(given, Fetched) else Fetched(given))
    with pytest.raises(ConfigurationError, match=r"the test's source (is empty|gave a)"):
        Secret(source).reveal()


def test_a_source_that_does_not_return_fetched_is_said() -> None:
    class Wrong:
        async def fetch(self) -> Any:
            return VALUE

    with pytest.raises(ConfigurationError, match=r"gave a str: fetch\(\) returns Fetched") as caught:
        Secret(Wrong()).reveal()
    assert VALUE not in reported(caught.value)


@pytest.mark.parametrize("value", ["", b"", "\ud800", b"\xff" + VALUE.encode(), 5, None, [VALUE], Secret, Rotating])
def test_wrong_values_are_said_without_them(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="Secret") as caught:
        Secret(value)
    assert VALUE not in reported(caught.value)


@pytest.mark.parametrize("ttl", [-1, True, "5", float("nan"), float("inf")])
def test_wrong_times_are_said(ttl: Any) -> None:
    with pytest.raises(ConfigurationError, match="ttl") as caught:
        Secret(VALUE, ttl=ttl)
    assert VALUE not in reported(caught.value)


def test_an_async_function_is_refused() -> None:
    async def ask() -> str:
        return VALUE

    with pytest.raises(ConfigurationError, match="async function"):
        Secret(ask)  # type: ignore[arg-type]


# ------------------------------------------------------------------ sources


def test_the_environment(monkeypatch: Any) -> None:
    secret = Secret.env("INTEGRAKIT_TEST_TOKEN")
    for value in (None, ""):
        with monkeypatch.context() as patch:
            patch.delenv("INTEGRAKIT_TEST_TOKEN", raising=False)
            if value is not None:
                patch.setenv("INTEGRAKIT_TEST_TOKEN", value)
            with pytest.raises(ConfigurationError, match=r"the environment variable INTEGRAKIT_TEST_TOKEN is (not set|empty)"):
                secret.reveal()
    monkeypatch.setenv("INTEGRAKIT_TEST_TOKEN", VALUE)
    assert secret.reveal() == VALUE
    monkeypatch.setenv("INTEGRAKIT_TEST_TOKEN", "another")
    assert secret.reveal() == VALUE
    secret.expire()
    assert secret.reveal() == "another"
    assert repr(secret) == "<Secret of the environment variable INTEGRAKIT_TEST_TOKEN>"


@pytest.mark.parametrize("name", ["", "a=b", "a\0b", 5, None])
def test_wrong_names_are_said(name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Secret\.env"):
        Secret.env(name)


def test_a_file_without_one_line_end(tmp_path: Path) -> None:
    for content, value in ((b"abc\n", "abc"), (b"abc\r\n", "abc"), (b"abc\n\n", "abc\n"), (b"abc", "abc"), (b" p\xc3\xa4\n", " pä")):
        (tmp_path / "token").write_bytes(content)
        assert Secret.file(tmp_path / "token").reveal() == value
        assert Secret.file(str(tmp_path / "token")).reveal() == value


def test_a_file_that_is_replaced_is_read_again_at_once(world: Any, tmp_path: Path) -> None:
    """As Kubernetes does it: a symlink to a folder is swapped for another."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(f"{name}\n")
    (tmp_path / "data").symlink_to("one")
    (tmp_path / "token").symlink_to("data/token")

    async def main() -> None:
        secret = Secret.file(tmp_path / "token")
        assert await secret.get() == "one"
        (tmp_path / "next").symlink_to("two")
        os.replace(tmp_path / "next", tmp_path / "data")
        assert await secret.get() == "two"
        assert secret.known() == ("one", "two")

    world(main)


def test_a_file_that_is_written_in_two_steps(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")

    async def main() -> None:
        secret = Secret.file(path)
        assert await secret.get() == "one"
        path.write_text("")
        assert await secret.get() == "one"
        path.unlink()
        assert await secret.get() == "one"
        path.write_text("the second")
        await runtime().sleep(2)
        assert await secret.get() == "the second"

    SimulatedRuntime().run(main())


def test_a_file_with_a_ttl_is_left_alone_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")

    async def main() -> None:
        secret = Secret.file(path, ttl=60)
        await secret.get()
        path.write_text("the second")
        assert await secret.get() == "one"
        await runtime().sleep(60)
        assert await secret.get() == "the second"

    SimulatedRuntime().run(main())


def test_files_that_hold_no_secret_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"the file .*nothing cannot be read: No such file"):
        Secret.file(tmp_path / "nothing").reveal()
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        Secret.file(tmp_path).reveal()
    for content, words in ((b"", "is empty"), (b"\n", "is empty"), (b"\xff" + VALUE.encode(), "not UTF-8"), (b"x" * 1_000_001, "not UTF-8")):
        (tmp_path / "token").write_bytes(content)
        with pytest.raises(ConfigurationError, match=words) as caught:
            Secret.file(tmp_path / "token").reveal()
        assert VALUE not in reported(caught.value)
    for path in ("", None, 5):
        with pytest.raises(ConfigurationError, match=r"Secret\.file"):
            Secret.file(path)  # type: ignore[arg-type]


@pytest.fixture
def ring() -> Any:
    keyring = pytest.importorskip("keyring")

    class Ring(keyring.backend.KeyringBackend):  # type: ignore[name-defined,misc]
        priority = 1

        def __init__(self) -> None:
            self.kept: dict[tuple[str, str], str] = {}
            self.problem: Exception | None = None

        def get_password(self, service: str, username: str) -> str | None:
            if self.problem is not None:
                raise self.problem
            return self.kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.kept[service, username] = password

    before = keyring.get_keyring()
    ring = Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_the_keyring(world: Any, ring: Any) -> None:
    from keyring.errors import KeyringLocked, NoKeyringError

    async def main() -> None:
        secret = Secret.keyring("shop", "me")
        with pytest.raises(ConfigurationError, match="'me' of 'shop' in the keyring is not there"):
            await secret.get()
        ring.problem = NoKeyringError("none")
        with pytest.raises(ConfigurationError, match="no keyring on this machine"):
            await secret.get()
        ring.problem = KeyringLocked("locked")
        with pytest.raises(PolicyError, match="is it locked"):
            await secret.get()
        ring.problem = None
        ring.kept["shop", "me"] = VALUE
        assert await secret.get() == VALUE

    world(main)


def test_without_the_extra_it_is_said(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match=r'pip install "integrakit\[keyring\]"'):
        Secret.keyring("shop", "me").reveal()
    with pytest.raises(ConfigurationError, match=r"Secret\.keyring"):
        Secret.keyring("", "me")


# ------------------------------------------------------------------ never seen


def secrets() -> list[Secret]:
    """A fixed one, and one that was asked for."""
    asked = Secret(lambda: VALUE)
    asked.reveal()
    return [Secret(VALUE), asked]


@pytest.mark.parametrize("secret", secrets(), ids=["fixed", "asked"])
class TestNeverSeen:
    def test_in_texts(self, secret: Secret) -> None:
        for text in (repr(secret), str(secret), f"{secret}", f"{secret!r:>80}", f"{secret:>80}", "%s" % secret, "{}".format(secret), ascii(secret)):  # noqa: UP031, UP032
            assert text.strip().startswith("<Secret ")
            assert "s3cret" not in text

    def test_in_what_looks_inside(self, secret: Secret) -> None:
        with pytest.raises(TypeError):
            vars(secret)
        assert not hasattr(secret, "__dict__")
        assert "s3cret" not in repr(inspect.getmembers(secret))
        assert "s3cret" not in repr([getattr(secret, name, None) for name in dir(secret)])

    def test_in_rich(self, secret: Secret) -> None:
        pretty = pytest.importorskip("rich.pretty")
        assert "s3cret" not in pretty.pretty_repr({"secret": secret, "auth": BearerToken(secret)}, expand_all=True)

    def test_in_pickles_and_copies(self, secret: Secret) -> None:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(ConfigurationError, match="cannot be pickled"):
                pickle.dumps(secret, protocol)
            with pytest.raises(ConfigurationError, match="cannot be pickled"):
                pickle.dumps(BearerToken(secret), protocol)
        with pytest.raises(ConfigurationError, match="taken apart"):
            secret.__getstate__()
        assert copy.copy(secret) is secret
        assert copy.deepcopy({"a": [secret]})["a"][0] is secret

    def test_in_json_and_stores(self, secret: Secret) -> None:
        @frozen
        class Settings:
            token: Any

        with pytest.raises(TypeError, match="not JSON serializable"):
            json.dumps(secret)
        store = MemoryStore()
        for value in (secret, {"token": secret}, [secret], (secret,), Settings(secret), BearerToken(secret), {secret: 1}):
            for encode in (_json.dumps, _json.pack, _json.canonical):
                if encode is _json.dumps and value == {secret: 1}:
                    continue
                with pytest.raises(ConfigurationError) as caught:
                    encode(value)
                assert "s3cret" not in reported(caught.value)
            with pytest.raises(ConfigurationError):
                store.commit([Put("dead_letters:orders", "1", value)])
        assert list(store.scan("dead_letters:orders")) == []

    def test_by_what_texts_can_do(self, secret: Secret) -> None:
        assert bool(secret)
        for attempt in (len, iter, list, "".join, int, float, bytes, lambda secret: secret + "", lambda secret: "s" in secret):
            with pytest.raises(TypeError):
                attempt(secret)  # type: ignore[operator]
        with pytest.raises(TypeError):
            secret[0]  # type: ignore[index]
        assert secret != VALUE
        assert not (secret == VALUE)  # noqa: SIM201

    def test_in_the_locals_of_an_error(self, secret: Secret) -> None:
        class Failing:
            async def fetch(self) -> Fetched:
                value = Fetched(secret.reveal())
                raise KeyError(len(value.value))

        with pytest.raises(PolicyError) as caught:
            Secret(Failing()).reveal()
        assert "s3cret" not in reported(caught.value)

        def gives_too_much() -> str:
            return f"{secret.reveal()}\ud800"

        with pytest.raises(ConfigurationError, match="surrogate") as unfit:
            Secret(gives_too_much).reveal()
        assert "s3cret" not in reported(unfit.value)


def test_the_reporter_does_show_what_it_can() -> None:
    """Otherwise the tests with it prove nothing."""
    with pytest.raises(ConfigurationError) as caught:
        _json.dumps({"token": {VALUE}})
    assert VALUE in reported(caught.value)


def test_in_a_log(caplog: Any) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("%s %r %s", Secret(VALUE), Secret(VALUE), {"a": Secret(VALUE)})
    assert "s3cret" not in caplog.text


def test_equality_and_hashes() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert hash(Secret("a")) == hash(Secret("a")) != hash("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret.env("A") == Secret.env("A") != Secret.env("B")
    assert Secret.env("A") != Secret.env("A", ttl=5)
    assert hash(Secret.env("A")) == hash(Secret.env("A"))
    assert Secret.file("a") == Secret.file("a") != Secret.file("b")
    assert hash(Secret.file("a")) == hash(Secret.file("a"))
    assert Secret("a") != Secret(lambda: "a")
    assert Secret("a") != "a"
    assert Secret("ä") != Secret("a")


def test_those_with_a_place_are_pickled_without_their_value(monkeypatch: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(VALUE)
    monkeypatch.setenv("INTEGRAKIT_TEST_TOKEN", VALUE)
    for secret in (Secret.env("INTEGRAKIT_TEST_TOKEN", ttl=5), Secret.file(tmp_path / "token"), Secret.keyring("shop", "me")):
        if "keyring" not in repr(secret):
            assert secret.reveal() == VALUE
        sent = pickle.dumps(secret)
        assert b"s3cret" not in sent
        there = pickle.loads(sent)
        assert there == secret
        assert there.known() == ()
        if "keyring" not in repr(secret):
            assert pickle.loads(pickle.dumps(BearerToken(secret))).token.reveal() == VALUE


def test_fetched_shows_nothing() -> None:
    assert repr(Fetched(VALUE)) == str(Fetched(VALUE)) == "<Fetched ***>"
    with pytest.raises(ConfigurationError):
        pickle.dumps(Fetched(VALUE))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_asks_on_its_own(tmp_path: Path) -> None:
    program = """
import os, threading, time
from integrakit.secrets import Secret
import sys
def slow():
    time.sleep(0.05)
    return f"from {os.getpid()}"
secret = Secret(slow)
thread = threading.Thread(target=secret.reveal)
thread.start()
time.sleep(0.01)
child = os.fork()
if not child:
    os._exit(0 if secret.reveal() == f"from {os.getpid()}" else 1)
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=30, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_asking_inside_the_loop_that_is_asking_is_said() -> None:
    async def main() -> None:
        async def fetch() -> Fetched:
            return Fetched(secret.reveal())

        class Circular:
            async def fetch(self) -> Fetched:
                return await fetch()

        secret = Secret(Circular())
        with pytest.raises(ConfigurationError, match="would wait for ever"):
            await secret.get()

    asyncio.run(main())


def test_the_standard_module_of_that_name_is_still_there() -> None:
    """`integrakit.secrets` must not stand in the way of the standard library's `secrets`."""
    import secrets

    assert hasattr(secrets, "token_bytes")
