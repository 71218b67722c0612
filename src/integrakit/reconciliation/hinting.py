"""What a run that came to its end shows about how it was asked for: names that nothing has, options without effect, types that are known.

Nothing is compared here, and no finding depends on it: notes for the report, and the kinds of values for repairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.reports.naming import named
from integrakit.reconciliation.rules.columns import Column

__all__ = ["hints_of", "key_meant", "kinds_of"]


def kinds_of(run: Run, side: int) -> Mapping[str, str]:
    """The category of the values of each compared field and part of the key of one side, as far as it is known and is one."""
    found, reading = run.comparison.kinds(side), run.readings[side]
    # With normalise= the kinds of keys are those of what the function made of them.
    for name, kinds in zip(reading.names, reading.kinds, strict=True) if run.order.key.normalise is None else ():
        if len(kinds) == 1:
            found.setdefault(name, *kinds)
    return MappingProxyType(found)


def hints_of(run: Run, names: tuple[str, str]) -> Iterator[str]:
    """Notes for the report. ``names``: what the two sides are called."""
    comparison = run.comparison
    for feed in run.feeds:
        if not feed.records and feed.once:
            yield named(f"the {feed.name} side", names) + " is an iterator that gave nothing: was it read before?"
    for column in comparison.compared():
        if _without_currency(column):
            yield (
                f"{column.field.name!r} has tolerances by currency, and nothing says the currency of its amounts: Field(…, currency=…) names the "
                "field that does"
            )
    if comparison.named or not any(comparison.records):
        return
    known = {**comparison.names[0], **comparison.names[1]}
    for name in sorted(comparison.ignored - known.keys()):
        near = _near(name, known)
        yield f"no record has the field {name!r} that ignore= names" + (f": did you mean {near!r}?" if near else "")


def _without_currency(column: Column) -> bool:
    limit, met = column.field.within, column.kinds(0) | column.kinds(1)
    by_currency = limit is not None and limit.by_currency is not None
    return by_currency and column.field.currency is None and bool(met) and "money" not in met


def key_meant(run: Run, side: int) -> str:
    """What may be wrong with the name of a key that no record of a side has, as a question."""
    sample, names = run.feeds[side].sample, run.readings[side].names
    known: Sequence[str] = [*(run.comparison.names[side] or (sample if isinstance(sample, Mapping) else ()))]
    if len(known) == 1 and (mark := next((mark for mark in ";\t|" if mark in known[0]), None)) is not None:
        return f"its only field is {known[0]!r:.60}; is the delimiter {mark!r}?"
    for name in names:
        if name not in known and (near := _near(name, known)):
            return f"did you mean {near!r}?"
    return "is that its name?"


def _near(name: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, [each for each in known if isinstance(each, str)], n=1, cutoff=0.6)), None)
