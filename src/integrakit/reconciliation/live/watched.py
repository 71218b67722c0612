"""Breaks while it is still being found out what they are: kept on disk in their order, each with a state of one byte in memory.

In the end they part into what is broken and what is in flight. No reading and no comparing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from attrs import evolve

from integrakit.reconciliation.breaks import Entry, Kept, Log
from integrakit.reconciliation.findings import Break, FieldMismatches, Findings

__all__ = ["CANDIDATES", "State", "Watched", "entry_of", "parted", "records_of"]


class State(IntEnum):
    """What is known of a break."""

    #: Wrong by itself, whenever it is looked at: a null key, values that cannot be compared.
    WRONG = 0
    BROKEN = 1
    #: A record of it changed too lately.
    FRESH = 2
    #: It differed at two looks, and each time otherwise.
    MOVED = 3
    RESOLVED = 4


#: What is looked at again.
CANDIDATES = frozenset({State.BROKEN, State.MOVED})
_STAYS = frozenset({State.WRONG, State.BROKEN})
_FLIES = frozenset({State.FRESH, State.MOVED})


def records_of(held: Any) -> tuple[Any, ...]:
    """The records that one side of a break holds: none, one, or several of a key."""
    if held is None:
        return ()
    return held if isinstance(held, tuple) else (held,)


class Watched:
    """Entries and their states, side by side."""

    def __init__(self) -> None:
        self._log = Log()
        self._states = bytearray()

    def __len__(self) -> int:
        return len(self._states)

    def append(self, entry: Entry, state: State) -> None:
        self._log.append(entry)
        self._states.append(state)

    def __iter__(self) -> Iterator[tuple[Entry, State]]:
        self._log.flush()
        return zip(self._log, map(State, self._states), strict=True)

    def count(self, states: frozenset[State]) -> int:
        return sum(self._states.count(state) for state in states)

    def breaks(self, findings: Findings, states: frozenset[State]) -> Kept:
        """Those in one of the states, written anew."""
        names = {field.name: field.right for field in findings.fields}
        every = Kept((self._log,), names=names, dropped=frozenset(), count=len(self))
        # A `Kept` passes over an entry whose fields are none; here each of them has some, or is no pair.
        return Kept.of((found for found, state in zip(every, self._states, strict=True) if state in states), findings.fields)


def entry_of(found: Break) -> Entry:
    """A break as it is written down."""
    causes = tuple((name, mismatch.cause) for name, mismatch in found.fields.items())
    return found.key, found.kind, found.left, found.right, causes, found.reason


def parted(findings: Findings, watched: Watched) -> Findings:
    """The findings without what is in flight, and with it apart. Pairs in flight and those that were resolved count as neither equal nor changed."""
    broken, flying = watched.breaks(findings, _STAYS), watched.breaks(findings, _FLIES)
    kinds: Counter[str] = Counter()
    causes: dict[str, Counter[str]] = {}
    for found in broken:
        kinds[found.kind] += 1
        for name, mismatch in found.fields.items():
            causes.setdefault(name, Counter())[mismatch.cause] += 1
    repeated = sum(found.kind == "duplicate" for found in findings.breaks)
    summary = dict(findings.summary)
    summary.update({kind: kinds[kind] for kind in ("changed", "missing_left", "missing_right", "invalid")})
    summary["null_keys"] = kinds["null_key"]
    # Keys that stand more than once with the same records on both sides are counted too, and no break.
    summary["duplicates"] += kinds["duplicate"] - repeated
    summary["matched"] = summary["equal"] + summary["changed"]
    return evolve(
        findings,
        summary=MappingProxyType(summary),
        by_field=_by_field(findings, causes),
        breaks=broken,
        in_flight=flying,
        resolved=watched.count(frozenset({State.RESOLVED})),
    )


def _by_field(findings: Findings, causes: Mapping[str, Counter[str]]) -> Mapping[str, FieldMismatches]:
    return MappingProxyType(
        {
            field.name: FieldMismatches(found.total(), MappingProxyType(dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))))
            for field in findings.fields
            if (found := causes.get(field.name))
        }
    )
