"""`Suggestion`: what was found, for a person to read, to correct and to confirm. It becomes a mapping only when asked.

How it was found is the business of the other files.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.transform.misfit import article
from integrakit.transform.suggesting.assembling import Placed, assemble, comment, inline, write_toml
from integrakit.transform.wording import did_you_mean

__all__ = ["SuggestedField", "Suggestion"]

M = TypeVar("M")
_COLUMNS = (34, 34, 60)


@frozen(kw_only=True)
class SuggestedField:
    """One field of the target and where its value seems to come from.

    ``target``, ``source``: paths; ``[]`` stands for each item of a list. ``confidence``: 0 to 1. ``evidence``: the reasons, in words. ``rule``: as it
    stands in a mapping, for a field in a list from the item on. ``sources``: all the paths it is made of, where it is made of several.
    """

    target: str
    source: str
    confidence: float
    evidence: tuple[str, ...]
    rule: Any
    sources: tuple[str, ...] = ()
    lookup: dict[str, Any] | None = None
    _placed: Placed = field(repr=False, eq=False, alias="placed")

    @property
    def placed(self) -> Placed:
        return self._placed

    def __str__(self) -> str:
        return f"{self.target} ← {self.source} ({self.confidence:.2f}): {'; '.join(self.evidence)}"


@frozen(kw_only=True, repr=False)
class Suggestion(Generic[M]):
    """Pairs of fields. ``fields`` are as sure as ``threshold`` or surer; ``doubtful`` ones are not, and only for a person to look at."""

    fields: tuple[SuggestedField, ...]
    doubtful: tuple[SuggestedField, ...] = ()
    #: Paths of either side that no entry of ``fields`` uses.
    unmatched_left: tuple[str, ...] = ()
    unmatched_right: tuple[str, ...] = ()
    #: What was left out of the samples, and why.
    notes: tuple[str, ...] = ()
    threshold: float
    _build: Callable[[Mapping[str, Any]], M] = field(repr=False, eq=False, alias="build")

    def mapping(self, confirm: Iterable[str] | None = None) -> M:
        """The mapping of the fields that ``confirm`` names by target, doubtful ones too; of all in ``fields`` without it.

        Raises `ConfigurationError` for a name that was not suggested, and where no field is left.
        """
        return self._build(assemble(found.placed for found in self._confirmed(confirm)))

    def to_toml(self, confirm: Iterable[str] | None = None) -> str:
        """The mapping as TOML for `Mapping.load`, with the evidence above each rule. Doubtful fields are in it as comments."""
        chosen = self._confirmed(confirm, empty=True)
        heading = comment("A proposal made from samples: read it, correct it, and try it on records that were not among them.")
        rest = [found for found in self.doubtful if found not in chosen]
        if rest:
            heading += ["#", *comment("Not sure enough, left out:")]
            for found in rest:
                heading += comment(f"{found.target} from {found.source}: {inline(found.rule)} ({found.confidence:.2f}: {'; '.join(found.evidence)})")
        remarks = {_place(found): f"{found.confidence:.2f}: {'; '.join(found.evidence)}" for found in chosen}
        return write_toml(assemble(found.placed for found in chosen), remarks, heading)

    def _confirmed(self, confirm: Iterable[str] | None, *, empty: bool = False) -> tuple[SuggestedField, ...]:
        if confirm is None:
            if not self.fields and not empty:
                raise ConfigurationError(
                    f"nothing was found that is as sure as threshold={self.threshold}: confirm=[…] takes doubtful fields as well"
                )
            return self.fields
        if isinstance(confirm, str) or not isinstance(confirm, Iterable):
            raise ConfigurationError(f"confirm takes the names of target fields in a list, not {article(confirm)}")
        there = {found.target: found for found in (*self.fields, *self.doubtful)}
        names = list(confirm)
        for name in names:
            if name not in there:
                shown = repr(name) if isinstance(name, str) else article(name)
                raise ConfigurationError(f"confirm: nothing was suggested for {shown}{did_you_mean(name, there)}")
        if not names:
            raise ConfigurationError("confirm names no field: a mapping has at least one")
        return tuple(found for target, found in there.items() if target in names)

    def __str__(self) -> str:
        rows = [("target", "source", "rule"), *((one.target, one.source, inline(one.rule)) for one in self.fields)]
        widths = [min(most, max(len(row[index]) for row in rows)) for index, most in enumerate(_COLUMNS)]
        lines = []
        for row, found in zip(rows, (None, *self.fields), strict=True):
            cells = [_cell(text, width) for text, width in zip(row, widths, strict=True)]
            sure, why = (f"{found.confidence:.2f}", "; ".join(found.evidence)) if found else ("sure", "evidence")
            lines.append("  ".join([cells[0], cells[1], sure, cells[2], why]).rstrip())
        if not self.fields:
            lines = [f"nothing is as sure as {self.threshold}"]
        lines += [f"doubtful: {one}" for one in self.doubtful]
        for side, paths in (("left", self.unmatched_left), ("right", self.unmatched_right)):
            if paths:
                lines.append(f"unmatched {side}: {', '.join(paths[:40])}{', …' * (len(paths) > 40)}")
        return "\n".join(_printable(line) for line in [*lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        """For notebooks: the pairs as tables, then what was left out. Everything that came with the samples is escaped."""
        parts = [_table(self.fields, f"proposed, from {self.threshold} on"), _table(self.doubtful, "doubtful: only for a person to look at")]
        lists = (("unmatched left", self.unmatched_left), ("unmatched right", self.unmatched_right), ("notes", self.notes))
        parts += [f"<p><b>{title}</b>: {', '.join(map(_html, texts))}</p>" for title, texts in lists if texts]
        return "".join(parts)

    def __repr__(self) -> str:
        return f"<Suggestion of {len(self.fields)} fields, {len(self.doubtful)} doubtful>"


def _place(found: SuggestedField) -> tuple[str, ...]:
    """Where the rule stands in the tree: every key on the way is followed by its ``fields``."""
    placed = found.placed
    keys = [key for part in (*placed.right, placed.keys) for key in part]
    return ("fields", *(step for key in keys[:-1] for step in (key, "fields")), keys[-1])


def _cell(text: str, width: int) -> str:
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)


def _table(fields: Iterable[SuggestedField], title: str) -> str:
    rows = [(one.target, one.source, f"{one.confidence:.2f}", inline(one.rule), "; ".join(one.evidence)) for one in fields]
    if not rows:
        return f"<p>{_html(title)}: nothing</p>"
    body = "".join(f"<tr>{''.join(f'<td>{_html(text)}</td>' for text in row)}</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in ("target", "source", "sure", "rule", "evidence"))
    return f"<table><caption>{_html(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html(text: str) -> str:
    return html.escape(_printable(text.encode("utf-8", "replace").decode("utf-8")))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
