"""From what a user gives as ``shared=`` to the backend that keeps the state there. Nothing is connected here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from integrakit.errors import ConfigurationError
from integrakit.http.limiting.backend import Backend
from integrakit.http.limiting.document_backend import DocumentBackend, MemcachedCells, MongoCells, StoreCells
from integrakit.http.limiting.redis_backend import RedisBackend
from integrakit.http.limiting.terms import Terms
from integrakit.protocols import Store

__all__ = ["backend_of"]

_FORMS = '"redis://host:6379/0", "rediss://…", "memcached://host:11211", "mongodb://…", or a store such as SqliteStore("limits.db")'
_EXTRAS = {"redis": "redis", "rediss": "redis", "redis+unix": "redis", "memcached": "memcached", "mongodb": "mongodb", "mongodb+srv": "mongodb"}


def backend_of(shared: Any, name: str, terms: Sequence[Terms]) -> Backend:
    """The backend for what the user gave as ``shared=``. Raises `ConfigurationError`."""
    if isinstance(shared, Store) and not isinstance(shared, type):
        return DocumentBackend(StoreCells(shared), name, terms)
    scheme = shared.partition("://")[0].lower() if isinstance(shared, str) and "://" in shared else None
    if not isinstance(shared, str) or scheme not in _EXTRAS:
        # Not repeated: it may hold a password.
        raise ConfigurationError(f"RateLimit(shared=…) takes {_FORMS}; not {'this ' if isinstance(shared, str) else 'a '}{type(shared).__name__}")
    try:
        _ = urlsplit(shared).port
    except ValueError:
        raise ConfigurationError(f"RateLimit(shared=…) takes a URI with a host and a port, such as {_FORMS}; this one cannot be read") from None
    extra = _EXTRAS[scheme]
    _check_installed(extra)
    if extra == "redis":
        return RedisBackend(shared, name, terms)
    if extra == "memcached":
        return DocumentBackend(MemcachedCells(shared), name, terms)
    return DocumentBackend(MongoCells(shared), name, terms)


def _check_installed(extra: str) -> None:
    try:
        if extra == "redis":
            # An extra.
            import redis  # noqa: F401
        elif extra == "memcached":
            # An extra.
            import pymemcache  # noqa: F401
        else:
            # An extra.
            import pymongo  # noqa: F401
    except ImportError:
        raise ConfigurationError(f'RateLimit(shared="{extra}://…") needs a library: pip install "integrakit[{extra}]"') from None
