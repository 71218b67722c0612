"""The report as one HTML page that needs nothing else: no network, no library, light and dark, searchable, printable.

Everything that comes from data is escaped here, before it becomes part of the page. The words are for people who keep books, not for people who write
Python. How it looks stands in `looks`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from html import escape
from itertools import islice
from typing import Any

from attrs import frozen

from integrakit.reconciliation.findings import Break, Findings
from integrakit.reconciliation.reports.bridge import apart, number_of
from integrakit.reconciliation.reports.looks import POLICY, SCRIPT, STYLE
from integrakit.reconciliation.reports.marking import marked
from integrakit.reconciliation.reports.naming import named, retold
from integrakit.reconciliation.reports.options import field_words, key_words
from integrakit.reconciliation.reports.overview import Overview, Sample, break_counts, overview_of
from integrakit.reconciliation.reports.showing import amount, bare, clean, show, visible
from integrakit.reconciliation.reports.stretches import Stretches
from integrakit.reconciliation.reports.verdict import verdict_of
from integrakit.reconciliation.reports.words import COUNTS, KINDS, counted, field_label, headline, key_label, moment, reason_of, remarks, verdict
from integrakit.reconciliation.rules.causes import CAUSES
from integrakit.unset import UNSET

__all__ = ["page"]

_FLYING = 100
#: Fewer breaks than these are seen at a glance.
_MANY = 10
_OPEN = 6
#: Of a record without a partner: fields, letters of each, and records of a repeated key.
_ITEMS = 12
_ITEM = 40
_HELD = 3
_LONG = 200
_NONE = '<td class="soft">–</td>'


def _e(text: str) -> str:
    return escape(clean(text))


def _all(shown: int, number: int) -> str:
    return f"All {number:,}." if shown == number else f"The first {shown:,} of {number:,}."


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _table(caption: str, head: Iterable[tuple[str, str]], rows: Iterable[str], *, name: str = "", kind: str = "") -> Iterator[str]:
    """``head``: (words, class of the column). ``rows``: finished <tr>."""
    marks = (f' id="{name}"' if name else "") + _class(kind)
    cells = "".join(f'<th scope="col"{_class(style)}>{escape(words)}</th>' for words, style in head)
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table{marks}><caption>{escape(caption)}</caption>\n'
    yield f"<thead><tr>{cells}</tr></thead><tbody>\n"
    yield from rows
    yield "</tbody></table></div>\n"


def _header(findings: Findings, title: str | None) -> Iterator[str]:
    found = verdict_of(findings)
    yield f'<header><p class="over">{_e(title or "Reconciliation")}</p>\n'
    when = findings.started or findings.ended
    words = [f"{name[:1].upper()}{name[1:]}: {clean(side)}" for name, side in zip(findings.names, findings.sides, strict=True)]
    words.append("Key: " + key_label(findings))
    yield f"<p>{escape(' · '.join([*words, moment(when)] if when else words))}</p></header>\n"
    sign = "✓" if found.accepted else "✗"
    yield f'<div class="banner {"good" if found.accepted else "bad"}"><span class="sign" aria-hidden="true">{sign}</span><div>'
    if findings.accept is None:
        yield f"<h1>{escape(verdict(findings))}</h1>"
    else:
        yield f"<h1>{'Accepted' if found.accepted else 'Not accepted'}</h1><p>{escape(verdict(findings))}</p>"
        yield f"<ul>{''.join(f'<li>{_e(reason)}</li>' for reason in found.reasons)}</ul>" if found.reasons else ""
        yield f"<p>The rule: {_e(found.rule)}.</p>"
    yield "</div></div>\n"


def _share(findings: Findings) -> str:
    """Of all keys, rounded down: 100 % is said of all of them only."""
    summary = findings.summary
    base = summary["matched"] + summary["missing_left"] + summary["missing_right"]
    return f", {summary['equal'] * 10_000 // base / 100:g} %" if base else ""


def _tiles(findings: Findings) -> Iterator[str]:
    counts = break_counts(findings)
    summary = findings.summary
    tiles = [
        (summary["left"], COUNTS["left"], ""),
        (summary["right"], COUNTS["right"], ""),
        (summary["equal"], f"agree in every field{_share(findings)}", "good"),
        (counts["changed"], "differ", "bad"),
        (counts["missing_right"], COUNTS["missing_right"], "bad"),
        (counts["missing_left"], COUNTS["missing_left"], "bad"),
    ]
    rare = [
        (counts["duplicates"], "repeated keys that do not agree", "bad"),
        (counts["null_keys"], COUNTS["null_keys"], "bad"),
        (counts["invalid"], COUNTS["invalid"], "bad"),
        (len(findings.in_flight), "too new to be judged", "warn"),
    ]
    yield '<ul class="tiles" aria-label="Counts">\n'
    for number, words, style in [*tiles, *(tile for tile in rare if tile[0])]:
        yield f"<li{_class(style if number else '')}><b>{number:,}</b><span>{escape(named(words, findings.names))}</span></li>\n"
    yield "</ul>\n"


def _notes(findings: Findings) -> Iterator[str]:
    notices = list(remarks(findings))
    if notices:
        yield '<section><h2>Before you rely on this</h2>\n<div class="card"><ul class="notes">\n'
        yield from (f"<li>{escape(notice[:1].upper() + notice[1:])}.</li>\n" for notice in notices)
        yield "</ul></div></section>\n"


def _totals(findings: Findings, overview: Overview) -> Iterator[str]:
    if not findings.totals:
        return

    def rows() -> Iterator[str]:
        for name, each in findings.totals.items():
            badge = '<span class="badge bad">differs</span>' if each.difference else '<span class="badge good">same</span>'
            numbers = "".join(f'<td class="n">{escape(amount(number))}</td>' for number in (each.left, each.right, each.difference))
            yield f'<tr><th scope="row">{escape(field_label(findings, name))}</th>{numbers}<td>{badge}</td></tr>\n'

    yield '<section><h2>Control totals</h2>\n<div class="card">'
    left, right = findings.names
    head = (("field", ""), (left, "n"), (right, "n"), ("difference", "n"), ("", ""))
    yield from _table(f"The sum of each field of numbers over all records of each side; the difference is {left} minus {right}.", head, rows())
    yield "</div>\n"
    yield from _bridge(findings, overview)
    yield "</section>\n"


def _bridge(findings: Findings, overview: Overview) -> Iterator[str]:
    bridges = [(name, each.difference, overview.bridges[name]) for name, each in findings.totals.items() if Decimal(each.difference).is_finite()]
    bridges = [(name, total, found) for name, total, found in bridges if total or found.changed or found.left_only or found.right_only]
    if not bridges:
        return
    other = any(found.other(total) for _, total, found in bridges)

    def rows() -> Iterator[str]:
        for name, total, found in bridges:
            parts = [found.changed, found.left_only, found.right_only.copy_negate() if found.right_only else found.right_only]
            numbers = [*parts, *([found.other(total)] if other else []), total]
            cells = "".join(f'<td class="n">{escape(amount(number))}</td>' for number in numbers)
            yield f'<tr><th scope="row">{escape(field_label(findings, name))}</th>{cells}</tr>\n'

    left, right = (named(f"only on the {side}", findings.names) for side in ("left", "right"))
    head = (
        ("field", ""),
        ("values that differ", "n"),
        (left, "n"),
        (f"less {right}", "n"),
        *([("other", "n")] if other else []),
        ("difference", "n"),
    )
    rest = " Other: repeated keys, records that cannot be compared or are too new, what a tolerance accepts, and rounding." if other else ""
    yield '<div class="card">'
    yield from _table(f"From the breaks to the totals: how the differences add up.{rest}", head, rows())
    yield "</div>\n"


def _where(found: Stretches | None) -> Iterator[str]:
    if found is None:
        return
    most = max(each.number for each in found.stretches)

    def rows() -> Iterator[str]:
        for each in found.stretches:
            bar = f'<i style="width:{each.number * 100 / most:.1f}%"></i>' if each.number else ""
            yield f'<tr><th scope="row">{_e(str(each))}</th><td class="track" aria-hidden="true">{bar}</td><td class="n">{each.number:,}</td></tr>\n'

    yield '<div class="card">'
    yield f'<p class="said">{_e(found.cluster[:1].upper() + found.cluster[1:])}.</p>' if found.cluster else ""
    head = ((found.by, ""), ("", ""), ("breaks", "n"))
    more = f" {found.elsewhere:,} have values of another kind." if found.elsewhere else ""
    yield from _table(f"From the first break to the last, by {clean(found.by)}.{more}", head, rows(), kind="where")
    yield "</div>\n"


def _map(findings: Findings, overview: Overview) -> Iterator[str]:
    if len(findings.breaks) < _MANY or (overview.by_key is None and overview.by_time is None):
        return
    yield "<section><h2>Where the breaks lie</h2>\n"
    yield from _where(overview.by_key)
    yield from _where(overview.by_time)
    yield "</section>\n"


def _examples(label: str, samples: list[tuple[str, Sample]], names: tuple[str, str]) -> Iterator[str]:
    converted = any(sample.compared is not None for _, sample in samples)

    def rows() -> Iterator[str]:
        for cause, sample in samples:
            cells = [escape(sample.key), *marked(sample.left, sample.right)]
            if converted:
                cells.append("" if sample.compared is None else escape(" / ".join(sample.compared)))
            yield f'<tr><td><span class="badge">{escape(cause)}</span></td>{"".join(map(_value, cells))}</tr>\n'

    head = (("likely cause", ""), ("key", ""), (names[0], ""), (names[1], ""), *([("compared as", "")] if converted else []))
    yield from _table(f"Examples in {label}", head, rows())


def _fields(findings: Findings, overview: Overview) -> Iterator[str]:
    if not findings.by_field:
        return
    yield "<section><h2>What differs, and the likely cause</h2>\n"
    for place, (name, each) in enumerate(findings.by_field.items()):
        label = field_label(findings, name)
        samples = [(cause, sample) for cause in each.causes for sample in overview.samples.get(name, {}).get(cause, ())]
        yield f'<details class="card"{" open" if place < _OPEN else ""}><summary><h3>{escape(label)}</h3> '
        yield f'<span class="soft">{counted(each.mismatches, "record differs", "records differ")}</span></summary>\n'
        causes = (
            f'<tr><td><span class="badge">{escape(cause)}</span></td><td>{escape(CAUSES.get(cause, ""))}</td><td class="n">{number:,}</td></tr>\n'
            for cause, number in each.causes.items()
        )
        yield from _table(f"Likely causes in {label}", (("likely cause", ""), ("what that means", ""), ("records", "n")), causes)
        yield from _examples(label, samples, findings.names)
        yield "</details>\n"
    yield "</section>\n"


@frozen
class _Rows:
    """How rows of breaks are written: what is the same for all of them."""

    names: tuple[str, str]
    labels: Mapping[str, str]
    #: Field → who looks after it; empty where no field has anybody.
    owners: Mapping[str, str]
    #: Fields with control totals, whose differences are shown.
    numeric: Collection[str]
    untyped: tuple[bool, bool]

    @classmethod
    def of(cls, findings: Findings) -> _Rows:
        labels = {field.name: escape(field_label(findings, field.name)) for field in findings.fields}
        owners = {field.name: clean(field.owner) for field in findings.fields if field.owner is not None}
        return cls(findings.names, labels, owners, findings.totals, findings.untyped)

    @property
    def head(self) -> Iterator[tuple[str, str]]:
        yield from (("key", ""), ("what", ""), ("field", ""), (self.names[0], ""), (self.names[1], ""))
        if self.numeric:
            yield "difference", "n"
        yield "likely cause", ""
        if self.owners:
            yield "owner", ""

    def row(self, found: Break, field: str, left: str, right: str, cause: str, difference: str = "") -> str:
        owner = escape(self.owners.get(field, ""))
        data = f' data-kind="{found.kind}" data-field="{escape(clean(field))}" data-cause="{escape(clean(cause))}"'
        data += f' data-owner="{owner}"' if self.owners else ""
        key = visible(found.key) if type(found.key) is str and found.key and len(found.key) <= _LONG else show(found.key)
        what = escape(named(KINDS[found.kind], self.names))
        cells = f'{_value(escape(key))}<td class="nowrap">{what}</td><td>{self.labels.get(field, "")}</td>{left}{right}'
        cells += f'<td class="n">{difference}</td>' if self.numeric else ""
        return f"<tr{data}>{cells}<td>{escape(clean(cause))}</td>{f'<td>{owner}</td>' if self.owners else ''}</tr>\n"

    def all(self, breaks: Iterable[Break]) -> Iterator[str]:
        for found in breaks:
            if found.kind != "changed":
                left, right = (_records(held) for held in (found.left, found.right))
                yield self.row(found, "", left, right, reason_of(found, self.names))
                continue
            for name, each in found.fields.items():
                values = each.left, each.right
                texts = marked(*bare(*values, _LONG))
                left, right = (_cell(*pair) for pair in zip(values, texts, strict=True))
                difference = apart(*values, self.untyped) if name in self.numeric else None
                yield self.row(found, name, left, right, each.cause, "" if difference is None else escape(amount(difference)))


def _value(text: str) -> str:
    return f'<td class="value">{text}</td>'


def _cell(value: Any, text: str) -> str:
    """A value of a field; what is no text and yet reads like one looks different."""
    if value is None or value is UNSET:
        return f'<td class="value soft">{text}</td>'
    if type(value) is str and not value and not text:
        return '<td class="value soft">“empty”</td>'
    return f'<td class="value n">{text}</td>' if number_of(value, False) is not None else _value(text)


def _record(record: Any) -> str:
    if not isinstance(record, Mapping):
        return show(record)
    shown = [f"{clean(str(name))}: {show(value, length=_ITEM)}" for name, value in islice(record.items(), _ITEMS)]
    return ", ".join([*shown, f"… {len(record):,} fields in all"] if len(record) > _ITEMS else shown)


def _records(held: Any) -> str:
    """What one side of a break holds: no record, one, or those of a repeated key."""
    several = held if isinstance(held, tuple) else () if held is None else (held,)
    lines = [*map(_record, several[:_HELD]), *([f"… {len(several):,} records in all"] if len(several) > _HELD else [])]
    return _value(escape("\n".join(lines))) if lines else _NONE


def _choice(name: str, label: str, values: Iterable[tuple[str, str]]) -> str:
    options = "".join(f'<option value="{escape(value)}">{escape(words)}</option>' for value, words in values)
    return f'<label>{label}<select name="{name}"><option value="">all</option>{options}</select></label>\n'


def _breaks(findings: Findings, cap: int) -> Iterator[str]:
    number = len(findings.breaks)
    shown = min(cap, number)
    yield f"<section><h2>Breaks</h2>\n<p>{_all(shown, number)}</p>\n"
    yield '<form class="filters" id="filters" hidden role="search">\n<label>Search<input id="search" type="search" autocomplete="off"></label>\n'
    counts = break_counts(findings)
    plural = {"duplicate": "duplicates", "null_key": "null_keys"}
    yield _choice("kind", "What", ((kind, named(words, findings.names)) for kind, words in KINDS.items() if counts[plural.get(kind, kind)]))
    yield _choice("field", "Field", ((clean(name), field_label(findings, name)) for name in findings.by_field))
    causes = dict.fromkeys(cause for each in findings.by_field.values() for cause in each.causes)
    yield _choice("cause", "Likely cause", ((cause, cause) for cause in causes))
    rows = _Rows.of(findings)
    if rows.owners:
        yield _choice("owner", "Owner", ((owner, owner) for owner in dict.fromkeys(rows.owners.values())))
    yield '<span id="count" aria-live="polite"></span></form>\n<div class="card">'
    yield from _table("One row for each field that differs", rows.head, rows.all(islice(findings.breaks, cap)), name="breaks")
    yield f"</div></section>\n<script>\n{SCRIPT}\n</script>\n"


def _flying(findings: Findings) -> Iterator[str]:
    number = len(findings.in_flight)
    if number:
        rows = _Rows.of(findings)
        yield "<section><h2>Not judged yet</h2>\n"
        yield "<p>These records changed so lately that the other side may not have heard of it. They are no breaks.</p>\n"
        yield f'<details class="card"><summary>{_all(min(number, _FLYING), number)}</summary>'
        yield from _table("Records in flight", rows.head, rows.all(islice(findings.in_flight, _FLYING)))
        yield "</details></section>\n"


def _how(findings: Findings) -> Iterator[str]:
    yield '<section><h2>How it was compared</h2>\n<div class="card"><dl>\n'
    words = key_words(findings.key)
    yield f"<dt>Key</dt><dd>{escape(key_label(findings) + (f' ({words})' if words else ''))}</dd>\n"
    plain = [field_label(findings, field.name) for field in findings.fields if not field_words(field, findings.names)]
    if plain or not findings.fields:
        yield f"<dt>Compared as they are</dt><dd>{escape(', '.join(plain) or 'only the keys')}</dd>\n"
    for field in findings.fields:
        if words := field_words(field, findings.names):
            yield f"<dt>{escape(field_label(findings, field.name))}</dt><dd>{escape(words)}</dd>\n"
    for label, names in (("Left out", findings.ignored), ("Only on the left", findings.only_left), ("Only on the right", findings.only_right)):
        if names:
            yield f"<dt>{escape(named(label, findings.names))}</dt><dd>{_e(', '.join(names))}</dd>\n"
    yield f"<dt>Engine</dt><dd>{_e(findings.engine)}: {_e(retold('; '.join(findings.why), findings.names))}</dd>\n"
    if findings.started is not None:
        yield f"<dt>When</dt><dd>{moment(findings.started)} to {moment(findings.ended)}</dd>\n"
    yield '</dl></div></section>\n<section><h2>What was read</h2>\n<div class="card">'
    rows = (
        f'<tr><th scope="row">{escape(named(read.side, findings.names))}</th><td>{_e(read.label)}</td>'
        f'<td class="n">{read.records:,}</td><td class="n">{read.pages:,}</td>'
        f'<td class="nowrap">{"–" if read.started is None else moment(read.started)}</td><td>{_e(read.evidence)}</td></tr>\n'
        for read in findings.reads
    )
    head = (("side", ""), ("source", ""), ("records", "n"), ("pages", "n"), ("read from", ""), ("what the read can prove", ""))
    yield from _table("Both sides as they were read", head, rows)
    yield "</div></section>\n"


def page(findings: Findings, cap: int, title: str | None = None) -> Iterator[str]:
    """The page in pieces, with at most ``cap`` breaks."""
    overview = overview_of(findings)
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n<meta name="referrer" content="no-referrer">\n'
    yield f"<title>{escape(headline(findings) if title is None else clean(title))}</title>\n<style>\n{STYLE}\n</style></head><body><main>\n"
    yield from _header(findings, title)
    yield from _tiles(findings)
    yield from _notes(findings)
    yield from _totals(findings, overview)
    yield from _map(findings, overview)
    yield from _fields(findings, overview)
    if len(findings.breaks):
        yield from _breaks(findings, cap)
    for part in (_flying, _how):
        yield from part(findings)
    yield "<footer>Two systems compared record by record and value by value.</footer>\n</main></body></html>\n"
