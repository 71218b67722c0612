"""AWS Secrets Manager as a source of secrets, through boto3 (the extra ``aws``). The only file that knows boto3."""

from __future__ import annotations

import threading
from base64 import b64encode
from types import TracebackType
from typing import Any, Literal, Self

from attrs import field, frozen

from integrakit._json import loads
from integrakit.errors import ConfigurationError, IntegrakitError, ReauthorisationNeeded
from integrakit.runtimes import runtime
from integrakit.secrets.secret import Secret
from integrakit.secrets.sources import Fetched, unavailable

__all__ = ["AwsSecrets"]

# Codes of the service and of AWS at large: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html and
# CommonErrors.html there (read 2026-11).
_REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "UnrecognizedClientException",
    }
)
_WRONG = frozenset({"InvalidParameterException", "InvalidRequestException", "ResourceNotFoundException", "ValidationException", "ValidationError"})


class AwsSecrets:
    """AWS Secrets Manager of one region. Credentials are found as boto3 finds them (environment, profile, role), or in the ``session`` given.

    ``endpoint_url``: another address, for emulators and VPC endpoints. Needs the extra ``aws``. Close it, or use it with ``with``.
    """

    def __init__(self, *, region: str | None = None, endpoint_url: str | None = None, session: Any = None) -> None:
        for name, value in (("region", region), ("endpoint_url", endpoint_url)):
            if value is not None and (not isinstance(value, str) or not value):
                raise ConfigurationError(f"AwsSecrets({name}=…) takes a text or None, not {value!r}")
        if session is not None and not callable(getattr(session, "client", None)):
            raise ConfigurationError(f"AwsSecrets(session=…) takes a boto3 session, not {type(session).__name__}")
        self._region = region
        self._endpoint = endpoint_url
        self._session = session
        self._client: Any = None
        self._lock = threading.Lock()

    def secret(
        self,
        name: str,
        *,
        field: str | None = None,
        version_id: str | None = None,
        version_stage: str | None = None,
        encoding: Literal["utf-8", "base64"] = "utf-8",
        ttl: float | None = 300.0,
    ) -> Secret:
        """The secret of this name or ARN; ``field``: one field of its JSON. Asked again after ``ttl`` seconds, and so rotation is picked up.

        Binary secrets are taken as UTF-8 text, or given as base64 where ``encoding`` says so.
        """
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError("secret(name) takes the name or the ARN of a secret in AWS Secrets Manager")
        if encoding not in ("utf-8", "base64"):
            raise ConfigurationError(f"secret(encoding=…) takes 'utf-8' or 'base64', not {encoding!r}")
        asked = {"SecretId": name, "VersionId": version_id, "VersionStage": version_stage}
        for key, value in {**asked, "field": field}.items():
            if value is not None and (not isinstance(value, str) or not value):
                raise ConfigurationError(f"secret({key}=…) takes a text or None, not {value!r}")
        return Secret(_Source(self, tuple((key, value) for key, value in asked.items() if value is not None), field, encoding), ttl=ttl)

    def read(self, what: str, asked: dict[str, str], field: str | None, encoding: str) -> Fetched:
        """One value, in blocking code: for the secrets of this object."""
        client, problems = self._connected(what)
        try:
            answer = client.get_secret_value(**asked)
        except problems.ClientError as problem:
            raise _refusal(what, problem.response) from problem
        except (problems.NoCredentialsError, problems.PartialCredentialsError, problems.ParamValidationError, problems.ProfileNotFound) as problem:
            raise ConfigurationError(f"{what} cannot be asked for: {problem}") from problem
        except problems.BotoCoreError as problem:
            raise unavailable(f"{what} cannot be reached: {type(problem).__name__}") from problem
        found = _picked(answer, field, encoding)
        if isinstance(found, str):
            # What came back is not in the frame of the error.
            del answer
            raise ConfigurationError(f"{what} {found}")
        return found

    def _connected(self, what: str) -> tuple[Any, Any]:
        try:
            # An extra.
            import boto3
            import botocore.exceptions as problems
        except ImportError:
            raise ConfigurationError(f'{what} needs boto3: pip install "integrakit[aws]"') from None
        with self._lock:  # sessions are not for several threads at once; clients are
            if self._client is None:
                try:
                    session = boto3.Session() if self._session is None else self._session
                    self._client = session.client("secretsmanager", region_name=self._region, endpoint_url=self._endpoint)
                except (problems.BotoCoreError, ValueError) as problem:
                    raise ConfigurationError(f"{what} cannot be asked for: {problem}") from problem
            return self._client, problems

    def close(self) -> None:
        """Closes the connections. What was read stays known, and asking again opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<AwsSecrets {self._region or 'default region'}>"


@frozen
class _Source:
    vault: AwsSecrets = field(repr=False)
    asked: tuple[tuple[str, str], ...]
    field: str | None
    encoding: str

    async def fetch(self) -> Fetched:
        return await runtime().blocking(self.vault.read, str(self), dict(self.asked), self.field, self.encoding)

    def __str__(self) -> str:
        return f"{self.asked[0][1]!r} in AWS Secrets Manager" + (f", field {self.field!r}" if self.field else "")


def _refusal(what: str, response: Any) -> IntegrakitError:
    code = str(response.get("Error", {}).get("Code", "no code"))
    # The words of the service name secrets and keys by their names only.
    words = str(response.get("Error", {}).get("Message", "")).strip()
    said = f"{what} is not given out: {code}" + (f" ({words})" if words else "")
    if code in _REFUSED:
        return ReauthorisationNeeded(f"{said}. Whoever runs this needs valid AWS credentials, and secretsmanager:GetSecretValue on it")
    return ConfigurationError(said) if code in _WRONG else unavailable(said)


def _picked(answer: Any, field: str | None, encoding: str) -> Fetched | str:
    """The value in an answer of ``GetSecretValue``, or what is wrong with it. Raises nothing, since it holds the value in its frame."""
    text = answer.get("SecretString")
    if text is None:
        binary = bytes(answer.get("SecretBinary") or b"")
        if encoding == "base64" and field is None:
            return Fetched(b64encode(binary).decode()) if binary else "is empty"
        try:
            text = binary.decode()
        except UnicodeDecodeError:
            return 'is binary: secret(…, encoding="base64") gives it as base64'
    if field is None:
        return Fetched(text)
    try:
        fields = loads(text)
    except ValueError:
        return f"is no JSON, so it has no field {field!r}: leave field= out to take it as it is"
    if not isinstance(fields, dict) or field not in fields:
        names = f"there are {sorted(fields)}" if isinstance(fields, dict) else "it is no JSON object"
        return f"has no such field: {names}"
    value = fields[field]
    return Fetched(value) if isinstance(value, str) else f"holds a {type(value).__name__} where a text was due"
