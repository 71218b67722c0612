"""``final_check="ids"``: the collection is read once more, and its keys prove that nothing was passed over. Pure: the reader asks.

A key that a pass and an earlier one brought was there at each moment between, since what is deleted does not come back. So the keys that a pass has
in common with those before it were all there when its first page was made; where they are as many as that page declares, they were the whole
collection then, and nothing that was there all the time is missing. Without a declared total the same is true of the moment at which the pass before
met its empty page: no more rows were there than it had counted off.
"""

from __future__ import annotations

from typing import Any

from integrakit.http.proof import Proof
from integrakit.http.resuming import COUNTED
from integrakit.http.seen_keys import KEYS_COMPARED, KeysOfPasses
from integrakit.model import Request

__all__ = ["Rereading"]

#: How often the keys are read once more before it is given up.
PASSES = 3


class Rereading:
    """Of one read. ``resumed``: it was taken up in the middle, so that its first keys are not known. ``mode``: how its pages go on."""

    def __init__(self, mode: str, *, resumed: bool, counts: bool) -> None:
        self._keys = KeysOfPasses()
        self._mode = mode
        self._resumed = resumed
        # Whether the rows of a pass are how many the collection can have: not where pages overlap.
        self._counts = counts
        self._settled = self._could_tell = self._keyless = False
        #: How many rows the collection had at most when the pass before met its empty page.
        self._before: int | None = None
        self._start()

    def _start(self) -> None:
        self._total: int | None = None
        self._pages = self._rows = 0
        self._size = 0
        self._even = True
        self._reach: int | None = None

    @property
    def number(self) -> int:
        """Which pass this is; the read itself is 0."""
        return self._keys.number

    def is_known(self, key: Any) -> bool:
        """Whether a pass brought it already."""
        return key in self._keys

    # ------------------------------------------------------------------ a pass

    def page(self, keys: list[Any] | None, rows: int, total: int | None) -> bool:
        """A page of ``rows`` records; whether one of them is the first time in this pass."""
        if self._pages == 0:
            self._total, self._size = total, rows
        elif rows:
            # Pages by number are as large as the first; only the last may be smaller.
            self._even = self._even and self._rows == self._size * self._pages and rows <= self._size
        self._pages += 1
        self._rows += rows
        if keys is not None:
            self._keyless = self._keyless or None in keys
            return self._keys.add(keys)
        return not rows

    def ended(self, *, by_empty_page: bool) -> None:
        """The pass is over."""
        self._reach = self._rows if by_empty_page and self._counts and (self._mode == "offset" or (self._mode == "page" and self._even)) else None

    # ------------------------------------------------------------------ between passes

    def go_on(self, proof: Proof, first: Request, paginator: Any) -> bool:
        """Whether there is another pass. Tells the proof what was found."""
        if self._settled:
            return False
        why = self._hindrance(first, paginator)
        if why is None and self.number:
            why = self._compare(proof)
        if why is not None:
            proof.doubt(why)
        if why is not None or proof.closed is not None:
            self._settled = True
            return False
        self._before, self._counts = self._reach, True
        self._start()
        self._keys.next_pass()
        proof.begin_pass()
        return True

    def _hindrance(self, first: Request, paginator: Any) -> str | None:
        if self._keys.gave_up:
            return f"more than {KEYS_COMPARED:,} keys came, which is all that final_check='ids' compares"
        if self._keyless:
            return "some records have no key, so final_check='ids' could not compare them"
        if self._resumed:
            return "the read was taken up in the middle, so which keys came before is not known, and final_check='ids' had nothing to compare with"
        earlier = getattr(paginator, "earlier", None)
        if earlier is not None and earlier(first, 1) is not None:
            return "the read did not begin at the first row, so final_check='ids' cannot tell what moved before it"
        return None

    def _compare(self, proof: Proof) -> str | None:
        """Concludes from a pass. A text says why nothing can be concluded."""
        proof.passes = self.number
        there = self._before if self._total is None else self._total
        if there is not None:
            self._could_tell = True
            if self._keys.hits == there:
                proof.closed = True
                proof.note(f"the keys were read once more ({self.number}×): all {there} that were there had come")
                return None
        if there is None and self._mode not in COUNTED:
            return "the server declares no total, so final_check='ids' cannot tell whether the keys are all there"
        if self.number < PASSES:
            return None
        if self._could_tell:
            proof.closed = False
            return None
        return "the server declares no total, and its pages had no even size, so final_check='ids' cannot tell whether the keys are all there"
