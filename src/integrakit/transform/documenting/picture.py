"""Arrows between fields as a flowchart of mermaid. Ids are numbers of its own and labels are escaped: no name of a mapping becomes a line of it.

A picture stays within what mermaid draws (500 arrows and 50,000 characters, and far fewer that a person can follow): beyond that fields are drawn
together by their first name, and then whole datasets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from attrs import frozen

from integrakit.transform.documenting.escaping import label
from integrakit.transform.documenting.rows import shown
from integrakit.transform.rules import Place

__all__ = ["Arrow", "Picture", "Spot", "flowchart"]

#: The frame that a field stands in, by its number and title; and the field.
Spot: TypeAlias = tuple[tuple[int, str], Place]
Arrow: TypeAlias = tuple[Spot, Spot]

_MOST_ARROWS = 150
_MOST_SPOTS = 200
_MOST_TEXT = 40_000


@frozen
class Picture:
    """``lines`` of mermaid, without a fence. ``note``: what the picture leaves out, empty where it shows all."""

    lines: tuple[str, ...]
    note: str = ""


def flowchart(arrows: Iterable[Arrow], alone: Iterable[Spot] = ()) -> Picture:
    """The arrows from left to right, and what has none."""
    arrows, alone = list(dict.fromkeys(arrows)), list(alone)
    ways: tuple[tuple[Callable[[Place], Place], str], ...] = (
        (lambda place: place, ""),
        (lambda place: place[:1], "Too many arrows for one picture: fields are drawn together by their first name."),
        (lambda place: (), "Too many arrows for one picture: only datasets are drawn."),
    )
    counted: Counter[tuple[Spot, Spot]] = Counter()
    for shorten, note in ways:
        counted = Counter(((one, shorten(start)), (other, shorten(end))) for (one, start), (other, end) in arrows)
        spots = list(dict.fromkeys([spot for arrow in counted for spot in arrow] + [(group, shorten(place)) for group, place in alone]))
        lines = _lines(spots, counted, counts=bool(note))
        if len(counted) <= _MOST_ARROWS and len(spots) <= _MOST_SPOTS and sum(map(len, lines)) <= _MOST_TEXT:
            return Picture(tuple(lines), note)
    counted = Counter(dict(counted.most_common(_MOST_ARROWS // 2)))
    spots = list(dict.fromkeys(spot for arrow in counted for spot in arrow))
    return Picture(tuple(_lines(spots, counted, counts=True)), "Too many arrows for one picture: only the datasets with the most are drawn.")


def _lines(spots: Sequence[Spot], arrows: Counter[Arrow], *, counts: bool) -> list[str]:
    numbers = {spot: number for number, spot in enumerate(spots)}
    lines = ["flowchart LR"]
    for index, group in enumerate(sorted({group for group, _ in spots})):
        inside = [spot for spot in spots if spot[0] == group]
        if all(not place for _, place in inside):  # a frame with nothing to tell apart in it
            lines += [f'  n{numbers[spot]}["{label(group[1])}"]' for spot in inside]
            continue
        lines.append(f'  subgraph g{index}["{label(group[1])}"]')
        lines += [f'    n{numbers[spot]}["{label(shown(spot[1]))}"]' for spot in inside]
        lines.append("  end")
    for (start, end), count in arrows.items():
        said = f'|"{count} arrows"|' if counts and count > 1 else ""
        lines.append(f"  n{numbers[start]} -->{said} n{numbers[end]}")
    return lines
