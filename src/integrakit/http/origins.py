"""Which origins the credentials of a client belong to. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from integrakit.errors import ConfigurationError
from integrakit.model.exchange import mask_url, origin

__all__ = ["Origins"]

# A read asks for the same few URLs without their parameters over and over.
_origin = lru_cache(maxsize=256)(origin)


class Origins:
    """Which origins the credentials of a client belong to: that of ``base_url`` and those in ``allow_hosts``."""

    def __init__(self, base_url: str, allow_hosts: Sequence[str]) -> None:
        self._base = origin(base_url)
        self._hosts = set()
        if not isinstance(allow_hosts, list | tuple | set | frozenset):
            raise ConfigurationError(f"allow_hosts= takes a list of hosts, such as ['files.example.com'], not {allow_hosts!r}")
        for host in allow_hosts:
            wrong = f"allow_hosts= takes hosts such as 'files.example.com', 'localhost:8080' or 'https://x.example', not {host!r}"
            if not isinstance(host, str) or not host or any(character.isspace() for character in host):
                raise ConfigurationError(wrong)
            # A bare host means the scheme of the base URL: credentials for https never go out over http.
            url = host if "://" in host else f"{self._base[0]}://{host}"
            scheme, name, port = origin(url)
            if scheme not in ("http", "https") or not name or mask_url(url).rstrip("/").count("/") != 2 or "@" in url:
                raise ConfigurationError(wrong)
            self._hosts.add((scheme, name, port))

    def own(self, url: str) -> bool:
        """Whether credentials may go to this URL."""
        where = _origin(url)
        return where == self._base or where in self._hosts
