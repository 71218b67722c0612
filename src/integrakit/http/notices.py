"""What answers say about the API itself, beside their content: it is deprecated, it ends on a day, it is another version than the one asked for.

``Deprecation`` (RFC 9745, ``@1767225600``; older drafts wrote ``true`` or a date), ``Sunset`` (RFC 8594, an HTTP date), their ``Link`` relations,
and a header of the vendor's that names the version that answered. Each notice is told once for each kind of path, not with every answer.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError
from integrakit.http.observing import observed
from integrakit.model import Response
from integrakit.model.events import EndpointDeprecated, Event, Severity, VersionMismatch
from integrakit.model.exchange import is_header_name, mask_url

__all__ = ["ApiVersion", "Notices", "deprecation_date"]

#: An end as near as this is no longer a mere warning.
SOON = timedelta(days=30)
#: Notices remembered, so that each is told once; then they are told anew.
REMEMBERED = 1000
#: Segments of a path that name one record rather than a kind of them.
_ONE_RECORD = re.compile(r"(?=.*[0-9])[A-Za-z0-9._~%-]+")
_WATCHED = frozenset({b"deprecation", b"sunset"})


def _header(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not is_header_name(value):
        raise ConfigurationError(f"ApiVersion(header) takes the name of a header such as 'X-Shopify-API-Version', not {value!r}")


def _expected(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"ApiVersion(header, expected) takes the version that should answer, as text, not {value!r}")


@frozen
class ApiVersion:
    """``Client(api_version=ApiVersion("X-Shopify-API-Version", "2026-01"))``: which version should answer, and the header that says which one did.

    Some vendors serve a newer one, in silence, once yours is gone. Another version is a `VersionMismatch` event; no header in an answer is none.
    """

    header: str = field(validator=_header)
    expected: str = field(validator=_expected)


class Notices:
    """Looks at each answer of one client; tells observers, or the log (logger ``integrakit.api``) where there are none."""

    def __init__(self, version: ApiVersion | None) -> None:
        if version is not None and not isinstance(version, ApiVersion):
            raise ConfigurationError(f"api_version= takes an ApiVersion such as ApiVersion('X-Shopify-API-Version', '2026-01'), not {version!r}")
        self._version = version
        self._watched = _WATCHED if version is None else _WATCHED | {version.header.lower().encode()}
        self._told: dict[tuple[str, ...], None] = {}
        self._guard = StateLock(self._told.clear).here

    def look(self, response: Response, now: Callable[[], datetime]) -> None:
        """Called for each answer; costs a look at the names of its headers. ``now``: the time of day."""
        for name, _ in response.raw.headers.raw:
            if name.lower() in self._watched:
                break
        else:
            return
        for event in (*self._retirement(response, now()), *self._mismatch(response)):
            self._tell(response, event)

    def _retirement(self, response: Response, now: datetime) -> list[Event]:
        said, ends = response.headers.get("deprecation"), response.headers.get("sunset")
        since, sunset = deprecation_date(said), _http_date(ends)
        if (said is None or said.strip().lower() in ("", "false", "?0")) and sunset is None:
            return []
        severity: Severity = "error" if sunset is not None and sunset - now < SOON else "warning"
        links = response.links
        link = next((links[name] for name in ("deprecation", "sunset", "successor-version") if name in links), None)
        if link is not None:
            link = mask_url(link)
        if not self._new("deprecated", response, said or "", ends or ""):
            return []
        return [EndpointDeprecated(request=response.request, since=since, sunset=sunset, link=link, severity=severity)]

    def _mismatch(self, response: Response) -> list[Event]:
        version = self._version
        got = None if version is None else response.headers.get(version.header)
        if version is None or got is None or got.strip() == version.expected or not self._new("version", response, got):
            return []
        return [VersionMismatch(request=response.request, header=version.header, expected=version.expected, got=got.strip()[:200])]

    def _new(self, what: str, response: Response, *said: str) -> bool:
        parts = urlsplit(response.request.url)
        path = "/".join("*" if _ONE_RECORD.fullmatch(part) and not re.fullmatch(r"v[0-9.]+", part) else part for part in parts.path.split("/"))
        notice = (what, response.request.method, parts.netloc.rpartition("@")[2], path, *said)
        with self._guard():
            if notice in self._told:
                return False
            if len(self._told) >= REMEMBERED:
                self._told.clear()
            self._told[notice] = None
        return True

    @staticmethod
    def _tell(response: Response, event: Event) -> None:
        if tell := observed(response.request):
            tell(event)
        else:
            logging.getLogger("integrakit.api").warning("%s %s", response.request, event)


def _http_date(text: str | None) -> datetime | None:
    """An HTTP date (RFC 9110 §5.6.7), None for what is none. Fractions, zones and other spellings of it are read as Python reads them."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def deprecation_date(text: str | None) -> datetime | None:
    """When a thing was, or will be, deprecated, as ``Deprecation`` says it: ``@`` and epoch seconds, or an HTTP date; None for ``true``."""
    stripped = (text or "").strip()
    if re.fullmatch(r"@-?[0-9]{1,12}", stripped):
        try:
            return datetime.fromtimestamp(int(stripped[1:]), UTC)
        except (OverflowError, ValueError, OSError):
            return None
    return _http_date(stripped)
