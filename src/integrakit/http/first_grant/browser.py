"""Authorization code with PKCE, for a program on one's own machine (RFC 8252): the browser asks the person and comes back to a port of this machine,
or the person copies the address. Written once, for blocking and async code."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import Unpack

from integrakit.errors import ConfigurationError, DeadlineExceeded, IntegrakitError
from integrakit.http.first_grant.granting import Granting, TokenOptions, checked_timeout
from integrakit.http.first_grant.listener import Listener
from integrakit.http.first_grant.redirects import Asking
from integrakit.http.oauth import OAuth2RefreshToken
from integrakit.http.oauth.auth import checked_words
from integrakit.http.oauth.endpoint import check_url
from integrakit.protocols import Exchange
from integrakit.runtimes import drive, runtime

__all__ = ["aauthorise_in_browser", "authorise_in_browser"]

_LOOPBACK = ("127.0.0.1", "localhost")


async def aauthorise_in_browser(
    authorization_url: str,
    token_url: str,
    *,
    client_id: str,
    scope: str | Sequence[str] | None = None,
    params: Mapping[str, str] | None = None,
    redirect_uri: str | None = None,
    port: int = 0,
    issuer: str | None = None,
    open_browser: Callable[[str], Any] = webbrowser.open,
    paste: Callable[[str], str] | None = None,
    show: Callable[[str], Any] = print,
    timeout: float = 300.0,
    **tokens: Unpack[TokenOptions],
) -> OAuth2RefreshToken:
    """Lets a person authorise this program in a browser, keeps the tokens, and gives the auth that goes on with them.

    ``scope``: mostly ``offline_access``, or what the server calls it, is part of it. ``params``: further parameters of the authorization request
    (Google: ``{"access_type": "offline"}``). ``redirect_uri``: the one the client is registered with; ``http://127.0.0.1:<port>/callback`` unless
    told. ``port``: 0 for any. ``issuer``: where the server names itself in its answers (RFC 9207), what it must say. ``paste``: a function such as
    ``input`` that shows its argument and gives the address at which the browser ended: for notebooks on other machines. ``timeout``: seconds that
    the person has. The rest are arguments of `OAuth2RefreshToken`; without ``store`` the grant ends with the process.

    Raises `PermissionDenied` when the person says no, `DeadlineExceeded` when nobody answers, `AuthenticationError` and what requests raise.
    """
    words, patience = checked_words("scope=", scope), checked_timeout(timeout)
    granting = Granting.of(token_url, client_id, words, tokens)
    page = check_url("authorization_url", authorization_url, insecure=tokens.get("insecure", False))
    if params is not None and (not isinstance(params, Mapping) or not all(isinstance(text, str) for pair in params.items() for text in pair)):
        raise ConfigurationError("params= takes further parameters of the authorization request as a dict of texts")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65_535:
        raise ConfigurationError(f"port= takes 0 for any, or a port up to 65535, not {port!r}")

    def begin(uri: str) -> tuple[Asking, str]:
        asking = Asking(uri, issuer)
        return asking, asking.url(page, client_id, words, params or {})

    if paste is not None:
        asking, url = begin(redirect_uri or f"http://127.0.0.1:{port or 8400}/callback")
        words_for_them = f"Open this address and log in:\n\n{url}\n\nIn the end the browser shows a page that may not load. Paste its address here: "
        _, answer = asking.read(await runtime().blocking(paste, words_for_them))
        if isinstance(answer, IntegrakitError):
            raise answer
        code = answer
    else:
        asking, code = await _listen(begin, redirect_uri, port, open_browser, show, patience)

    async def trade(exchange: Exchange) -> OAuth2RefreshToken:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": asking.redirect_uri, "code_verifier": asking.verifier}
        return await granting.settle(exchange, form)

    return await granting.connected(trade)


async def _listen(
    begin: Callable[[str], tuple[Asking, str]],
    redirect_uri: str | None,
    port: int,
    open_browser: Callable[[str], Any],
    show: Callable[[str], Any],
    patience: float,
) -> tuple[Asking, str]:
    """The code that the browser brings to a port of this machine."""
    host, named, port, path = _place(redirect_uri, port)
    waiter = runtime().waiter()
    found: list[str | IntegrakitError] = []
    begun: list[Asking] = []
    refused: list[str] = []

    def receive(target: str) -> bool:
        if not begun or found:
            return False
        # Anybody may call here, and a page that does so must not end the wait: only what answers this very request does.
        ours, answer = begun[0].read(target)
        if not ours:
            refused.append(str(answer))
            return False
        found.append(answer)
        waiter.wake()
        return True

    listener = await runtime().blocking(Listener, host, port, path, receive)
    try:
        asking, url = begin(named or f"http://{host if redirect_uri is None else urlsplit(redirect_uri).hostname}:{listener.port}{path}")
        begun.append(asking)
        show(f"Open this address in a browser of this machine, if it does not open by itself:\n{url}")
        await runtime().blocking(open_browser, url)
        if not await waiter.wait(patience):
            seen = f" ({len(refused)} answers that came were not ours; the last: {refused[-1]})" if refused else ""
            raise DeadlineExceeded(f"nobody authorised this program in the browser within {patience:g} s{seen}", attempts=0)
    finally:
        await runtime().blocking(listener.close)
    if isinstance(found[0], IntegrakitError):
        raise found[0]
    return asking, found[0]


def _place(redirect_uri: str | None, port: int) -> tuple[str, str | None, int, str]:
    """Host, the redirect URI where it is settled already, port and path to listen on."""
    if redirect_uri is None:
        return "127.0.0.1", None, port, "/callback"
    parts = urlsplit(check_url("redirect_uri=", redirect_uri, insecure=True))
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK or parts.query:
        raise ConfigurationError(
            "redirect_uri= must be an http address of this machine, such as http://127.0.0.1:8400/callback, for the browser to come back to; for any "
            "other one give paste=input, and copy the address that the browser ends at"
        )
    return "127.0.0.1", None if parts.port is None else redirect_uri, parts.port or port, parts.path or "/"


def authorise_in_browser(
    authorization_url: str,
    token_url: str,
    *,
    client_id: str,
    scope: str | Sequence[str] | None = None,
    params: Mapping[str, str] | None = None,
    redirect_uri: str | None = None,
    port: int = 0,
    issuer: str | None = None,
    open_browser: Callable[[str], Any] = webbrowser.open,
    paste: Callable[[str], str] | None = None,
    show: Callable[[str], Any] = print,
    timeout: float = 300.0,
    **tokens: Unpack[TokenOptions],
) -> OAuth2RefreshToken:
    """`aauthorise_in_browser` for blocking code, notebooks included."""
    return drive(
        aauthorise_in_browser(
            authorization_url,
            token_url,
            client_id=client_id,
            scope=scope,
            params=params,
            redirect_uri=redirect_uri,
            port=port,
            issuer=issuer,
            open_browser=open_browser,
            paste=paste,
            show=show,
            timeout=timeout,
            **tokens,
        )
    )
