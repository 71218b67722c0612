"""Three more sets of vendor schemas and of small flat records, each written before it was looked at how it fares, and how they are counted."""

from __future__ import annotations

from types import SimpleNamespace as Thing

from tests.suggestions import clinics, counters, offices
from tests.suggestions.trades import M, small_value, things

import integrakit as ik
from integrakit.transform.suggesting import suggest

SETS = {"first": offices, "second": counters, "third": clinics}


def plain(tree):
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    return tree.value if isinstance(tree, M) else tree


def meanings(tree, path=""):
    """What each path means: a set of meanings, any of which is right."""
    if isinstance(tree, dict):
        return {name: said for key, value in tree.items() for name, said in meanings(value, f"{path}.{key}" if path else key).items()}
    return {path + "[]" * isinstance(tree.value, list): set(tree.meaning.split("|"))}


def vendor_records(chosen, regime: str, size: int):
    """Name, left and right samples and their meanings, for each pair of vendor schemas."""
    other = regime == "nothing in common"
    ours, theirs = things(0)[:size], things(1)[:size] if other else things(0)[size // 4 : size // 4 + size]
    for left, right in chosen.PAIRS:
        name = f"{left.__name__} → {right.__name__}"
        samples = [plain(left(thing)) for thing in ours], [plain(right(thing)) for thing in reversed(theirs)]
        yield name, *samples, meanings(left(ours[0])), meanings(right(ours[0]))


def flat_records(chosen, regime: str, size: int):
    """The same for records of a few fields."""
    ours, theirs = things(0)[:size], things(int(regime == "nothing in common"))[:size]
    for number, (left, right) in enumerate(chosen.SMALL):
        samples = [
            [{key: small_value(thing, meaning, side) for key, meaning in fields.items()} for thing in some]
            for side, (fields, some) in enumerate(((left, ours), (right, theirs)))
        ]
        yield f"flat records {number}, {size} of them", *samples, *({key: {meaning} for key, meaning in side.items()} for side in (left, right))


def measure_unseen(chosen, regime: str, sizes=(20, 6), flat=(1, 3, 5)) -> Thing:
    """``right``, ``proposed`` and ``possible`` over all pairs of one set, ``wrong`` by name."""
    total = Thing(right=0, proposed=0, possible=0, wrong=[])
    cases = [case for size in sizes for case in vendor_records(chosen, regime, size)]
    for name, ours, theirs, left, right in [*cases, *(case for size in flat for case in flat_records(chosen, regime, size))]:
        held = set().union(*left.values())
        found = suggest(ours, theirs, build=ik.Mapping)
        for field in found.fields:
            sources, wanted = [left[source] for source in field.sources], right[field.target]
            parts = set().union(*sources)
            good = all(wanted & said for said in sources) or any(chosen.COMPOSED.get(meaning) == parts for meaning in wanted)
            total.right += good
            total.wrong += [] if good else [f"{name}: {field}"]
        total.proposed += len(found.fields)
        total.possible += sum(bool(said & held) or any(chosen.COMPOSED.get(one, {None}) <= held for one in said) for said in right.values())
    return total
