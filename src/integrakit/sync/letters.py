"""`DeadLetters`: the records a sync set aside, as its user sees them: to look at, to replay, to discard."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.runtimes import drive
from integrakit.sync.report import Report
from integrakit.writing import DeadLetter, Letters

__all__ = ["DeadLetters"]


class DeadLetters:
    """Iterate to see each `DeadLetter`: input, error, when. ``len()`` counts them."""

    def __init__(
        self,
        letters: Letters,
        replay: Callable[[Any], Coroutine[Any, Any, Report]],
        discard: Callable[[list[DeadLetter], str], None],
    ) -> None:
        self._letters = letters
        self._replay = replay
        self._discard = discard

    def __iter__(self) -> Iterator[DeadLetter]:
        return iter(self._letters)

    def __len__(self) -> int:
        return sum(1 for _ in self._letters)

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    async def areplay(self, *, mapping: Any = None) -> Report:
        """Maps and writes every letter again, with ``mapping`` or the sync's own. What goes its way now is a letter no more."""
        return await self._replay(mapping)

    def replay(self, *, mapping: Any = None) -> Report:
        """`areplay` for blocking code."""
        return drive(self.areplay(mapping=mapping))

    def discard(self, *letters: DeadLetter | str, why: str) -> int:
        """Sets letters (or their ids; none given: all of them) aside for good, and keeps them with the reason. Returns how many."""
        if not isinstance(why, str) or not why.strip():
            raise ConfigurationError("discard(…, why=…) needs the reason, in words: somebody will ask")
        wanted = {letter if isinstance(letter, str) else letter.id for letter in letters}
        chosen = [letter for letter in self if not wanted or letter.id in wanted]
        if missing := wanted - {letter.id for letter in chosen}:
            raise ConfigurationError(f"there are no dead letters {sorted(missing)}")
        self._discard(chosen, why)
        return len(chosen)

    def discarded(self) -> Iterator[tuple[DeadLetter, str]]:
        """Those that were discarded, each with the reason."""
        return self._letters.discarded()

    def __repr__(self) -> str:
        return f"<DeadLetters: {len(self)}>"
