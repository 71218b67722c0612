"""AWS Signature Version 4: each request signed for one service and region. The signing itself is botocore's, which only this file knows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import sha256
from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit, urlunsplit

from attrs import field, frozen
from attrs.validators import optional

from integrakit._http.encoding import encoded
from integrakit.errors import ConfigurationError, IntegrakitError
from integrakit.http.signing.keys import Key, current, known, optional_key, plain_key
from integrakit.model import Request
from integrakit.runtimes import runtime
from integrakit.secrets import unavailable

__all__ = ["AWSCredentials", "AWSSigV4"]

#: How many of the credentials that were given lately are hidden in messages: requests with those before may be on their way.
RECENT = 12
#: Services that want the hash of the body in a header of its own (S3's reference, "Authenticating Requests"; OpenSearch Serverless; read 2026-11).
_HASH_IN_HEADER = ("s3", "aoss")
#: What a signature is made of, and an earlier one may have left behind.
_OURS = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})
#: Headers of one hop or of tracing, which somebody on the way may change: not signed. botocore leaves them out too, of late.
_HOP = frozenset({"connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"})
_UNSIGNED = _HOP | {"baggage", "traceparent", "tracestate", "user-agent", "x-amzn-trace-id"}


@frozen
class AWSCredentials:
    """What one request is signed with. ``token`` comes with temporary credentials (roles, single sign-on)."""

    access_key: str = field(validator=plain_key)
    secret_key: str = field(validator=plain_key, repr=False)
    token: str | None = field(default=None, validator=optional(plain_key), repr=False)


def _name(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value.isascii() or not value.replace("-", "").isalnum():
        what = "the name a service signs with, such as 's3' or 'execute-api'" if attribute.name == "service" else "a region such as 'eu-central-1'"
        raise ConfigurationError(f"AWSSigV4({attribute.name}=…) takes {what}, not {value!r}")


def _source(owner: Any, attribute: Any, value: Any) -> None:
    if value is None or callable(getattr(value, "get_credentials", None)) or callable(getattr(value, "get_frozen_credentials", None)):
        return
    if not callable(value) or isinstance(value, type) or iscoroutinefunction(value):
        # Its value is not shown: it may well be the credentials themselves.
        raise ConfigurationError(
            f"AWSSigV4(credentials=…) takes a boto3 or botocore session, its credentials, or a plain function that gives AWSCredentials(…), "
            f"not {value.__name__ if isinstance(value, type) else type(value).__name__}"
        )


@frozen
class AWSSigV4:
    """``Authorization: AWS4-HMAC-SHA256 …`` for a service ("s3", "execute-api", "secretsmanager" …) in a region. Needs the extra ``aws``.

    The keys are texts or `Secret` objects; or ``credentials`` is a boto3 session, or a function that gives `AWSCredentials` (or the
    "Credentials" of an answer of STS): asked before each attempt, in a worker thread under an event loop, so that expired ones are replaced. The time
    is the runtime's; a clock that is some minutes off is answered with 403 ``RequestTimeTooSkewed``.
    """

    service: str = field(validator=_name)
    region: str = field(validator=_name)
    access_key: Key | None = field(default=None, validator=optional_key, kw_only=True)
    secret_key: Key | None = field(default=None, validator=optional_key, repr=False, kw_only=True)
    session_token: Key | None = field(default=None, validator=optional_key, repr=False, kw_only=True)
    credentials: Any = field(default=None, validator=_source, repr=False, kw_only=True)
    _recent: deque[str] = field(factory=lambda: deque(maxlen=RECENT), init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if (self.credentials is None) == (self.access_key is None and self.secret_key is None):
            raise ConfigurationError("AWSSigV4 takes either access_key= and secret_key=, or credentials=")
        if (self.access_key is None) != (self.secret_key is None) or (self.session_token is not None and self.access_key is None):
            raise ConfigurationError("AWSSigV4 takes access_key= and secret_key= together; session_token= goes with both")
        _botocore()  # what is missing is said now, not at the first request

    async def authorise(self, request: Request, /) -> Request:
        auth, awsrequest = _botocore()
        credentials = await self._current()
        signed = encoded(request)
        signed.url = _strict_path(signed.url)
        body = signed.content or b""
        at = runtime().wall().strftime("%Y%m%dT%H%M%SZ")
        headers = {name: value for name, value in signed.headers.items() if name.lower() not in _OURS}
        headers["x-amz-date"] = at
        if credentials.token is not None:
            headers["x-amz-security-token"] = credentials.token
        if self.service.startswith(_HASH_IN_HEADER) and not any(name.lower() == "x-amz-content-sha256" for name in headers):
            headers["x-amz-content-sha256"] = sha256(body if isinstance(body, bytes) else body.encode()).hexdigest()
        # botocore's add_auth would ask the machine's clock; its steps are public.
        signer = (auth.S3SigV4Auth if self.service.startswith("s3") else auth.SigV4Auth)(credentials, self.service, self.region)
        lasting = {name: value for name, value in headers.items() if name.lower() not in _UNSIGNED}
        asked = awsrequest.AWSRequest(method=signed.method, url=signed.url, headers=lasting, data=body)
        asked.context["timestamp"] = at
        names = signer.signed_headers(signer.headers_to_sign(asked))
        signature = signer.signature(signer.string_to_sign(asked, signer.canonical_request(asked)), asked)
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={signer.scope(asked)}, SignedHeaders={names}, Signature={signature}"
        signed.headers = headers
        return signed

    def secrets(self) -> Iterable[str]:
        return (*known(self.secret_key, self.session_token), *self._recent.copy())

    async def _current(self) -> AWSCredentials:
        if self.access_key is not None and self.secret_key is not None:
            token = None if self.session_token is None else await current("AWSSigV4(session_token=…)", self.session_token)
            access_key = await current("AWSSigV4(access_key=…)", self.access_key)
            return AWSCredentials(access_key, await current("AWSSigV4(secret_key=…)", self.secret_key), token)
        try:
            given = await runtime().blocking(_ask, self.credentials)
        except IntegrakitError:
            raise
        except Exception as problem:
            # Its words may hold anything.
            raise unavailable(f"AWSSigV4(credentials=…) could not be asked: it raised {type(problem).__name__}") from problem
        for value in (given.secret_key, given.token):
            if value is not None and value not in self._recent.copy():
                self._recent.append(value)
        return given


def _ask(source: Any) -> AWSCredentials:
    """In blocking code: sessions and functions may have to ask a server."""
    if callable(getattr(source, "get_credentials", None)):
        source = source.get_credentials()
        if source is None:
            raise ConfigurationError("AWSSigV4(credentials=session): the session found no credentials; see `aws configure list`")
    frozen_ones = getattr(source, "get_frozen_credentials", None)
    given: Any = frozen_ones() if callable(frozen_ones) else source()
    if isinstance(given, AWSCredentials):
        return given
    if isinstance(given, Mapping):
        return AWSCredentials(given.get("AccessKeyId"), given.get("SecretAccessKey"), given.get("SessionToken"))  # type: ignore[arg-type]
    access_key, secret_key = getattr(given, "access_key", None), getattr(given, "secret_key", None)
    if access_key is None or secret_key is None:
        raise ConfigurationError(f"AWSSigV4(credentials=…) gave a {type(given).__name__}: it must give AWSCredentials(access_key, secret_key, token)")
    return AWSCredentials(access_key, secret_key, getattr(given, "token", None) or None)


def _strict_path(url: str) -> str:
    """AWS reads a path and writes it anew, every byte escaped but the unreserved ones: what is sent and signed is that already."""
    parts = urlsplit(url)
    segments = [segment if _is_dots(segment) else quote(unquote_to_bytes(segment), safe="") for segment in parts.path.split("/")]
    return urlunsplit(parts._replace(path="/".join(segments)))


def _is_dots(segment: str) -> bool:
    # Unescaped, the HTTP library would take them for steps up the path.
    return unquote_to_bytes(segment) in (b".", b"..")


def _botocore() -> tuple[Any, Any]:
    try:
        # An extra.
        import botocore.auth
        import botocore.awsrequest
    except ImportError:
        raise ConfigurationError('AWSSigV4 needs botocore: pip install "integrakit[aws]"') from None
    return botocore.auth, botocore.awsrequest
