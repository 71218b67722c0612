"""A refusal by a quota, whatever it looks like, made into the error that retry knows how to repeat. Nothing else may live here."""

from __future__ import annotations

from integrakit.errors import GraphQLError, RateLimited
from integrakit.model import Request, Response

__all__ = ["as_rate_limited"]


def as_rate_limited(request: Request, response: Response, told: float | None) -> None:
    """Gives the response its error, with the words of the one it has. ``told``: seconds after which the server wants to be asked again."""
    error = response.error
    if isinstance(error, GraphQLError) and response.raw.status_code < 400:
        return  # judged by those who know the document: a mutation of which a part took place must not be repeated
    message = str(error) if error is not None else f"{request} answered {response.status_code}, and says in it that a quota refused it"
    retry_after = getattr(error, "retry_after", None)
    response.error = RateLimited(
        message,
        response=response,
        request=request,
        attempts=getattr(error, "attempts", 1),
        retry_after=told if retry_after is None else retry_after,
    )
    response.conceal()
