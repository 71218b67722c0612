"""`Transport` for type checkers that look at httpx2: the same class, and by name a transport of httpx2. Nothing else lives here."""

from __future__ import annotations

from integrakit.errors import ConfigurationError
from integrakit.http import transport

try:
    import httpx2
except ImportError as problem:
    raise ConfigurationError('integrakit.http.httpx2 needs the library: pip install "integrakit[httpx2]"') from problem

__all__ = ["Transport"]


class Transport(transport.Transport, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """`integrakit.http.Transport`, where the declared type must be httpx2's own."""
