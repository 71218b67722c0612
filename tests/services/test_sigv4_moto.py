"""AWS Signature Version 4 against moto's server, which reckons the signature of what arrived itself, with botocore, and refuses a wrong one."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.services.require import away

from integrakit.errors import PermissionDenied, ResponseError
from integrakit.http import Client
from integrakit.http.signing import AWSCredentials, AWSSigV4

pytestmark = pytest.mark.service

REGION = "eu-central-1"
FORM_VERSIONS = {"iam": "2010-05-08", "sqs": "2012-11-05", "sts": "2011-06-15"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 40
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    away(f"moto's server did not come up on port {port}")


def _form(client: Client, service: str, action: str, **fields: str) -> ElementTree.Element:
    response = client.post("/", data={"Action": action, "Version": FORM_VERSIONS[service], **fields})
    return ElementTree.fromstring(response.text)


def _said(answer: ElementTree.Element, name: str) -> str:
    found = next(element.text for element in answer.iter() if element.tag.endswith(f"}}{name}"))
    assert found is not None
    return found


class Moto:
    """The server, with one user who may do everything; from then on each request must be signed with that user's key."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        with self.client("iam", access_key="none-yet", secret_key="none-yet") as iam:
            _form(iam, "iam", "CreateUser", UserName="ann")
            _form(iam, "iam", "PutUserPolicy", UserName="ann", PolicyName="all", PolicyDocument=POLICY)
            made = _form(iam, "iam", "CreateAccessKey", UserName="ann")
        self.keys = {"access_key": _said(made, "AccessKeyId"), "secret_key": _said(made, "SecretAccessKey")}
        with Client(self.url) as plain:
            plain.post("/moto-api/reset-auth", content="0")

    def client(self, service: str, **keys: Any) -> Client:
        return Client(self.url, auth=AWSSigV4(service, REGION, **(keys or self.keys)))


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    for package in ("moto", "flask", "botocore"):
        if importlib.util.find_spec(package) is None:
            away(f'{package} is not installed: pip install "moto[server]" boto3')
    port = _free_port()
    folder: Path = tmp_path_factory.mktemp("moto")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            cwd=folder,
            env={**os.environ, "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"},
            stdout=log,
            stderr=log,
        )
        try:
            _until_open(port, process)
            yield Moto(port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def test_a_wrong_secret_is_refused(moto: Moto) -> None:
    """So that the tests below prove something."""
    with moto.client("sqs", access_key=moto.keys["access_key"], secret_key="wrong-secret") as sqs, pytest.raises(PermissionDenied) as caught:
        _form(sqs, "sqs", "ListQueues")
    assert "SignatureDoesNotMatch" in str(caught.value)
    with moto.client("sqs", access_key="AKIDUNKNOWN", secret_key="wrong-secret") as sqs, pytest.raises(ResponseError, match="InvalidClientTokenId"):
        _form(sqs, "sqs", "ListQueues")
    with moto.client("s3", access_key=moto.keys["access_key"], secret_key="wrong-secret") as s3, pytest.raises(PermissionDenied):
        s3.put("/refused")


def test_s3(moto: Moto) -> None:
    with moto.client("s3") as s3:
        s3.put("/bucket", content=f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>")
        for key in ("plain.txt", "folder/my file (1)+ü~'*!.txt", "a=b&c;d,e:f@g$h"):
            body = f"content of {key}".encode()
            s3.put(f"/bucket/{key}", content=body, headers={"Content-Type": "text/plain", "x-amz-meta-note": "two  blanks"})
            answer = s3.get(f"/bucket/{key}")
            assert answer.content == body
            assert answer.headers["x-amz-meta-note"].split() == ["two", "blanks"]
        listed = ElementTree.fromstring(s3.get("/bucket", params={"list-type": 2, "prefix": "folder/my file (1)+ü~'*!"}).text)
        assert _said(listed, "Key") == "folder/my file (1)+ü~'*!.txt"
        s3.delete("/bucket/plain.txt")
        with pytest.raises(ResponseError):
            s3.get("/bucket/plain.txt")


def test_secrets_manager(moto: Moto) -> None:
    kind = {"Content-Type": "application/x-amz-json-1.1"}
    with moto.client("secretsmanager") as manager:
        manager.post("/", json={"Name": "prod/shop", "SecretString": "ü~'*"}, headers={"X-Amz-Target": "secretsmanager.CreateSecret", **kind})
        listed = manager.post("/", json={}, headers={"X-Amz-Target": "secretsmanager.ListSecrets", **kind}).json()
        assert [secret["Name"] for secret in listed["SecretList"]] == ["prod/shop"]


def test_sqs_with_forms(moto: Moto) -> None:
    with moto.client("sqs") as sqs:
        queue = _said(_form(sqs, "sqs", "CreateQueue", QueueName="orders"), "QueueUrl")
        _form(sqs, "sqs", "SendMessage", QueueUrl=queue, MessageBody="a b+c/~'(ü)*&=%")
        assert _said(_form(sqs, "sqs", "ReceiveMessage", QueueUrl=queue), "Body") == "a b+c/~'(ü)*&=%"


def test_a_role_whose_credentials_are_asked_for_anew(moto: Moto) -> None:
    with moto.client("iam") as iam:
        role = _said(_form(iam, "iam", "CreateRole", RoleName="reader", AssumeRolePolicyDocument=TRUST), "Arn")
        _form(iam, "iam", "PutRolePolicy", RoleName="reader", PolicyName="all", PolicyDocument=POLICY)
    with moto.client("sts") as sts:
        given = _form(sts, "sts", "AssumeRole", RoleArn=role, RoleSessionName="nightly")
    temporary = AWSCredentials(_said(given, "AccessKeyId"), _said(given, "SecretAccessKey"), _said(given, "SessionToken"))
    handed_out = [AWSCredentials(temporary.access_key, temporary.secret_key, "a-token-that-has-expired"), temporary]
    with moto.client("sts", credentials=lambda: handed_out.pop(0)) as sts:
        with pytest.raises(ResponseError, match="InvalidClientTokenId"):
            _form(sts, "sts", "GetCallerIdentity")
        assert _said(_form(sts, "sts", "GetCallerIdentity"), "Arn").endswith(":assumed-role/reader/nightly")


async def _whoami(moto: Moto) -> str:
    async with moto.client("sts") as sts:
        response = await sts.apost("/", data={"Action": "GetCallerIdentity", "Version": FORM_VERSIONS["sts"]})
        return _said(ElementTree.fromstring(response.text), "Arn")


def test_in_every_world(moto: Moto, world: Any) -> None:
    # In the simulated one too, whose time is another: AWS would say RequestTimeTooSkewed, and moto does not look at the time.
    assert world(lambda: _whoami(moto)).endswith(":user/ann")
