"""The sentences of a report, for readers who keep books: verdict, kinds of breaks, remarks. Each form of the report puts them in its own shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from integrakit.reconciliation.findings import Break, Findings
from integrakit.reconciliation.reports.naming import PLAIN, named, retold
from integrakit.reconciliation.reports.overview import break_counts
from integrakit.reconciliation.reports.showing import clean, show, show_both
from integrakit.reconciliation.reports.verdict import KEYS_ALONE, verdict_of

__all__ = [
    "BREAKS",
    "COUNTS",
    "KINDS",
    "counted",
    "field_label",
    "headline",
    "key_label",
    "lasting",
    "moment",
    "reason_of",
    "remarks",
    "verdict",
    "what_differs",
]

#: Kinds of breaks in the words of a reader who has never seen this library.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "changed": "different values",
        "missing_left": "only on the right",
        "missing_right": "only on the left",
        "duplicate": "key more than once",
        "null_key": "no key",
        "invalid": "cannot be compared",
    }
)

#: What the numbers of the summary count.
COUNTS: Mapping[str, str] = MappingProxyType(
    {
        "left": "records on the left",
        "right": "records on the right",
        "matched": "records with the same key on both sides",
        "equal": "… that agree in every field",
        "changed": "… that differ",
        "missing_right": "only on the left",
        "missing_left": "only on the right",
        "duplicates": "keys that stand more than once",
        "null_keys": "records without a key",
        "invalid": "records that cannot be compared",
    }
)


#: Breaks as a sentence says them, one and several; in the names of the summary, in the order of a report.
BREAKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "changed": ("record differs", "records differ"),
        "missing_right": ("record is on the left only", "records are on the left only"),
        "missing_left": ("record is on the right only", "records are on the right only"),
        "duplicates": ("key stands more than once and does not agree", "keys stand more than once and do not agree"),
        "null_keys": ("record has no key", "records have no key"),
        "invalid": ("record cannot be compared", "records cannot be compared"),
    }
)


def counted(number: int, singular: str, plural: str) -> str:
    """A number and what it counts."""
    return f"{number:,} {singular if number == 1 else plural}"


def moment(value: datetime | None) -> str:
    """A time of day for people, in UTC."""
    return "not known" if value is None else value.astimezone(UTC).isoformat(" ", "seconds").removesuffix("+00:00") + " UTC"


def lasting(time: timedelta) -> str:
    """A length of time for people."""
    seconds = max(0, round(time.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return counted(seconds // size, unit, unit + "s")
    if seconds >= 3600:
        return str(timedelta(seconds=seconds))
    return counted(seconds, "second", "seconds") if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


def verdict(findings: Findings) -> str:
    """One sentence that says whether the two sides agree, whatever is accepted."""
    counts = findings.summary
    if findings.keys_alone:
        keys = f"{counted(counts['matched'], 'key', 'keys')} on both"
        found = f"The two sides do NOT match: {_differing(findings)}; " if len(findings.breaks) else ""
        return f"{found}{KEYS_ALONE} ({keys})."
    if not len(findings.breaks):
        if not counts["left"] and not counts["right"]:
            return "Both sides are empty: nothing differs, and nothing was compared."
        fields = counted(len(findings.fields), "field", "fields")
        return f"The two sides match: {counted(counts['equal'], 'record', 'records')} on both, {fields} compared."
    return f"The two sides do NOT match: {_differing(findings)}."


def _differing(findings: Findings) -> str:
    words = {
        "changed": "differ",
        "missing_right": "only on the left",
        "missing_left": "only on the right",
        "duplicates": "with repeated keys that do not agree",
        "null_keys": "without a key",
        "invalid": "cannot be compared",
    }
    found = break_counts(findings)
    return ", ".join(f"{found[kind]:,} {named(text, findings.names)}" for kind, text in words.items() if found[kind])


def headline(findings: Findings) -> str:
    """What came of it in a few words: by the rule, if one was given."""
    if findings.accept is None:
        return verdict(findings)
    found = verdict_of(findings)
    if not found.accepted:
        return f"NOT accepted: {clean(found.reasons[0])}" + (f" (and {len(found.reasons) - 1} more)" if len(found.reasons) > 1 else "")
    return "Accepted: what differs is within the rule." if len(findings.breaks) else "Accepted: nothing differs."


def field_label(findings: Findings, name: str) -> str:
    """A field's name, with its name on the right where that is another one."""
    right = next((field.right for field in findings.fields if field.name == name), name)
    return clean(name if right == name else f"{name} / {right}")


