"""The statements for PostgreSQL: its digests of a side, its control totals, and the rows of the buckets that differ. Pure: SQL out.

Between two servers of PostgreSQL rows are digested by its own keyed hashes, one value chained to the next, and the digests of rows are added up. Its
hashes fold numbers of 64 bits to 32, so such values go in by two halves or in two forms. Next to another server it is texts, put together in the
order of the keys, that are digested.
"""

from __future__ import annotations

from collections.abc import Sequence

from integrakit.reconciliation.engines.segments.buckets import NO_KEY, Buckets
from integrakit.reconciliation.engines.segments.forms import Form
from integrakit.reconciliation.engines.segments.pairing import Pair
from integrakit.reconciliation.engines.segments.plan import Plan
from integrakit.reconciliation.engines.segments.words import Words
from integrakit.sql.layout import Row

__all__ = ["SETTINGS", "among", "bounds", "digests", "estimate", "long_parts", "looking_closer", "parts"]

#: For the transaction. Millions of rows with an estimate of few groups belong into a hash table; compiling costs more than it saves.
SETTINGS = (
    "SET LOCAL jit = off; SET LOCAL enable_hashagg = on; SET LOCAL work_mem = '64MB'; SET LOCAL cursor_tuple_fraction = 1; "
    "SET LOCAL max_parallel_workers_per_gather = 0"
)

#: Keys that are named in a statement, at most: its planner finds them in an index, or reads all rows once.
_NAMED = 200_000
_SUM = "coalesce(CAST(trim_scale(CAST({} AS numeric)) AS text), '~')"
_MILLIONTHS = "coalesce(CAST(trim_scale({} * 0.000001) AS text), '~')"
_HEX = "coalesce(encode(convert_to({}(r.k COLLATE \"C\"), 'UTF8'), 'hex'), '~')"


def estimate(source: str) -> str:
    """What the planner takes for the number of rows; the answer is JSON."""
    return f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {source}"


def bounds(plan: Plan, side: int, source: str) -> str:
    value = plan.keys[0].of(side).value
    return f"SELECT min({value}), max({value}) FROM {source}"


def digests(plan: Plan, buckets: Buckets, side: int, source: str, where: str = "") -> str:
    """A page of buckets in each row: its number, its lines, and what was barred. ``where``: the condition for the rows that are digested."""
    words = buckets.words
    inner, summed = [f"{buckets.sql(side, True)} AS b"], []
    # A row that is alone in its bucket is its own sum.
    alone = buckets.alone and plan.unique[side]
    total = "{}" if alone else "sum({})"
    rows = f"{source} WHERE {where}" if where else source
    if plan.both_postgresql:
        pairs = [*plan.keys, *plan.fields.values()]
        inner += [f"{chain(pairs, side, words, seed)} AS h{index}" for index, seed in enumerate(words.seeds)]
        summed += [total.format("r.h0"), total.format("r.h1")]
    else:
        inner.append(f"{_written(plan, side, words)} AS h")
        order = ""
        if buckets.alone:
            order = " ORDER BY r.k"
        elif buckets.how == "ranges":
            # An index gives them in this order, and a hash table keeps it.
            rows = f"(SELECT t.* FROM {rows} ORDER BY {plan.keys[0].of(side).value} OFFSET 0) AS t"
        elif buckets.how == "remainders":
            inner.append(f"{buckets.number(side)} AS o")
            order = " ORDER BY r.o"
        else:
            inner.append(f"md5({buckets.key(side)}) AS o")
            order = ' ORDER BY r.o COLLATE "C"'
        summed.append("md5(r.h)" if alone else f"md5(string_agg(r.h, ''{order}))")
    if plan.whole_key:
        inner.append(f"{plan.keys[0].of(side).added} AS k")
        summed.append(_SUM.format(total.format("r.k")))
    else:
        inner.append(f"{buckets.key(side)} AS k")
        summed += [_HEX.format("min"), _HEX.format("max")]
    for index, name in enumerate(plan.summed):
        pair = plan.fields[name]
        inner.append(f"{pair.added(side)} AS v{index}")
        summed.append((_MILLIONTHS if pair.in_millionths else _SUM).format(total.format(f"r.v{index}")))
    barred = plan.barred(side)
    if barred:
        inner.append(f"{barred} AS x")
    twice = "count(*) - count(DISTINCT r.k)" if plan.counts_twice(side) else "0"
    lines = ", ".join(f"{expression} AS d{index}" for index, expression in enumerate(summed))
    names = ", ".join(f"g.d{index}" for index in range(len(summed)))
    grouped = (
        f"SELECT r.b, {'1' if alone else 'count(*)'} AS n, {twice} AS twice, {lines}{f', {_largest(alone)} AS x' if barred else ''} "
        f"FROM (SELECT {', '.join(inner)} FROM {rows} OFFSET 0) AS r{'' if alone else ' GROUP BY r.b'}"
    )
    return (
        f"SELECT g.b / {plan.page} AS p, string_agg(concat_ws(',', g.b, g.n, g.twice, {names}), ';' ORDER BY g.b), {'max(g.x)' if barred else '0'} "
        f"FROM ({grouped}) AS g GROUP BY 1 ORDER BY 1"
    )


def _largest(alone: bool) -> str:
    return "r.x" if alone else "max(r.x)"


