"""Precision and recall of `suggest` over pairs of vendor schemas, with samples that overlap and with samples that have nothing in common."""

from __future__ import annotations

import pytest
from tests.suggestions.measuring import EVERYTHING, HELD_OUT, REGIMES, WRITTEN_LATER, measure, samples
from tests.suggestions.unseen import SETS, measure_unseen

import integrakit as ik
from integrakit.transform.suggesting import suggest

PARTS = {"all": EVERYTHING, "held out": HELD_OUT, "written later": WRITTEN_LATER}
# A little under what is reached, see docs/reference/suggest.md.
RECALL = {"overlapping": 0.80, "nothing in common": 0.45}
LESS = {"all": 0.0, "held out": 0.02, "written later": 0.12}
UNSEEN_RECALL = {"overlapping": 0.60, "nothing in common": 0.30}


@pytest.fixture(scope="module")
def measured():
    return {regime: measure(EVERYTHING, regime, size=20 if regime == "overlapping" else 12) for regime in REGIMES}


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("part", PARTS)
def test_precision_and_recall(part, regime, measured):
    found = measured[regime]
    right, count, possible = (sum(found.by_pair[name][place] for name in PARTS[part]) for place in range(3))
    print(f"{part}, {regime}: precision {right / count:.3f}, recall {right / possible:.3f} of {possible} fields")  # noqa: T201 - shown by pytest -s
    assert right / count >= 0.95, found.wrong
    assert right / possible >= RECALL[regime] - LESS[part], found.silent


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("name", SETS)
def test_few_records_of_systems_that_nothing_was_built_on(name, regime):
    found = measure_unseen(SETS[name], regime, sizes=(8,), flat=(2,))
    assert found.right / found.proposed >= 0.95, found.wrong
    assert found.right / found.possible >= UNSEEN_RECALL[regime]


def test_the_set_is_large_enough():
    pairs = {(name, target) for name, (_, left, right) in PARTS["all"].items() for target, meaning in right[1].items() if meaning in left[1].values()}
    vendors = {side[0].__name__.split("_")[0] for _, left, right in PARTS["all"].values() for side in (left, right)}
    assert len(pairs) >= 350
    assert len(vendors) >= 20


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("name", ["Shopify order → QuickBooks invoice", "Stripe invoice → Xero invoice", "Dynamics contact → Zoho contact"])
def test_every_proposal_maps_the_samples_it_was_made_from(name, regime):
    kind, left, right = PARTS["all"][name]
    ours, theirs = samples(kind, left, right, regime, 1, 24)
    mapping = suggest(ours, theirs, build=ik.Mapping).mapping()
    assert all(mapping(record) for record in ours)
