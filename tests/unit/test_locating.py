"""Where an entry of a mapping file stands: line and column, in TOML, JSON and YAML."""

from __future__ import annotations

import pytest

from integrakit.transform.loading import read_text
from integrakit.transform.locating import Locator, Place, line_column

TOML = '''\
# A comment: fields.total = 1
source = "shop" # [fields]
"target" = """
[fields]
total = 'no table at all'
"""

[fields]
id = "id"
  total = { from = "total_price", to = "decimal",roundin = "half-up" }
'full.name' = { concat = [
    "first", # the first, [
    { value = " " },
    "last",
] }
address.fields.city = "city"
address.fields."zip\\u0020code" = "zip"

[fields.lines]
each = "line_items"
  [fields.lines.fields.sku]
  from = "sku"
  apply = ["strip", 'upper']
  fields.deep = 1979-05-27 07:32:00

[[tables]]
name = "a"
[[tables]]
name = "b"
[tables.inner]
x = [[1, 2], [3,
 4]]
'''


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("source",), (2, 1)),
        (("target",), (3, 1)),
        (("fields",), (8, 2)),
        (("fields", "id"), (9, 1)),
        (("fields", "total"), (10, 3)),
        (("fields", "total", "roundin"), (10, 50)),
        (("fields", "total", "scale"), (10, 3)),
        (("fields", "total", "scale", 3, "x"), (10, 3)),
        (("fields", "full.name", "concat"), (11, 17)),
        (("fields", "full.name", "concat", 0), (12, 5)),
        (("fields", "full.name", "concat", 1, "value"), (13, 7)),
        (("fields", "full.name", "concat", 2), (14, 5)),
        (("fields", "full.name", "concat", 3), (11, 17)),
        (("fields", "address"), (16, 1)),
        (("fields", "address", "fields", "city"), (16, 16)),
        (("fields", "address", "fields", "zip code"), (17, 16)),
        (("fields", "lines"), (19, 9)),
        (("fields", "lines", "fields", "sku"), (21, 24)),
        (("fields", "lines", "fields", "sku", "apply", 1), (23, 21)),
        (("fields", "lines", "fields", "sku", "fields", "deep"), (24, 10)),
        (("tables", 0), (26, 1)),
        (("tables", 0, "name"), (27, 1)),
        (("tables", 1, "name"), (29, 1)),
        (("tables", 1, "inner"), (30, 9)),
        (("tables", 1, "inner", "x", 1, 1), (32, 2)),
        (("lookups",), None),
        (("lookups", "status", "paid"), None),
        ((), None),
    ],
)
def test_toml(path: tuple[str | int, ...], place: tuple[int, int] | None) -> None:
    assert read_text(TOML, "toml", "orders.toml").where(path) == place
    windows = read_text(TOML.replace("\n", "\r\n"), "toml", "orders.toml")
    assert windows.where(path) == place


@pytest.mark.parametrize(
    ("quotes", "line"),
    [('""""""', 2), ("''''''", 2), ('"""a"""""', 2), ("'''a'''''", 2), ('"""\\""""', 2), ('"""\n"" \\"""\n"""', 4), ('"\\\\"', 2), ('"#"', 2)],
)
def test_toml_texts_are_skipped_whole(quotes: str, line: int) -> None:
    assert read_text(f"a = {quotes}\nb = 1\n", "toml", "x").where(("b",)) == (line, 1)
    assert read_text(f"c = [{quotes}, {quotes}]\nb = 1\n", "toml", "x").where(("b",)) == (2 + 2 * (line - 2), 1)


JSON = """\
{ "$schema": "x", "source": "fields",
  "fields": {
    "id": "id",
    "to\\"tal": {"from": "total_price", "to": "decimal",
      "scale": 2},
    "lines": {"each": "lines", "fields": {"sku": {"from": "sku", "apply": ["strip",
        "upper"]}}}
  },
  "lists": [[], [1, {"a": {}, "b": [true, null, -1.5e3]}], {}, 9]
}"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("source",), (1, 19)),
        (("fields",), (2, 3)),
        (("fields", "id"), (3, 5)),
        (("fields", 'to"tal', "scale"), (5, 7)),
        (("fields", 'to"tal', "rounding"), (4, 5)),
        (("fields", "lines", "fields", "sku", "apply", 1), (7, 9)),
        (("lists", 0), (9, 13)),
        (("lists", 1, 1, "b", 2), (9, 49)),
        (("lists", 2), (9, 60)),
        (("lists", 3), (9, 64)),
        (("lists", 4), (9, 3)),
        (("nothing",), None),
    ],
)
def test_json(path: tuple[str | int, ...], place: tuple[int, int] | None) -> None:
    assert read_text(JSON, "json", "orders.json").where(path) == place


YAML = """\
# yaml-language-server: $schema=mapping.schema.json
source: shop
fields:
  id: id
  total: &money {from: total_price, to: decimal,
                 scale: 2}
  net: *money
  "full name":
    concat:
      - first
      - value: " "
      -
        last
  ? note
  : from: note
    optional: true
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("source",), (2, 1)),
        (("fields", "total"), (5, 3)),
        (("fields", "total", "to"), (5, 37)),
        (("fields", "total", "scale"), (6, 18)),
        (("fields", "net"), (7, 3)),
        (("fields", "net", "scale"), (6, 18)),
        (("fields", "full name", "concat", 0), (10, 9)),
        (("fields", "full name", "concat", 1, "value"), (11, 9)),
        (("fields", "full name", "concat", 2), (13, 9)),
        (("fields", "note", "optional"), (16, 5)),
        (("fields", "note", "to"), (14, 5)),
        (("lookups",), None),
    ],
)
def test_yaml(path: tuple[str | int, ...], place: tuple[int, int] | None) -> None:
    pytest.importorskip("yaml")
    assert read_text(YAML, "yaml", "orders.yaml").where(path) == place


def test_lines_and_columns_are_counted_as_editors_do() -> None:
    assert line_column("ab\ncd\n\u2028e", 0) == (1, 1)
    assert line_column("ab\ncd\n\u2028e", 4) == (2, 2)
    assert line_column("ab\ncd\n\u2028e", 7) == (3, 2)
    pytest.importorskip("yaml")
    # YAML ends lines at more than line feeds; editors do not.
    assert read_text("a: 'x\u2028y'\nb: 1\n", "yaml", "x").where(("b",)) == (2, 1)


def test_the_text_is_looked_through_when_a_line_is_wanted_and_once() -> None:
    looked = []

    def places() -> Place:
        looked.append(1)
        root = Place(0)
        root.child("a", 3)
        return root

    locator = Locator("x\n\na", places)
    assert not looked
    assert locator(("a",)) == locator(("a", "b")) == (3, 1)
    assert looked == [1]


def test_large_files_are_looked_through_in_no_time() -> None:
    names = 5_000
    toml = "[lookups.t]\n" + "".join(f'k{index} = """\nv"""\n' for index in range(names))
    assert read_text(toml, "toml", "x").where(("lookups", "t", f"k{names - 1}")) == (2 * names, 1)
    long = 'a = "' + "\\n" * 200_000 + '"\nb = """' + '""\\"' * 50_000 + '"""\nc = 1\n'
    assert read_text(long, "toml", "x").where(("c",)) == (3, 1)
