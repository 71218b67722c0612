"""A second try with other credentials, after a 401: an attempt of its own, with its own turn in the limits, its own events and its own record.

Which credentials those are, and whether there are any, is for the auth to say; `Send` asks it. Nothing else may live here.
"""

from __future__ import annotations

from integrakit.model import Request, Response
from integrakit.protocols import CallNext

__all__ = ["AGAIN", "sign_anew"]

#: Where in ``request.extensions`` it is noted that the credentials are others now. Not there: the request is not to be sent again.
AGAIN = "again"


async def sign_anew(request: Request, call_next: CallNext, /) -> Response:
    """Sends the request once more where the credentials it was refused with have been replaced. A 401 is an answer to nothing that was done."""
    replaced: list[bool] = []
    first = request.copy()
    first.extensions[AGAIN] = replaced
    response = await call_next(first)
    if not replaced:
        return response
    second = request.copy(attempt=request.attempt + 1)
    second.extensions.pop(AGAIN, None)
    return await call_next(second)
