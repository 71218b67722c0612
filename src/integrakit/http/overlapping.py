"""An offset read whose pages overlap: whether the pages join, how far to step back where they do not, and when such a read is over.

Where rows are only inserted and deleted, their order stays: a page that holds a row which was delivered, and in one piece goes on behind it, leaves
nothing out. A page without such a row may come after a hole: rows before it were deleted, and others moved up past the reader.
Pure: the reader asks.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import attrs

from integrakit.errors import ConfigurationError
from integrakit.http.seen_keys import RecentKeys
from integrakit.http.stalling import StallGuard
from integrakit.model import Request, Response
from integrakit.protocols import Paginator

__all__ = ["Overlap", "Verdict", "check_overlap"]

#: How often such a read may begin anew, where no page joins the ones before it any more.
RESTARTS = 3

#: What a page is: it goes on from the ones before it; it does not, and earlier ones are looked at; it is taken although it does not; it is the end;
#: pages are too small to tell.
Verdict = Literal["joins", "apart", "hole", "over", "unsure"]


def check_overlap(paginator: Any, key: Any) -> None:
    """Raises `ConfigurationError` where rows overlap and nothing tells them apart."""
    if getattr(paginator, "overlap", 0) and key is None:
        raise ConfigurationError(
            f"{type(paginator).__name__}(overlap={paginator.overlap}) asks for rows again: it needs key=, the field that tells records apart"
        )


def plain(paginator: Paginator) -> Paginator:
    """The same paginator without its overlap, where it can be had."""
    return attrs.evolve(paginator, overlap=0) if attrs.has(type(paginator)) else paginator  # type: ignore[misc]


def _digest(key: Any) -> str:
    return hashlib.blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Overlap:
    """Of one read. ``anchors``: what `anchors` gave where it is taken up now, as far as it can be believed; None at the beginning."""

    def __init__(self, paginator: Any, seen: RecentKeys, guard: StallGuard, anchors: Any) -> None:
        self._rows: int = paginator.overlap
        self._paginator = paginator
        self._plain = plain(paginator)
        self._seen = seen
        self._guard = guard
        self._before: list[Any] = []
        self._beginning = anchors is None
        kept = anchors if isinstance(anchors, dict) else {"keys": anchors}
        keys, widest = kept.get("keys"), kept.get("widest")
        self._resumed = {text for text in keys if isinstance(text, str)} if isinstance(keys, list) else set()
        self._widest = widest if type(widest) is int and widest > 0 else 0
        self._idle = self._repeats = self._back = self._restarts = 0
        self._take = self._restarted = False
        self._over = kept.get("over") is True
        # The page from which it was stepped back.
        self._origin: Request | None = None

    # ------------------------------------------------------------------ does it join

    def look_anew(self) -> None:
        """The next page is asked for: for the first time, or after an error in the midst of stepping back."""
        self._back, self._origin = 0, None
        self._take = self._restarted = False

    def judge(self, keys: list[Any]) -> Verdict:
        """What the page with these keys is. Changes nothing: the same page may come again after an error."""
        if not keys:
            if self._over or self._beginning or self._restarted:
                return "over"
            return self._apart if self._widest > 1 or len(self._before) != 1 else "unsure"
        if self._beginning or self._restarted:
            return "joins"
        before = set(self._before)
        if not before.isdisjoint(keys) or keys[-1] in self._seen:
            return "joins"
        if self._resumed and any(_digest(key) in self._resumed for key in keys):
            return "joins"
        # The page after one of a single row cannot begin before its end: there would be no getting on.
        return "unsure" if len(self._before) == 1 and not self._resumed else self._apart

    @property
    def _apart(self) -> Verdict:
        return "hole" if self._take else "apart"

    def step_back(self, request: Request, first: Request) -> Request:
        """Where to look for a row that was delivered: earlier and earlier, then at the beginning. Where that was of no use, the page is taken."""
        if self._origin is None:
            self._origin = request
        earlier = None if self._back > 40 else self._paginator.earlier(request, self._rows * 2**self._back)
        if earlier is not None:
            self._back += 1
            return earlier  # type: ignore[no-any-return]
        if self._restarts == RESTARTS:
            self._take = True
            return self._origin
        self._restarts += 1
        self._restarted = True
        return first

    def is_known(self, key: Any) -> bool:
        """Whether a record was delivered before."""
        return key in self._seen or (bool(self._resumed) and _digest(key) in self._resumed)

    # ------------------------------------------------------------------ what comes next

    def following(self, request: Request, response: Response, records: list[Any], new: int) -> Request | None:
        """The request after a page that joins, of which ``new`` records had not come before."""
        if not records:
            return None
        # Nothing new, and fewer rows than there is room for: what is left to show is that nothing stands behind it.
        at_end = not new and len(records) < self._widest
        return (self._plain if at_end else self._paginator).next_request(request, response, records)

    def idle(self, keys: list[Any]) -> str | None:
        """Why a page that joins had better be the last to be taken, in words."""
        if keys and keys == self._before and self._repeats >= self._guard.ask_again:
            return f"brought the page before it once more, {self._repeats + 1} times in a row: the server does not move on"
        if self._idle > self._guard.empty_pages:
            return f"is one of {self._idle + 1} pages in a row of which {self._idle} brought nothing new: the server does not move on"
        return None

    def passed(self, keys: list[Any], new: int) -> None:
        """That page was delivered, with ``new`` records that had not come before."""
        self._over = bool(keys) and not new and len(keys) < self._widest
        self._repeats = self._repeats + 1 if keys and keys == self._before else 0
        self._idle = 0 if new else self._idle + 1
        self._widest = max(self._widest, len(keys))
        self._before = keys
        if self._resumed:
            # The next page may begin among them, too.
            self._seen.add([key for key in keys if _digest(key) in self._resumed])
        self._beginning, self._resumed = False, set()

    def between(self, keys: list[Any]) -> str:
        """Where a hole is, in words."""
        after = repr(self._before[-1]) if self._before else "the beginning"
        return f"between {after} and {keys[0]!r}" if keys else f"after {after}"

    def anchors(self) -> dict[str, Any]:
        """By which a read that is taken up here knows its place: digests of the last keys before it, and whether only the end is left to show."""
        return {"keys": [_digest(key) for key in self._before[-self._rows :]], "widest": self._widest, "over": self._over}
