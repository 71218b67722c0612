"""How the next page is asked for: one small pure class for each way that APIs do it.

A paginator sees the request, the response and the records of a page, and returns the next request or None for the end. It keeps no state, so one
object serves any number of reads. Parameters go to the query, or with ``in_="json"`` to a dotted place in the body (``"params.1"``), or
``in_="header"``; cursors and totals are read from a dotted path or from ``"header:X-Total"``.
"""

from integrakit.http.paginators.counted import OffsetPaginator, PageNumberPaginator
from integrakit.http.paginators.cursors import CursorPaginator, KeysetPaginator
from integrakit.http.paginators.links import HeaderLinkPaginator, JSONLinkPaginator, SinglePagePaginator
from integrakit.http.paginators.places import read_at

__all__ = [
    "CursorPaginator",
    "HeaderLinkPaginator",
    "JSONLinkPaginator",
    "KeysetPaginator",
    "OffsetPaginator",
    "PageNumberPaginator",
    "SinglePagePaginator",
    "read_at",
]