def _written(plan: Plan, side: int, words: Words) -> str:
    """The row as one text, each value with the separator behind it."""
    texts = [_or_null(pair, side, pair.text(side), words) for pair in (*plan.keys, *plan.fields.values())]
    return f"concat_ws('{words.separator}', {', '.join(texts)}, '')"


def _or_null(pair: Pair, side: int, text: str, words: Words) -> str:
    form = pair.of(side)
    return text if form.required else f"coalesce({text}, '{words.null if form.free else '~'}')"


def chain(pairs: Sequence[Pair], side: int, words: Words, seed: int) -> str:
    """A keyed hash of all values of a row: each is hashed with what came before as the key."""
    found = f"CAST({seed} AS int8)"
    for pair in pairs:
        found = _link(pair, side, words, found)
    return found


def _link(pair: Pair, side: int, words: Words, before: str) -> str:
    form, numbers = pair.of(side), pair.numbers

    def given(value: str, null: str) -> str:
        return value if form.required else f"coalesce({value}, {null})"

    if pair.family == "number" and numbers == {"int"}:
        whole = given(form.whole, f"CAST({words.seeds[0]} AS int8)")
        return f"hashint8extended({whole}, hashint8extended({whole} >> 32, {before}))"
    if pair.family == "number" and numbers <= {"float", "float4"} and len(numbers) == 1:
        return f"hashfloat8extended({given(f'CAST({form.value} AS float8)', f'CAST({words.double} AS float8)')}, {before})"
    if pair.family == "number":
        return f"hash_numeric_extended({given(f'CAST({form.added} AS numeric)', words.number)}, {before})"
    if pair.family == "bool":
        return f"hashint4extended({given(f'CAST({form.value} AS int4)', '2')}, {before})"
    if pair.family in ("instant", "naive"):
        moment = form.value if pair.family == "naive" else f"({form.value} AT TIME ZONE 'UTC')"
        seconds = given(f"date_part('epoch', {moment})", f"CAST({words.double} AS float8)")
        # Seconds as a float tell apart what the fold of the microseconds does not.
        return f"timestamp_hash_extended({given(moment, f'CAST({words.moment!r} AS timestamp)')}, hashfloat8extended({seconds}, {before}))"
    return f'hashtextextended(({given(pair.text(side), repr(words.null))}) COLLATE "C", {before})'


def looking_closer(plan: Plan, name: str, side: int, source: str) -> str:
    """Of one column: the exact sum of its finite numbers, floats of up to 15 digits only; how many are finite, none, infinite; and a nought."""
    form = plan.fields[name].of(side)
    long = _long(form) if form.number.startswith("float") else "false"
    return (
        "SELECT coalesce(sum(r.v) FILTER (WHERE r.f AND NOT r.l), 0), count(*) FILTER (WHERE r.f), "
        "count(*) FILTER (WHERE r.v = 'NaN'), count(*) FILTER (WHERE r.v IN ('Infinity', '-Infinity')), 0 "
        f"FROM (SELECT {form.added} AS v, {form.value} NOT IN {_NOT_FINITE} AS f, {long} AS l FROM {source} OFFSET 0) AS r"
    )


def long_parts(plan: Plan, name: str, side: int, source: str) -> str:
    """The finite floats of more than 15 digits added up bit by bit: in each row a power of two, and the exact sum of what it multiplies."""
    form = plan.fields[name].of(side)
    bits = f"CAST(CAST('x' || encode(float8send({form.value}), 'hex') AS bit(64)) AS int8)"
    whole = "(r.n & 4503599627370495 | CASE WHEN r.e = 0 THEN 0 ELSE 4503599627370496 END)"
    return (
        f"SELECT greatest(r.e, 1) - 1075, sum(CASE WHEN r.n < 0 THEN -1 ELSE 1 END * {whole}) FROM (SELECT q.n, (q.n >> 52) & 2047 AS e FROM ("
        f"SELECT {bits} AS n FROM {source} WHERE {form.value} NOT IN {_NOT_FINITE} AND {_long(form)} OFFSET 0) AS q) AS r GROUP BY 1"
    )


def parts(rows: Sequence[Row]) -> Sequence[Row]:
    """What `long_parts` gave, as powers of two and the sums they multiply."""
    return rows


_NOT_FINITE = "('NaN', 'Infinity', '-Infinity')"


def _long(form: Form) -> str:
    return f"length(ltrim(translate(split_part(CAST({form.value} AS text), 'e', 1), '-.', ''), '0')) > 15"


def among(buckets: Buckets, side: int, dirty: Sequence[int]) -> str:
    """The condition for the rows of these buckets."""
    numbers = "CAST('{{{}}}' AS int8[])"
    if buckets.how == "ranges" and len(dirty) * buckets.size <= _NAMED:
        # The keys themselves, which may have an index.
        keys = (buckets.low + bucket * buckets.size + place for bucket in dirty if bucket != NO_KEY for place in range(buckets.size))
        found = f"{buckets.keys[0].of(side).value} = ANY ({numbers.format(','.join(map(str, keys)))})"
        return f"{found} OR {buckets.missing(side)}" if NO_KEY in dirty else found
    return f"{buckets.sql(side, True)} = ANY ({numbers.format(','.join(map(str, dirty)))})"
