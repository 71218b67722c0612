"""`Transport` for type checkers that look at httpx: the same class, and by name a transport of httpx. Nothing else lives here."""

from __future__ import annotations

import httpx

from integrakit.http import transport

__all__ = ["Transport"]


class Transport(transport.Transport, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """`integrakit.http.Transport`, where the declared type must be httpx's own."""
