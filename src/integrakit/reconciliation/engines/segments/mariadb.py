"""The statements for MariaDB: its digests of a side, its control totals, and the rows of the buckets that differ. Pure: SQL out.

The texts of the rows of a bucket, put together in the order of the keys, are digested. What does not fit into GROUP_CONCAT makes a warning, which
whoever runs these statements has to look for.
"""

from __future__ import annotations

from collections.abc import Sequence

from integrakit.reconciliation.engines.segments.buckets import NO_KEY, Buckets
from integrakit.reconciliation.engines.segments.forms import Form
from integrakit.reconciliation.engines.segments.pairing import Pair
from integrakit.reconciliation.engines.segments.plan import Plan
from integrakit.reconciliation.engines.segments.words import Words
from integrakit.sql.layout import Row

__all__ = ["among", "bounds", "digests", "estimate", "long_parts", "looking_closer", "parts"]

_SETTINGS = "SET STATEMENT group_concat_max_len = 1073741824 FOR "
_SUM = "IFNULL({}, '~')"
#: Stretches of keys that are named, at most: its optimizer finds them in an index, or reads all rows once.
_STRETCHES = 5000
_MILLIONTHS = "IFNULL(CAST({} AS DECIMAL(65, 0)) * 0.000001, '~')"
_CUT = "IF(LOCATE('.', g.{0}), TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM g.{0})), g.{0})"


def estimate(source: str) -> str:
    """What the planner takes for the number of rows: the largest of the column ``rows``."""
    return f"EXPLAIN SELECT 1 FROM {source}"


def bounds(plan: Plan, side: int, source: str) -> str:
    value = plan.keys[0].of(side).value
    return f"SELECT MIN({value}), MAX({value}) FROM {source}"


def digests(plan: Plan, buckets: Buckets, side: int, source: str, where: str = "") -> str:
    """A page of buckets in each row: its number, its lines, and what was barred. ``where``: the condition for the rows that are digested."""
    words = buckets.words
    order = f"MD5({buckets.key(side)})" if buckets.how == "digests" else buckets.number(side)
    key = f"CAST({buckets.key(side)} AS BINARY)"
    # A row that is alone in its bucket is its own sum.
    alone = buckets.alone and plan.unique[side]
    total, largest = ("{}", "{}") if alone else ("SUM({})", "MAX({})")
    written = _written(plan, side, words)
    summed, names = [f"MD5({written})" if alone else f"MD5(GROUP_CONCAT({written} ORDER BY {order} SEPARATOR ''))"], ["g.d0"]
    ends = (
        [_SUM.format(total.format(plan.keys[0].of(side).added))]
        if plan.whole_key
        else [f"IFNULL(LOWER(HEX({each}({key}))), '~')" for each in ("MIN", "MAX")]
    )
    for expression in ends:
        names.append(f"g.d{len(summed)}")
        summed.append(expression)
    for name in plan.summed:
        pair = plan.fields[name]
        names.append(_CUT.format(f"d{len(summed)}"))
        summed.append((_MILLIONTHS if pair.in_millionths else _SUM).format(total.format(pair.added(side))))
    barred = largest.format(found) if (found := plan.barred(side)) else "0"
    twice = f"COUNT(*) - COUNT(DISTINCT {key})" if plan.counts_twice(side) else "0"
    lines = ", ".join(f"{expression} AS d{index}" for index, expression in enumerate(summed))
    grouped = (
        f"SELECT {buckets.sql(side, False)} AS b, {'1' if alone else 'COUNT(*)'} AS n, {twice} AS twice, {lines}, {barred} AS x "
        # By its place: the table may have a column of any name.
        f"FROM {source}{f' WHERE {where}' if where else ''}{'' if alone else ' GROUP BY 1'}"
    )
    line = f"CONCAT_WS(',', g.b, g.n, g.twice, {', '.join(names)})"
    return (
        f"{_SETTINGS}SELECT g.b DIV {plan.page} AS p, GROUP_CONCAT({line} ORDER BY g.b SEPARATOR ';'), MAX(g.x) "
        f"FROM ({grouped}) AS g GROUP BY 1 ORDER BY 1"
    )