def key_label(findings: Findings) -> str:
    """The names of the key, on both sides where they differ."""
    key = findings.key
    return clean(", ".join(key.names) + (f" / {', '.join(key.right)}" if key.right != key.names else ""))


def reason_of(found: Break, names: tuple[str, str]) -> str:
    """What is wrong with a break that is no difference of values, in one line."""
    return clean(found.reason if found.kind == "invalid" else retold(found.reason, names))


def what_differs(found: Break, names: tuple[str, str] = PLAIN) -> str:
    """A break in one line, without its key."""
    if found.kind == "changed":
        return "; ".join(f"{clean(name)}: {' / '.join(show_both(each.left, each.right))} ({each.cause})" for name, each in found.fields.items())
    if found.kind in ("missing_left", "missing_right"):
        return show(found.right if found.kind == "missing_left" else found.left)
    if found.kind == "duplicate":
        return f"{reason_of(found, names)}; without a partner: {show(found.left)} / {show(found.right)}"
    return f"{reason_of(found, names)}: {show(found.left if found.left is not None else found.right)}"


def _live(findings: Findings) -> Iterator[str]:
    flying = len(findings.in_flight)
    if flying:
        through, started = findings.verified_through, findings.started
        when = (
            f" in the last {lasting(started - through)}"
            if started is not None and through is not None and started > through
            else " while they were compared"
        )
        yield f"{counted(flying, 'record was', 'records were')} changed{when} and {'is' if flying == 1 else 'are'} not judged yet"
    if findings.verified_through is not None:
        yield f"what changed before {moment(findings.verified_through)} has been compared"
    if findings.rechecked and not findings.resolved and len(findings.breaks):
        yield f"what differs was looked at again ({counted(findings.rechecked, 'look', 'looks')}): none of the differences was gone"
    if findings.resolved:
        looks = f" ({counted(findings.rechecked, 'look', 'looks')})" if findings.rechecked else ""
        gone = counted(findings.resolved, "difference was", "differences were")
        yield f"{gone} gone when looked at again{looks}: no difference at all"
    for moved in findings.unstable:
        yield f"it moved while it was read: {moved}"


def remarks(findings: Findings) -> Iterator[str]:
    """What a reader should know before believing the numbers."""
    yield from map(clean, (*_live(findings), *_doubts(findings)))


def _doubts(findings: Findings) -> Iterator[str]:
    yield from findings.notes
    unproved = [name for name in ("left", "right") if (evidence := getattr(findings.evidence, name)) is not None and evidence.complete is None]
    if unproved:
        who = "neither side can" if len(unproved) > 1 else f"{named(f'the {unproved[0]} side', findings.names)} cannot"
        yield f"{who} prove that it was read completely"
    if not findings.fields and findings.summary["matched"] and not findings.keys_alone:
        yield "no field was compared: only the keys"
    for name, only in (("left", findings.only_left), ("right", findings.only_right)):
        if only:
            yield named(f"not compared, on the {name} only: ", findings.names) + f"{', '.join(only)}"
    if findings.lookalikes:
        shown = "; ".join(f"{show(each.left)} / {show(each.right)} ({each.why})" for each in findings.lookalikes[:3])
        yield f"{counted(findings.lookalike_count, 'pair', 'pairs')} of keys look alike and are not equal: {shown}"
    if findings.agreeing_duplicates:
        yield f"some keys stand more than once, with the same records on both sides: {', '.join(map(show, findings.agreeing_duplicates))}"
    differing = [name for name, total in findings.totals.items() if not total.exact]
    if differing:
        yield (
            f"control totals of {', '.join(differing)} are not exact: among their numbers are floating-point ones of more than 15 digits (the sum is "
            "rounded to 15), infinite ones, or such as need more than 120 digits"
        )
    for field in findings.fields:
        if field.currency is not None and field.name in findings.totals:
            yield f"the control total of {field.name} adds up all currencies"
