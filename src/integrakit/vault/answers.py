"""What Vault's HTTP API answers, and which error it is when it answers something else. No token lives here, and no value is shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError, ReauthorisationNeeded, ResponseError
from integrakit.http import Client, Response
from integrakit.secrets import unavailable

__all__ = ["checked_path", "quoted", "refusal", "section", "sent"]


async def sent(what: str, client: Client, method: str, url: str, params: dict[str, int] | None = None) -> Response:
    try:
        return await client.arequest(method, url, params=params or {}, check=False)
    except (ConfigurationError, ReauthorisationNeeded):
        raise
    except IntegrakitError as problem:
        # The frames of an HTTP library hold what was sent, and tools that print local variables would show it.
        link: BaseException | None = problem
        while link is not None:
            link.__traceback__ = None
            link = link.__cause__ or link.__context__
        raise unavailable(f"{what} cannot be had: {problem}", retry_after=getattr(problem, "retry_after", None)) from problem


def refusal(what: str, answer: Response) -> IntegrakitError:
    """The error for an answer that is none. Statuses: https://developer.hashicorp.com/vault/api-docs#http-status-codes (read 2026-11)."""
    status, words = answer.status_code, answer.excerpt().strip()
    said = f"{what} was not given out: Vault answered {status}"
    told = f" ({words})" if words else ""
    if status == 403 or (status == 400 and answer.request.method == "POST"):
        return ReauthorisationNeeded(f"{said}{told}. Whoever runs Vault must renew the credentials, or let their policy read it")
    if status == 404:
        metadata = section(answer, "data").get("metadata")
        gone = isinstance(metadata, dict) and (metadata.get("destroyed") or metadata.get("deletion_time"))
        why = "this version was deleted" if gone else "there is no such path, or no such version, or the mount is no KV version 2"
        return ConfigurationError(f"{said}: {why}")
    if status in (429, 472, 473, 474) and "quota" not in words:
        why = "this is a standby node, which does not answer itself: give the address of the active one or of the load balancer"
    elif status == 503:
        why = "Vault is sealed, or down for maintenance: someone must unseal it"
    elif status == 501:
        why = "Vault is not initialised"
    elif status < 500 and status not in (412, 429):
        return ConfigurationError(f"{said}{told}")
    else:
        why = "try again later"
    return unavailable(f"{said}{told}: {why}", retry_after=answer.error.retry_after if isinstance(answer.error, ResponseError) else None)


def section(answer: Response, name: str) -> dict[str, Any]:
    """One object of an answer; empty where it is not there. Raises nothing: its words would quote the answer."""
    try:
        body = answer.json()
    except DecodeError:
        return {}
    section = body.get(name) if isinstance(body, dict) else None
    return section if isinstance(section, dict) else {}


def checked_path(where: str, path: Any) -> None:
    parts = path.split("/") if isinstance(path, str) else [""]
    # Vault answers 404 to what ends in periods, and to climb by ".." is nobody's business.
    if any(not part.strip() or part.endswith(".") or not part.isprintable() for part in parts):
        raise ConfigurationError(f"{where} takes a path such as 'apps/shop', without a slash at its ends, not {path!r}")


def quoted(path: str) -> str:
    return quote(path, safe="/")
