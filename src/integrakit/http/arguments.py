"""What a client and its streams are told, checked when it is said: every wrong argument is a `ConfigurationError` that names it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from integrakit.clock import Clock
from integrakit.errors import ConfigurationError
from integrakit.model import Timeout
from integrakit.model.exchange import origin
from integrakit.protocols import Auth, Paginator

__all__ = [
    "check_into",
    "checked_actor",
    "checked_auth",
    "checked_base",
    "checked_clock",
    "checked_cost",
    "checked_deadline",
    "checked_headers",
    "checked_key",
    "checked_method",
    "checked_paginator",
    "checked_params",
    "checked_purpose",
    "checked_stability",
    "checked_timeout",
    "instance",
]

#: A field name, and a value as HTTP carries it: no control characters, no blanks around it (RFC 9110 §5).
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")
_METHOD = re.compile(r"[A-Za-z]+")
_BAD_HOST = re.compile(r"[\s\\<>\"{}|^`]")


def is_seconds(value: Any) -> bool:
    """Whether it is a finite number above 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def checked_base(base_url: Any) -> str:
    """An absolute URL without a slash at its end."""
    wrong = f"base_url= takes an absolute URL such as 'https://api.example.com/v2', not {base_url!r}"
    if not isinstance(base_url, str) or _BAD_HOST.search(base_url):
        raise ConfigurationError(wrong)
    scheme, host, _ = origin(base_url)
    if scheme not in ("http", "https") or not host:
        raise ConfigurationError(wrong)
    parts = urlsplit(base_url)
    if parts.username or parts.password:
        raise ConfigurationError("base_url= holds a user name or password: give them as auth=BasicAuth(…), so that they stay out of logs")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"base_url= takes no query or fragment: {parts.scheme}://{parts.netloc}{parts.path}; give params= instead")
    return base_url.rstrip("/?#")


def checked_timeout(timeout: Any) -> Timeout:
    """Seconds for one attempt as a `Timeout`, or the `Timeout` itself."""
    if isinstance(timeout, Timeout):
        return timeout
    if not is_seconds(timeout):
        raise ConfigurationError(f"timeout= takes seconds above 0 for one attempt, or a Timeout, not {timeout!r}")
    seconds = float(timeout)
    return Timeout(connect=min(10.0, seconds), read=seconds, write=seconds, pool=seconds, attempt=seconds)


def checked_deadline(deadline: Any) -> float | None:
    if deadline is not None and not is_seconds(deadline):
        raise ConfigurationError(f"deadline= takes seconds above 0 for the whole call, or None, not {deadline!r}")
    return None if deadline is None else float(deadline)


def checked_paginator(paginator: Any) -> Paginator | None:
    """The paginator itself; `ConfigurationError` for what is none."""
    if paginator is not None and (isinstance(paginator, type) or not callable(getattr(paginator, "next_request", None))):
        raise ConfigurationError(f"paginator= takes a paginator such as HeaderLinkPaginator(), not {paginator!r}")
    checked: Paginator | None = paginator
    return checked


def instance(name: str, value: Any, kind: type, wanted: str) -> Any:
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(f"{name}= takes {wanted}, not {value!r}")
    return value


def checked_auth(auth: Any) -> Auth | None:
    if auth is not None and (isinstance(auth, type) or not (callable(getattr(auth, "authorise", None)) and callable(getattr(auth, "secrets", None)))):
        # Its value is not shown: it may well be the credential itself.
        kind = auth.__name__ if isinstance(auth, type) else type(auth).__name__
        raise ConfigurationError(
            f"auth= takes BearerToken(…), ApiKey(…), BasicAuth(…), an OAuth2… or another object with authorise() and secrets(), not {kind}"
        )
    checked: Auth | None = auth
    return checked


def checked_headers(headers: Any) -> dict[str, str]:
    """Names in small letters. A value is never shown: it may be a credential."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise ConfigurationError(f"headers= takes a mapping of names to texts, not {type(headers).__name__}")
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"headers= takes names such as 'X-Shop', not {name!r}")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            what = "holds blanks around it, line ends or non-ASCII characters" if isinstance(value, str) else f"is a {type(value).__name__}"
            raise ConfigurationError(f"headers= takes values as texts that HTTP can carry; that of {name!r} {what}")
    return {name.lower(): value for name, value in headers.items()}


def checked_params(name: str, params: Any) -> dict[str, Any]:
    """A copy of a mapping of names to values."""
    if params is None:
        return {}
    if not isinstance(params, Mapping) or not all(isinstance(key, str) and key for key in params):
        raise ConfigurationError(f"{name}= takes a mapping of names to values, not {params!r}")
    return dict(params)


def checked_method(method: Any) -> str:
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise ConfigurationError(f"method= takes the name of an HTTP method such as 'GET', not {method!r}")
    return method.upper()


def checked_key(key: Any) -> str | tuple[str, ...] | None:
    """The name of a key field, or a tuple of names."""
    names = key if isinstance(key, tuple) else () if key is None else (key,)
    if (isinstance(key, tuple) and not key) or not all(isinstance(name, str) and all(name.split(".")) for name in names):
        raise ConfigurationError(f"key= takes the name of a field, or a tuple of names, not {key!r}")
    checked: str | tuple[str, ...] | None = key
    return checked


def checked_stability(stability: Any) -> Any:
    if stability is not None and stability not in ("snapshot", "keyset", "offset", "unknown"):
        raise ConfigurationError(f"stability= takes 'snapshot', 'keyset' or 'offset', not {stability!r}")
    return stability


def check_into(into: Any, on_invalid: Any) -> None:
    if into is not None and not isinstance(into, type) and getattr(into, "__origin__", None) is None:
        raise ConfigurationError(f"into= takes a class, such as an attrs class, not {into!r}")
    if on_invalid is not None and not callable(on_invalid):
        raise ConfigurationError(f"on_invalid= takes a function of the record and its error, not {on_invalid!r}")
    if on_invalid is not None and into is None:
        raise ConfigurationError("on_invalid= needs into=, the class that records may not fit")


def checked_cost(cost: Any) -> int:
    if isinstance(cost, bool) or not isinstance(cost, int) or cost < 1:
        raise ConfigurationError(f"cost= takes units of the rate limit, a whole number of 1 or more, not {cost!r}")
    return cost


def checked_actor(actor: Any) -> str:
    if not isinstance(actor, str) or not actor:
        raise ConfigurationError(f"actor= takes who or what the call is made for, a text that is not empty, not {actor!r}")
    return actor


def checked_purpose(purpose: Any) -> str:
    if not isinstance(purpose, str):
        raise ConfigurationError(f"purpose= takes a name such as 'interactive' or 'backfill', not {purpose!r}")
    return purpose


def checked_clock(clock: Any) -> Clock | None:
    if clock is not None and (isinstance(clock, type) or not (callable(getattr(clock, "now", None)) and callable(getattr(clock, "wall", None)))):
        raise ConfigurationError(f"clock= takes an object with now() and wall(), such as integrakit.testing.VirtualClock(), not {clock!r}")
    checked: Clock | None = clock
    return checked
