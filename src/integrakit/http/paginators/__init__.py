"""How the next page is asked for: one small pure class for each way that APIs do it.

A paginator sees the request, the response and the records of a page, and returns the next request or None for the end. It keeps no state, so one
object serves any number of reads. Parameters go to the query, or with ``in_="json"`` to a dotted place in the body (``"params.1"``), or
``in_="header"``; cursors and totals are read from a dotted path or from ``"header:X-Total"``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from integrakit._lazy import handing_on as _handing_on
from integrakit.http.paginators.counted import OffsetPaginator, PageNumberPaginator
from integrakit.http.paginators.cursors import CursorPaginator, KeysetPaginator
from integrakit.http.paginators.links import HeaderLinkPaginator, JSONLinkPaginator, SinglePagePaginator
from integrakit.http.paginators.places import read_at

if TYPE_CHECKING:
    from integrakit.http.paginators.nested import NestedConnection
    from integrakit.http.paginators.relay import RelayPaginator

__all__ = [
    "CursorPaginator",
    "HeaderLinkPaginator",
    "JSONLinkPaginator",
    "KeysetPaginator",
    "NestedConnection",
    "OffsetPaginator",
    "PageNumberPaginator",
    "RelayPaginator",
    "SinglePagePaginator",
    "read_at",
]

#: GraphQL's: for those who use it.
_HOMES = MappingProxyType({"NestedConnection": "integrakit.http.paginators.nested", "RelayPaginator": "integrakit.http.paginators.relay"})

if not TYPE_CHECKING:
    __getattr__, __dir__ = _handing_on(__name__, _HOMES, __all__)
