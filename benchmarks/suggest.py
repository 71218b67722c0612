"""How right and how complete the proposals of `Mapping.suggest` are, over the pairs of vendor schemas that the tests use, and how long it takes.

Two regimes: samples that overlap in what they are about, and samples without a value in common. Target: precision ≥ 0.95 at the default threshold in
both; recall is reported. And 200 fields against 200, with 1,000 records each: the seconds of CPU are reported.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.suggestions.measuring import EVERYTHING, HELD_OUT, REGIMES, WRITTEN_LATER, measure
from tests.suggestions.unseen import SETS, measure_unseen

import integrakit as ik
from integrakit.transform.suggesting import suggest

WORDS = ("total", "date", "name", "code", "quantity", "status")


def wide(side: str, seed: int, records: int) -> list[dict[str, object]]:
    """Records of 200 fields; those of one seed hold the same under the names of either side."""
    chance = random.Random(seed)

    def value(index: int) -> object:
        kind = index % 5
        if kind == 0:
            return chance.randint(1, 10**6)
        if kind == 1:
            return f"text {chance.randint(1, 500)}"
        if kind == 2:
            return f"2024-0{chance.randint(1, 9)}-11"
        return round(chance.random() * 100, 2) if kind == 3 else f"u{chance.randint(1, 999)}@mail.example"

    return [{f"{side}_{WORDS[index % 6]}_{index}": value(index) for index in range(200)} for _ in range(records)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    parser.add_argument("--wrong", action="store_true", help="name every wrong proposal, and every field that was left out")
    arguments = parser.parse_args()
    results: dict[str, object] = {}
    for part, pairs in (("all", EVERYTHING), ("held out", HELD_OUT), ("written later", WRITTEN_LATER)):
        for regime in REGIMES:
            runs = [measure(pairs, regime, seed) for seed in ((1,) if arguments.quick else (1, 2, 3))]
            right, proposed = sum(run.right for run in runs), sum(run.proposed for run in runs)
            possible = sum(run.possible for run in runs)
            results[f"{part}, {regime}"] = {"precision": round(right / proposed, 3), "recall": round(right / possible, 3), "fields": runs[0].possible}
            if arguments.wrong:
                for line in [f"wrong: {text}" for run in runs for text in run.wrong] + [f"left out: {text}" for text in runs[0].silent]:
                    print(f"  {line}", file=sys.stderr)
    for name, chosen in SETS.items():
        for regime in REGIMES:
            run = measure_unseen(chosen, regime)
            shares = {"precision": round(run.right / run.proposed, 3), "recall": round(run.right / run.possible, 3), "fields": run.possible}
            results[f"{name} set written blind, {regime}"] = shares
            if arguments.wrong:
                print(*(f"  wrong: {text}" for text in run.wrong), sep="\n", file=sys.stderr)
    count = 50 if arguments.quick else 1_000
    for regime, seed in (("same records", 1), ("nothing in common", 2)):
        left, right_samples = wide("a", 1, count), wide("b", seed, count)
        start = time.process_time()
        suggest(left, right_samples, build=ik.Mapping)
        results[f"200 × 200 fields, {count} records, {regime}: CPU seconds"] = round(time.process_time() - start, 2)
    if arguments.json:
        print(json.dumps(results))
        return
    for name, result in results.items():
        print(f"{name}: {', '.join(f'{key} {value}' for key, value in result.items()) if isinstance(result, dict) else result}")


if __name__ == "__main__":
    main()
