"""`DeadLetters`: the records a sync set aside, as its user sees them: to look at, to replay, to discard."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

from attrs import evolve

from integrakit.errors import ConfigurationError
from integrakit.model import Evidence, Page
from integrakit.runtimes import drive, runtime
from integrakit.sync.compare import Comparison
from integrakit.sync.report import Report
from integrakit.writing import DeadLetter, Delivery, Journal, Letters, Tally

__all__ = ["DeadLetters", "replay"]


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

    def __repr__(self) -> str:
        return f"<DeadLetters: {len(self)}>"


async def replay(
    name: str, letters: Iterable[DeadLetter], *, mapped: Comparison, unmapped: Comparison, journal: Journal, delivery: Delivery, tally: Tally
) -> Report:
    """Sends letters their way again, one after the other. A record that was written newer since is not overwritten by its old letter."""
    world = runtime()
    started = world.now()
    read = unchanged = failures = superseded = 0
    for letter in letters:
        read += 1
        now = world.wall().isoformat(timespec="milliseconds")
        comparison, record = (unmapped, letter.target) if letter.input is None and letter.target is not None else (mapped, letter.input)
        work = await world.blocking(
            lambda comparison=comparison, record=record, letter=letter, now=now: comparison.page(Page([record]), place=f"letter/{letter.id}", now=now)
        )
        if work.letters:
            failures += 1
            await journal.commit(journal.letters.put([evolve(again, id=letter.id) for again in work.letters]))
            continue
        was = (await world.blocking(journal.remembered.read, work.seen)).get(work.seen[0]) if work.seen else None
        if work.items and was is not None and was.at > letter.at:
            superseded += 1
            await journal.commit(journal.letters.discard([letter], "a newer version of the record was written since"))
        elif work.items:
            # The letter goes with the commit that keeps the outcome, or is written anew by it.
            await delivery.deliver([evolve(item, letter=letter.id) for item in work.items])
        else:
            unchanged += 1
            await journal.commit(journal.letters.done([letter.id]))
    notes = (f"{superseded} letters were discarded: a newer version of the record was written since",) if superseded else ()
    return Report(
        name=f"{name} (replay)",
        read=read,
        written=tally.written,
        created=tally.created,
        updated=tally.updated,
        unchanged=unchanged + tally.unchanged,
        rejected=failures + tally.rejected,
        failed=tally.failed,
        unknown=tally.unknown,
        evidence=Evidence(records=read, reasons=("letters were replayed; nothing was read from the source",)),
        seconds=world.now() - started,
        notes=notes,
    )
