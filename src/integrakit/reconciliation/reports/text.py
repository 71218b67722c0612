"""The report as plain text: the verdict first, then counts, control totals, causes and the first breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from integrakit.reconciliation.findings import Break, Findings
from integrakit.reconciliation.reports.showing import amount, show

__all__ = ["KINDS", "explanation", "field_label", "report", "verdict", "what_differs"]

_BREAKS = 10

#: Kinds of breaks in the words of a reader who has never seen this library.
KINDS = {
    "changed": "different values",
    "missing_left": "only on the right",
    "missing_right": "only on the left",
    "duplicate": "key more than once",
    "null_key": "no key",
    "invalid": "cannot be compared",
}


def _count(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {singular if number == 1 else plural}"


def verdict(findings: Findings) -> str:
    """One sentence that says whether the two sides agree."""
    counts = findings.summary
    if not len(findings.breaks):
        if not counts["left"] and not counts["right"]:
            return "Both sides are empty: nothing differs, and nothing was compared."
        fields = _count(len(findings.fields), "field", "fields")
        return f"The two sides match: {_count(counts['equal'], 'record', 'records')} on both, {fields} compared."
    parts = [
        (counts["changed"], "differ"),
        (counts["missing_right"], "only on the left"),
        (counts["missing_left"], "only on the right"),
        (
            len(findings.breaks) - sum(counts[k] for k in ("changed", "missing_left", "missing_right", "null_keys", "invalid")),
            "with repeated keys that do not agree",
        ),
        (counts["null_keys"], "without a key"),
        (counts["invalid"], "cannot be compared"),
    ]
    return f"The two sides do NOT match: {', '.join(f'{number:,} {words}' for number, words in parts if number)}."


def field_label(findings: Findings, name: str) -> str:
    """A field's name, with its name on the right where that is another one."""
    right = next((field.right for field in findings.fields if field.name == name), name)
    return name if right == name else f"{name} / {right}"


def what_differs(found: Break) -> str:
    """A break in one line, without its key."""
    if found.kind == "changed":
        return "; ".join(f"{name}: {show(each.left)} / {show(each.right)} ({each.cause})" for name, each in found.fields.items())
    if found.kind in ("missing_left", "missing_right"):
        return show(found.right if found.kind == "missing_left" else found.left)
    if found.kind == "duplicate":
        return f"{found.reason}; without a partner: {show(found.left)} / {show(found.right)}"
    return f"{found.reason}: {show(found.left if found.left is not None else found.right)}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they must be: the first to the left, the others to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]).rstrip()


def remarks(findings: Findings) -> Iterator[str]:
    """What a reader should know before believing the numbers."""
    yield from findings.notes
    unproved = [name for name in ("left", "right") if (evidence := getattr(findings.evidence, name)) is not None and evidence.complete is None]
    if unproved:
        who = "neither side can" if len(unproved) > 1 else f"the {unproved[0]} side cannot"
        yield f"{who} prove that it was read completely"
    if not findings.fields and findings.summary["matched"]:
        yield "no field was compared: only the keys"
    for name, only in (("left", findings.only_left), ("right", findings.only_right)):
        if only:
            yield f"not compared, on the {name} only: {', '.join(only)}"
    if findings.lookalikes:
        shown = "; ".join(f"{show(each.left)} / {show(each.right)} ({each.why})" for each in findings.lookalikes[:3])
        yield f"{_count(findings.lookalike_count, 'pair', 'pairs')} of keys look alike and are not equal: {shown}"
    if findings.agreeing_duplicates:
        yield f"some keys stand more than once, with the same records on both sides: {', '.join(map(show, findings.agreeing_duplicates))}"
    differing = [name for name, total in findings.totals.items() if not total.exact]
    if differing:
        yield f"control totals of {', '.join(differing)} are not exact: the numbers are too large or infinite"


def _lines(findings: Findings, breaks: Iterable[Break]) -> Iterator[str]:
    counts = findings.summary
    yield verdict(findings)
    yield ""
    labels = ("left", "right", "matched", "equal", "changed", "missing_left", "missing_right", "duplicates", "null_keys", "invalid")
    notes = {"missing_left": "on the right only", "missing_right": "on the left only", "duplicates": "keys that stand more than once"}
    for line, name in zip(_table([(name.replace("_", " "), f"{counts[name]:,}") for name in labels]), labels, strict=True):
        yield line + (f"  ({notes[name]})" if name in notes and counts[name] else "")
    if findings.totals:
        yield ""
        rows = [
            (field_label(findings, name), amount(each.left), amount(each.right), amount(each.difference)) for name, each in findings.totals.items()
        ]
        yield from _table([("control totals", "left", "right", "difference"), *rows])
    if findings.by_field:
        yield ""
        yield "fields that differ"
        for name, each in findings.by_field.items():
            causes = ", ".join(f"{cause} {number:,}" for cause, number in each.causes.items())
            yield f"  {field_label(findings, name)}: {each.mismatches:,} ({causes})"
    notices = list(remarks(findings))
    if notices:
        yield ""
        yield from (f"note: {notice}" for notice in notices)
    shown = list(breaks)
    if shown:
        yield ""
        yield f"the first {len(shown)} of {len(findings.breaks):,} breaks" if len(findings.breaks) > len(shown) else "breaks"
        yield from (f"  {show(found.key)}: {KINDS[found.kind]}: {what_differs(found)}" for found in shown)


def report(findings: Findings) -> str:
    """The whole report."""
    return "\n".join(_lines(findings, islice(findings.breaks, _BREAKS)))


def _options(field: Any) -> str:
    found = [f"normalise={getattr(field.normalise, '__qualname__', 'a function')}"] if field.normalise is not None else []
    if field.within is not None:
        tolerance = field.within
        limit = tolerance.absolute if tolerance.absolute is not None else tolerance.time
        found.append(f"within={limit if limit is not None else f'{((tolerance.relative or Decimal(0)) * 100).normalize():f}%'}")
    found += [f"truncate={field.truncate}"] if field.truncate is not None else []
    found += [option for option in ("unordered", "null_is_empty") if getattr(field, option)]
    return f" [{', '.join(found)}]" if found else ""


def explanation(findings: Findings) -> str:
    """How the answer was found: the engine and why it, what was read, what was compared and what was not."""
    key = findings.key
    lines = [f"engine: {findings.engine}"]
    lines += [f"  because {reason}" for reason in findings.why]
    for place, (name, evidence) in enumerate((("left", findings.evidence.left), ("right", findings.evidence.right))):
        untyped = ", untyped text" if findings.untyped[place] else ""
        lines.append(
            f"{name}: {findings.sides[place]}: {findings.summary[name]:,} records{untyped}" + (f"; {evidence}" if evidence is not None else "")
        )
    lines.append(
        f"key: {', '.join(key.names)}" + (f" / {', '.join(key.right)}" if key.right != key.names else "") + (" [normalise]" if key.normalise else "")
    )
    compared = [field_label(findings, field.name) + _options(field) for field in findings.fields]
    lines.append(f"compared: {', '.join(compared) or 'only the keys'}")
    for name, names in (("ignored", findings.ignored), ("only on the left", findings.only_left), ("only on the right", findings.only_right)):
        if names:
            lines.append(f"{name}: {', '.join(names)}")
    return "\n".join(lines)
