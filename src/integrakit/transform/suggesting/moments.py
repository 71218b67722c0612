"""Rules for days and moments: how the left side writes them is read with `format` or `epoch`, how the right side writes them is given with `write`.

Only proposed here; `trying` tells which of several gives what the other side holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from integrakit.transform.suggesting.columns import Column
from integrakit.transform.suggesting.formats import form_of, spelled_time

__all__ = ["time_rules"]

_MOST = 300
_SLASHED = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")
_CHECK = "the day depends on the timezone: say your own"
_NO_TIME = "a date has no time of day: the target may want one"


def time_rules(left: Column, right: Column, path: str) -> list[tuple[Any, None, str]]:
    """Rules for two columns of `TIMES`, the likeliest first; none where the value is handed on as it is."""
    ours, theirs = _spelling(left), _spelling(right)
    if left.form == right.form and left.types == right.types and ours == theirs and left.form != "written date":
        return [(path, None, ""), *_cut(left, right, path)]
    days = right.form in ("date", "written date")
    if left.form in ("date", "written date") and not days:
        return [*_cut(left, right, path), (path, None, _NO_TIME)]
    zone = {"timezone": "UTC"} if left.form in ("instant", "epoch") and days else {}
    zone = zone or ({"timezone": "UTC"} if left.form == "local time" and not days else {})
    note = (_CHECK if days else "check the timezone") if zone else ""
    found: list[tuple[Any, None, str]] = []
    for read in _reading(left, ours):
        for write in _writing(right, theirs):
            options = {**read, **zone, **write}
            if "%" in write.get("write", "") and not days and "%z" not in write["write"]:
                options["timezone"] = "UTC"
            found.append(({"from": path, "to": "date" if days else "datetime", **options}, None, note))
    if right.form == "local time" and theirs == "iso":
        # The clock of a place without a zone; objects with one come after it, where the text has a form that is not known.
        found = [({**rule, "timezone": "UTC", **write}, None, "check the timezone") for rule, _, _ in found for write in _clock(right)] + found
    return [*_cut(left, right, path), *found, *([(path, None, "")] if left.form == right.form else [])]


def _texts(column: Column) -> list[str]:
    return [value.strip() for value in islice(column.values.values(), _MOST) if type(value) is str]


def _spelling(column: Column) -> str:
    if column.form == "epoch":
        return "epoch_ms" if column.magnitude > 11 else "epoch_s"
    if column.form == "written date":
        return column.form
    texts = _texts(column)
    return (spelled_time(texts[0]) if texts else "") or "iso"


def _reading(left: Column, spelling: str) -> Iterator[dict[str, Any]]:
    if spelling.startswith("epoch"):
        yield {"epoch": spelling.removeprefix("epoch_"), **({"float": "shortest"} if float in left.types else {})}
    elif spelling == "written date":
        for form in _slashed(left):
            yield {"format": form}
    else:
        yield {} if spelling == "iso" else {"format": spelling}


def _writing(right: Column, spelling: str) -> Iterator[dict[str, Any]]:
    if spelling.startswith("epoch"):
        yield {"write": spelling}
    elif spelling == "written date":
        bare = any(len(part) == 1 for text in _texts(right) for part in text.replace("-", ".").replace("/", ".").split("."))
        for form in _slashed(right):
            yield {"write": form.replace("%d", "%-d").replace("%m", "%-m") if bare else form}
    else:
        yield {} if spelling == "iso" else {"write": spelling}


def _slashed(column: Column) -> list[str]:
    """The orders of day and month that all values allow."""
    texts = [text for text in _texts(column) if form_of(text) == "written date"]
    mark = next((c for c in texts[0] if not c.isdigit()), "/") if texts else "/"
    parts = [text.replace("-", "/").replace(".", "/").split("/") for text in texts]
    fits = [all(len(one) == 3 and int(one[place]) <= 12 for one in parts) for place in (1, 0)]
    return [form.format(mark) for form, fit in zip(_SLASHED, fits, strict=True) if fit]


def _clock(right: Column) -> Iterator[dict[str, Any]]:
    """The format of text such as ``2024-03-05 10:00:00``."""
    texts = _texts(right)
    form = {16: "%Y-%m-%d{}%H:%M", 19: "%Y-%m-%d{}%H:%M:%S", 23: "%Y-%m-%d{}%H:%M:%S.%L", 26: "%Y-%m-%d{}%H:%M:%S.%f"}
    if texts and len({(len(text), text[10:11]) for text in texts}) == 1 and len(texts[0]) in form:
        yield {"write": form[len(texts[0])].format(texts[0][10])}


def _cut(left: Column, right: Column, path: str) -> list[tuple[Any, None, str]]:
    """Where the right side shows a day as its midnight (``2024-03-05T00:00:00``), and always with the same ending."""
    ends = {text[10:] for text in _texts(right)} if right.types == {str} and right.form in ("instant", "local time") else set()
    end = next(iter(ends)) if len(ends) == 1 else ""
    if _spelling(right) != "iso" or not end[1:].startswith("00:00") or any(c in "123456789%" for c in end.partition("+")[0]):
        return []
    zone = {"timezone": "UTC"} if left.form in ("instant", "epoch") else {}
    return [
        ({"from": path, "to": "date", **read, **zone, "write": f"%Y-%m-%d{end}"}, None, _CHECK if zone else "")
        for read in _reading(left, _spelling(left))
    ]
