"""Following redirects: here and not by the HTTP library, so that each hop takes its turn in the rate limit, credentials are decided for each origin
anew, and no body goes to strangers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit, urlunsplit

from integrakit.errors import TransportError
from integrakit.http.observing import observed
from integrakit.model import Request, Response
from integrakit.model.events import RedirectFollowed
from integrakit.model.exchange import mask_url, origin, without_params
from integrakit.protocols import CallNext

__all__ = ["follow_redirects"]

MAX_REDIRECTS = 5
#: Methods that change nothing (RFC 9110 §9.2.1).
READS = frozenset({"GET", "HEAD", "OPTIONS"})


async def follow_redirects(
    request: Request,
    call_next: CallNext,
    /,
    *,
    own: Callable[[str], bool] | None = None,
    clean: Callable[[str], str] | None = None,
) -> Response:
    """Follows 301, 302, 303, 307 and 308 as browsers do, at most five times; anything else is handed back.

    A write goes on with its method and body within one origin, or from one that is ``own`` to another, and nowhere else: the body may hold secrets, a
    write without credentials would be of no use, and no stranger may send an authorised one to where he likes. ``clean`` takes our credentials out of
    a URL that a server wrote.
    """
    for _ in range(MAX_REDIRECTS + 1):
        response = await call_next(request)
        if response.raw.status_code not in (301, 302, 303, 307, 308) or "location" not in response.headers:
            return response
        status, method = response.raw.status_code, request.method
        try:
            url = _without_user(urljoin(str(response.raw.url), response.headers["location"]))
            scheme = urlsplit(url).scheme
        except ValueError:
            url, scheme = "", "http"
        if scheme not in ("http", "https"):
            return response
        if not origin(url)[1]:
            raise _misled(f"{request} was redirected to a URL that cannot be read", request)
        hide = response._hide
        leaves = origin(url) != origin(request.url)
        # Servers repeat the query they were asked with. Our credentials are added to each request anew, and not for errors, records and observers.
        url = url if clean is None else clean(url)
        if leaves and hide is not None:
            # What else is ours in it is not for others, whatever its name.
            url = without_params(url, partial(_is_ours, hide))
        becomes_get = (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST")
        if not becomes_get and _writes(request) and leaves and not (own and own(request.url) and own(url)):
            raise _misled(
                f"{request} was redirected to another origin, {mask_url(url)}, which would get its body: it was not followed; if it is right, name "
                "its host in allow_hosts=",
                request,
            )
        if tell := observed(request):
            tell(RedirectFollowed(request=request, url=mask_url(url if hide is None else hide(url))))
        if becomes_get:
            kept = {name: value for name, value in request.headers.items() if not name.lower().startswith("content-")}
            request = request.copy(method="GET", url=url, params={}, headers=kept, json=None, data=None, files=None, content=None)
        else:
            request = request.copy(url=url, params=_key_in(request, url))
    raise _misled(f"{request} was redirected more than {MAX_REDIRECTS} times: the server sends it in circles", request)


def _is_ours(hide: Callable[[str], str], name: str, value: str) -> bool:
    return hide(value) == "***"


def _writes(request: Request) -> bool:
    bodies = (request.json, request.data, request.files, request.content)
    return request.method not in READS or any(body is not None for body in bodies)


def _without_user(url: str) -> str:
    """The HTTP library would make credentials of a user name, and send them instead of ours."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _key_in(request: Request, url: str) -> dict[str, Any]:
    """The idempotency key where it is a parameter: the rest of the query is for the server to say, but this makes it safe to send again."""
    if "idempotent" not in request.extensions:
        return {}
    named = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return {name: value for name, value in request.params.items() if value == request.idempotency_key and name not in named}


def _misled(message: str, request: Request) -> TransportError:
    error = TransportError(message, request=request)
    error.lasting = True
    return error