def _written(plan: Plan, side: int, words: Words) -> str:
    """The row as one text, each value with the separator behind it."""
    texts = [_or_null(pair, side, words) for pair in (*plan.keys, *plan.fields.values())]
    return f"CONCAT_WS('{words.separator}', {', '.join(texts)}, '')"


def _or_null(pair: Pair, side: int, words: Words) -> str:
    form = pair.of(side)
    return pair.text(side) if form.required else f"IFNULL({pair.text(side)}, '{words.null if form.free else '~'}')"


def looking_closer(plan: Plan, name: str, side: int, source: str) -> str:
    """Of one column: the exact sum of its numbers, floats of up to 15 digits only; how many there are; two noughts; whether some are out of reach."""
    form = plan.fields[name].of(side)
    added = f"IF({_long(form)}, NULL, {form.added})" if form.number == "float" else form.added
    return f"SELECT IFNULL(SUM({added}), 0), COUNT({form.value}), 0, 0, MAX({form.barred or '0'}) FROM {source}"


#: Powers of two: each part of a float, taken in steps of 52 bits, is a whole number below 2 ** 53, which is exact as a float and as a decimal.
_STEPS = (53, 0, -52, -104)


def long_parts(plan: Plan, name: str, side: int, source: str) -> str:
    """The floats of more than 15 digits added up bit by bit: one row, with the exact sum of whole numbers for each of `_STEPS`."""
    form = plan.fields[name].of(side)
    whole = "SUM(q.s * CAST({} AS DECIMAL(20, 0)))"
    return (
        f"SELECT {', '.join(map(whole.format, ('q.h', 'q.i', 'FLOOR(q.f)', '(q.f - FLOOR(q.f)) * 4503599627370496e0')))} FROM ("
        "SELECT p.s, p.h, FLOOR(p.r) AS i, (p.r - FLOOR(p.r)) * 4503599627370496e0 AS f FROM ("
        f"SELECT SIGN({form.value}) AS s, FLOOR(ABS({form.value}) / 9007199254740992e0) AS h, "
        f"ABS({form.value}) - FLOOR(ABS({form.value}) / 9007199254740992e0) * 9007199254740992e0 AS r FROM {source} WHERE {_long(form)}) AS p) AS q"
    )


def parts(rows: Sequence[Row]) -> Sequence[Row]:
    """What `long_parts` gave, as powers of two and the sums they multiply."""
    return [(power, value) for row in rows for power, value in zip(_STEPS, row, strict=True) if value is not None]


def _long(form: Form) -> str:
    return f"LENGTH(TRIM(LEADING '0' FROM REPLACE(REPLACE(SUBSTRING_INDEX({form.text}, 'e', 1), '-', ''), '.', ''))) > 15"


def among(buckets: Buckets, side: int, dirty: Sequence[int]) -> str:
    """The condition for the rows of these buckets."""
    if (stretches := buckets.stretches(dirty)) and len(stretches) <= _STRETCHES:
        value = buckets.keys[0].of(side).value
        found = [f"{value} BETWEEN {first} AND {last}" for first, last in stretches]
        return " OR ".join([*found, buckets.missing(side)] if NO_KEY in dirty else found)
    if not buckets.alone:
        return f"{buckets.sql(side, False)} IN ({', '.join(map(str, dirty))})"
    # The key itself, which may have an index.
    keys = ", ".join(str(buckets.low + bucket) for bucket in dirty if bucket != NO_KEY)
    found = [f"{buckets.keys[0].of(side).value} IN ({keys})"] if keys else []
    return " OR ".join([*found, buckets.missing(side)] if NO_KEY in dirty else found)
