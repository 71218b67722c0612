"""AWS Secrets Manager, as moto's server emulates it: values, fields, rotation, and what is said when there is none."""

from __future__ import annotations

import importlib.util
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.fakes.reporter import reported
from tests.services.require import away

from integrakit.errors import ConfigurationError, PolicyError, ReauthorisationNeeded
from integrakit.http import Client
from integrakit.runtimes import drive
from integrakit.secrets import AwsSecrets, Secret

pytestmark = pytest.mark.service


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    for package in ("boto3", "moto", "flask"):
        if importlib.util.find_spec(package) is None:
            away(f"{package} is not installed: pip install 'moto[server]' boto3")
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > until or server.poll() is not None:
                    away("moto's server did not start")
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def manager(moto: str, monkeypatch: Any) -> Iterator[Any]:
    import boto3

    for name, value in (("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test"), ("DEFAULT_REGION", "eu-west-1"), ("EC2_METADATA_DISABLED", "true")):
        monkeypatch.setenv(f"AWS_{name}", value)
    with Client(moto) as client:
        client.post("/moto-api/reset")
    boto = boto3.session.Session().client("secretsmanager", endpoint_url=moto)
    yield boto
    boto.close()


@pytest.fixture
def secrets(moto: str) -> Iterator[AwsSecrets]:
    with AwsSecrets(region="eu-west-1", endpoint_url=moto) as secrets:
        yield secrets


def test_texts_and_fields(world: Any, manager: Any, secrets: AwsSecrets) -> None:
    manager.create_secret(Name="shop", SecretString='{"user": "me", "password": "s3cret", "port": 5432}')
    manager.create_secret(Name="plain", SecretString="just-text")

    async def main() -> None:
        password = secrets.secret("shop", field="password")
        assert password.known() == ()
        assert await password.get() == "s3cret"
        assert password.known() == ("s3cret",)
        assert await secrets.secret("plain").get() == "just-text"
        for secret, words in (
            (secrets.secret("shop", field="pass"), r"no such field: there are \['password', 'port', 'user'\]"),
            (secrets.secret("shop", field="port"), "holds a int"),
            (secrets.secret("plain", field="x"), "is no JSON"),
            (secrets.secret("nothing"), "'nothing' in AWS Secrets Manager is not given out: ResourceNotFoundException"),
        ):
            with pytest.raises(ConfigurationError, match=words) as caught:
                await secret.get()
            assert "s3cret" not in reported(caught.value)
            assert "just-text" not in reported(caught.value)

    world(main)


def test_binary(manager: Any, secrets: AwsSecrets) -> None:
    manager.create_secret(Name="text", SecretBinary=b'{"a": "b"}')
    manager.create_secret(Name="key", SecretBinary=b"\xff\x00\x01")
    assert secrets.secret("text", field="a").reveal() == "b"
    assert secrets.secret("text").reveal() == '{"a": "b"}'
    assert secrets.secret("key", encoding="base64").reveal() == "/wAB"
    with pytest.raises(ConfigurationError, match="is binary"):
        secrets.secret("key").reveal()


def test_rotation_is_picked_up(manager: Any, secrets: AwsSecrets) -> None:
    manager.create_secret(Name="shop", SecretString="one")
    secret, kept = [secrets.secret("shop", ttl=ttl) for ttl in (0, 300)]
    assert (secret.reveal(), kept.reveal()) == ("one", "one")
    manager.put_secret_value(SecretId="shop", SecretString="two")
    assert (secret.reveal(), kept.reveal()) == ("two", "one")
    kept.expire()
    assert kept.reveal() == "two"
    assert secrets.secret("shop", version_stage="AWSPREVIOUS").reveal() == "one"
    manager.delete_secret(SecretId="shop", ForceDeleteWithoutRecovery=True)
    assert kept.reveal() == "two"
    kept.expire()
    with pytest.raises(ConfigurationError, match="ResourceNotFound"):
        kept.reveal()


def test_threads_share_one_client(manager: Any, secrets: AwsSecrets) -> None:
    manager.create_secret(Name="shop", SecretString="one")
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(secrets.secret("shop").reveal())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["one"] * 6


def test_a_server_that_is_away(manager: Any) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with AwsSecrets(region="eu-west-1", endpoint_url=nobody) as secrets, pytest.raises(PolicyError, match="EndpointConnectionError") as caught:
        secrets.secret("shop").reveal()
    assert "'shop' in AWS Secrets Manager cannot be reached" in str(caught.value)
    assert type(caught.value.__cause__).__module__.startswith("botocore")


def test_without_credentials_or_region(moto: str, manager: Any, monkeypatch: Any, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with AwsSecrets(region="eu-west-1", endpoint_url=moto) as secrets, pytest.raises(ConfigurationError, match="credentials"):
        secrets.secret("shop").reveal()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with AwsSecrets(endpoint_url=moto) as secrets, pytest.raises(ConfigurationError, match="region"):
        secrets.secret("shop").reveal()


@pytest.mark.parametrize(
    ("code", "kind"),
    [("AccessDeniedException", ReauthorisationNeeded), ("ThrottlingException", PolicyError), ("InvalidRequestException", ConfigurationError)],
)
def test_what_the_service_says_is_translated(manager: Any, code: str, kind: type) -> None:
    from botocore.exceptions import ClientError

    class Service:
        def get_secret_value(self, **asked: Any) -> Any:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetSecretValue")

        def close(self) -> None: ...

    class Session:
        def client(self, name: str, **options: Any) -> Any:
            return Service()

    with AwsSecrets(session=Session()) as secrets, pytest.raises(kind, match=code):
        secrets.secret("shop").reveal()


def test_nothing_is_shown_or_pickled(manager: Any, secrets: AwsSecrets) -> None:
    manager.create_secret(Name="shop", SecretString="s3cret-value")
    secret = secrets.secret("shop", field=None)
    assert drive(secret.get()) == "s3cret-value"
    assert repr(secret) == "<Secret of 'shop' in AWS Secrets Manager>"
    assert isinstance(secret, Secret)
    with pytest.raises(ConfigurationError, match="cannot be pickled"):
        pickle.dumps(secret)
