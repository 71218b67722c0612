"""Mapping files: TOML, JSON and YAML give the same tree; whatever else a file holds is an error that names file, line and entry."""

from __future__ import annotations

import importlib.resources
import os
import re
import sys
import time
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.transform import Mapping
from integrakit.transform.loading import Loaded, read_mapping, read_text
from integrakit.transform.tree import content_hash, place_name, plain_tree

TOML = """\
source = "shop.orders"
[fields]
id = "id"
total = { multiply = ["price", 1.10, 3], to = "decimal", scale = 2 }
paid = { from = "paid", default = true, to = "bool" }
[lookups.country]
NO = "Norway"
1 = "one"
"""
JSON = """\
{"$schema": "mapping.schema.json",
 "source": "shop.orders",
 "fields": {"id": "id", "total": {"multiply": ["price", 1.10, 3], "to": "decimal", "scale": 2},
            "paid": {"from": "paid", "default": true, "to": "bool"}},
 "lookups": {"country": {"NO": "Norway", "1": "one"}}}
"""
YAML = """\
# yaml-language-server: $schema=mapping.schema.json
source: shop.orders
fields:
  id: id
  total: {multiply: [price, 1.10, 3], to: decimal, scale: 2}
  paid:
    from: paid
    default: true
    to: bool
lookups:
  country:
    NO: Norway
    1: one
"""
TREE = {
    "source": "shop.orders",
    "fields": {
        "id": "id",
        "total": {"multiply": ["price", Decimal("1.10"), 3], "to": "decimal", "scale": 2},
        "paid": {"from": "paid", "default": True, "to": "bool"},
    },
    "lookups": {"country": {"NO": "Norway", "1": "one"}},
}


def tree(text: str, format: str) -> Any:
    loaded = read_text(text, format, f"orders.{format}")
    return plain_tree(loaded.tree, loaded.name, loaded.where)


def mistake(text: str, format: str) -> str:
    """What is said about a text; said in no time, whatever it is."""
    began = time.perf_counter()
    with pytest.raises(ConfigurationError) as caught:
        tree(text, format)
    assert time.perf_counter() - began < 10
    message = str(caught.value)
    assert len(message) < 1000
    message.encode()
    assert "\n" not in message
    return message


# ---------------------------------------------------------------- the three formats


@pytest.mark.parametrize(("text", "format"), [(TOML, "toml"), (JSON, "json"), (YAML, "yaml")])
def test_the_same_mapping_in_three_formats(text: str, format: str, tmp_path: Path) -> None:
    if format == "yaml":
        pytest.importorskip("yaml")
    assert tree(text, format) == TREE
    assert repr(tree(text, format)["fields"]["total"]["multiply"][1]) == "Decimal('1.10')"
    for suffix in {"toml": [".toml", ".TOML"], "json": [".json"], "yaml": [".yaml", ".yml"]}[format]:
        path = tmp_path / f"orders{suffix}"
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        loaded = read_mapping(path)
        assert (loaded.name, plain_tree(loaded.tree, loaded.name)) == (str(path), TREE)
        assert content_hash(plain_tree(loaded.tree, loaded.name)) == content_hash(TREE)
    assert read_text("\ufeff" + text, format, "x").where(("source",)) is not None


@pytest.mark.parametrize("suffix", [".toml", ".json", ".yaml"])
def test_a_mapping_is_loaded_and_maps(suffix: str, tmp_path: Path) -> None:
    if suffix == ".yaml":
        pytest.importorskip("yaml")
    path = tmp_path / f"orders{suffix}"
    path.write_text({".toml": TOML, ".json": JSON, ".yaml": YAML}[suffix], encoding="utf-8")
    mapping = Mapping.load(path)
    assert mapping({"id": 7, "price": "2.00"}) == {"id": 7, "total": Decimal("6.60"), "paid": True}
    assert mapping.version == Mapping(TREE).version


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("orders.toml", '[fields]\nid = "id"\n\ntotal = { from = "total", roundin = "half-up" }\n', 4),
        ("orders.json", '{"fields": {\n "id": "id",\n "total": {"from": "total",\n   "roundin": "half-up"}}}', 4),
        ("orders.yaml", "fields:\n  id: id\n  total:\n    from: total\n    roundin: half-up\n", 5),
    ],
)
def test_a_mistake_in_a_rule_names_file_line_and_field(name: str, text: str, line: int, tmp_path: Path) -> None:
    if name.endswith("yaml"):
        pytest.importorskip("yaml")
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        Mapping.load(path)
    assert str(caught.value) == f"{path}:{line}: fields.total: unknown option 'roundin': did you mean 'rounding'?"


def test_the_line_for_editors_is_no_part_of_the_mapping() -> None:
    assert plain_tree({"$schema": "x", "fields": {"$schema": "x"}}, "m") == {"fields": {"$schema": "x"}}


# ---------------------------------------------------------------- files


def test_names_that_were_perhaps_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orders.toml").write_text(TOML)
    (tmp_path / "customers.yaml").write_text("")
    (tmp_path / "other.txt").write_text("")

    def said(path: Any) -> str:
        with pytest.raises(ConfigurationError) as caught:
            read_mapping(path)
        return str(caught.value)

    assert said(tmp_path / "order.toml").endswith("cannot be read: there is no such file: did you mean 'orders.toml'?")
    assert said(tmp_path / "orders.yaml").endswith("did you mean 'orders.toml'?")
    assert said(tmp_path / "orders").endswith("did you mean 'orders.toml'?")
    assert said(tmp_path / "zzz.toml").endswith("there is no such file")
    assert said(tmp_path / "maps" / "orders.toml").endswith(f"there is no folder {str(tmp_path / 'maps')!r}")
    assert said(tmp_path).endswith("it is a folder: name the file in it: there are customers.yaml, orders.toml")
    assert "customers.yaml" not in said(tmp_path / "other.txt")
    assert said(tmp_path / "other.txt").endswith("other.txt: a mapping file ends in .toml, .json, .yaml or .yml, not '.txt'")
    assert said(str(tmp_path / "orders.toml") + "\0").count("cannot be read") == 1
    assert said("x" * 5000 + ".toml").count("cannot be read") == 1
    monkeypatch.chdir(tmp_path)
    assert said("order.toml").endswith(f"did you mean 'orders.toml'? (looked for in {tmp_path})")
    assert read_mapping("orders.toml").name == "orders.toml"


@pytest.mark.parametrize("source", [None, 5, b"orders.toml", {"fields": {"a": "a"}}, ["orders.toml"], os.fsencode("x.toml")])
def test_what_is_no_path(source: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"path of a file|path is text"):
        read_mapping(source)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "orders.toml")
    with pytest.raises(ConfigurationError, match="it is not a plain file"):
        read_mapping(tmp_path / "orders.toml")


def test_a_resource_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("shop_maps/__init__.py", "")
        bundle.writestr("shop_maps/orders.toml", TOML)
    (tmp_path / "book_maps").mkdir()
    (tmp_path / "book_maps" / "__init__.py").write_text("")
    (tmp_path / "book_maps" / "orders.json").write_text(JSON)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "bundle.zip")
    zipped = read_mapping(importlib.resources.files("shop_maps") / "orders.toml")
    assert (zipped.name, plain_tree(zipped.tree, zipped.name), zipped.where(("fields",))) == ("orders.toml", TREE, (2, 2))
    in_folder = read_mapping(importlib.resources.files("book_maps") / "orders.json")
    assert plain_tree(in_folder.tree, in_folder.name) == TREE
    with pytest.raises(ConfigurationError, match=r"the mapping file 'order\.toml' cannot be read"):
        read_mapping(importlib.resources.files("shop_maps") / "order.toml")
    for name in ("shop_maps", "book_maps"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "format", "words"), [(TOML, "tomll", "did you mean 'toml'"), (TOML, "ini", "known are toml, json, yaml"), (b"", "toml", "a str")]
)
def test_a_text_in_an_unknown_format(text: Any, format: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_text(text, format, "orders")


def test_without_pyyaml_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "integrakit.transform.locating.yaml", raising=False)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigurationError, match=re.escape('pip install "integrakit[yaml]"')):
        read_text(YAML, "yaml", "orders.yaml")
    assert isinstance(read_text(TOML, "toml", "orders.toml"), Loaded)


# ---------------------------------------------------------------- broken texts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "orders.toml: fields: is missing: the file is empty"),
        (" \n\n", "orders.toml: fields: is missing: the file is empty"),
        ("[fields]\na = 'b'\nb = = 2\n", "orders.toml:3:5: not valid TOML: Invalid value (at line 3, column 5): 'b = = 2'"),
        ("[fields]\na = 'b'\na = 'c'\n", "orders.toml:3: fields.a: is there twice, first in line 2"),
        ("[fields]\na = 'b'\n[fields]\nc = 'd'\n", "orders.toml:3: fields: is there twice, first in line 1"),
        ("[fields]\na = { from = 'b', to = 'int', from = 'c' }\n", "orders.toml:2: fields.a.from: is there twice, first in line 2"),
        ("[fields]\n[fields.a]\nfrom = 'b'\n[fields.a]\nto = 'c'\n", "orders.toml:4: fields.a: is there twice, first in line 2"),
        ("[fields]\na = 'b", "orders.toml:2:7: not valid TOML: "),
        ("[fields]\na = { value = nan }\n", "orders.toml:2: fields.a.value: nan is not a number a mapping can use"),
        ("[fields]\na = { value = 1e99999999999999999999 }\n", "orders.toml:2: fields.a.value: inf is not a number"),
        ("[fields]\na = { value = 1e-99999999999999999999 }\n", "orders.toml:2: fields.a.value: inf is not a number"),
        ("[fields]\n\na = { value = " + "9" * 5000 + " }\n", "orders.toml:3:15: not valid TOML: a number of thousands of digits"),
        ("[fields]\n\na = { value = " + "9" * 1001 + " }\n", "orders.toml:3: fields.a.value: a number of more than 1000 digits"),
        ("[fields]\n\na = { value = 0x" + "9" * 100_000 + " }\n", "orders.toml:3: fields.a.value: a number of more than 1000 digits"),
        ("[fields]\n\na = { value = 0." + "9" * 100_000 + " }\n", "orders.toml:3: fields.a.value: a number of more than 1000 digits"),
        ("[fields]\na = 'x\0'\n", "orders.toml:2:7: not valid TOML: "),
        ('[fields]\na = "\\ud800"\n', "orders.toml:2:"),
        ("[fields]\n" + "k" * 100_000 + " = 'x'\n", "orders.toml:2: fields.kkk"),
        ("[fields]\na = " + "[" * 9_000_000, "orders.toml:2:5: not valid TOML: nested too deeply"),
        ("[fields]\na = " + "[" * 100 + "]" * 100, "orders.toml:2: fields.a[0][0]"),
        ("[fields]\na = " + "[\n" * 5_000, "orders.toml:2:5: not valid TOML: nested too deeply"),
        ("[fields]\na = " + "{ a = " * 10_000, "orders.toml:2:5: not valid TOML: nested too deeply"),
        ("[fields]\n" + "a." * 1_000_000 + "a = 1", "orders.toml:2:80: not valid TOML: nested too deeply"),
        ("[" + "'a' . \"b\"." * 500_000 + "a]\n" + "k = 1\n" * 100_000, "orders.toml:1:"),
        ("[[" + "a." * 60 + "a]]", "orders.toml:1:"),
    ],
)
def test_broken_toml(text: str, said: str) -> None:
    assert said in mistake(text, "toml")


def test_many_dots_in_a_text_are_no_key() -> None:
    dots = ".".join(["a"] * 60)
    assert tree(f"[fields]\na = '{dots}'\nb = {{ from = \"{dots}\" }} # {dots}.\n", "toml")["fields"]["a"] == dots


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "orders.json: fields: is missing: the file is empty"),
        ("[1]", "orders.json:1: a mapping is a table with an entry 'fields' at the top, not a list"),
        ("null", "not null"),
        ('"fields"', "not 'fields'"),
        ('{"fields": {\n"a": "b",\n}}', "orders.json:3:1: not valid JSON: "),
        ('{"fields": {\n"a": "b"\n"c": "d"}}', "orders.json:3:1: not valid JSON: Expecting ',' delimiter (at line 3, column 1): '\"c\": \"d\"}}'"),
        ('{\n// a comment\n"fields": {}}', "JSON has no comments (at line 2, column 1): '// a comment'"),
        ('{"fields": {"a": "b",\n"a": "c"}}', "orders.json:2: fields.a: is there twice, first in line 1"),
        ('{"fields": {"a": [\n{"x": 1, "y": 2}, {"x": 1,\n"x": 2}]}}', "orders.json:3: fields.a[1].x: is there twice, first in line 2"),
        ('{"fields": {}, "\\u0066ields": {}}', "orders.json:1: fields: is there twice"),
        ('{"fields": {\n"a": {"value": NaN}}}', "orders.json:2: fields.a.value: nan is not a number a mapping can use"),
        ('{"fields": {\n"a": {"value": -Infinity}}}', "orders.json:2: fields.a.value: -inf is not a number a mapping can use"),
        ('{"fields": {\n"a": {"value": 1e99999999999999999999}}}', "orders.json:2: fields.a.value: inf is not a number"),
        ('{"fields": {\n"a": {"value": ' + "9" * 100_000 + "}}}", "orders.json:2: fields.a.value: a number of more than 1000 digits"),
        ('{"fields": {\n"a": "\\udc00x"}}', "orders.json:2: fields.a: U+DC00 is half of a character"),
        ('{"fields": {\n"\\ud800": "a"}}', "orders.json:2: fields.\\ud800: U+D800 is half of a character"),
        ('{"fields": {"a": "\0"}}', "orders.json:1:19: not valid JSON: Invalid control character"),
        ("[" * 9_000_000, "nested too deeply"),
        ('{"a":' * 10_000, "nested too deeply"),
        ('{"fields":' + "[" * 10_000 + "]" * 10_000 + "}", "nested too deeply"),
        ('{"fields":' + "[" * 100 + "]" * 100 + "}", "orders.json:1: fields[0][0]"),
    ],
)
def test_broken_json(text: str, said: str) -> None:
    assert said in mistake(text, "json")


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "orders.yaml: fields: is missing: the file is empty"),
        ("# only this\n", "orders.yaml: fields: is missing: the file holds no entry"),
        ("- a\n", "orders.yaml:1: a mapping is a table"),
        ("fields:\n  a: b: c\n", "orders.yaml:2:7: not valid YAML: mapping values are not allowed here (at line 2, column 7): 'a: b: c'"),
        ("fields:\n\t- b\n", "orders.yaml:2:1: not valid YAML: "),
        ("fields: [b\n", "orders.yaml:2:1: not valid YAML: while parsing a flow sequence, expected ',' or ']'"),
        ("fields:\n  a: b\n  c: d\n  a: e\n", "orders.yaml:4: fields.a: is there twice, first in line 2"),
        ("lookups:\n  t:\n    1: one\n    '1': one\n", "orders.yaml:4: lookups.t.1: is there twice, first in line 3"),
        ("fields: {}\n---\nfields: {}\n", "orders.yaml:2:1: not valid YAML: a second document begins"),
        ("fields:\n  a: {value: 012}\n", "orders.yaml:2: fields.a.value: 012 is one number in YAML 1.1, another in YAML 1.2"),
        ("fields:\n  a: {value: .NaN}\n", "orders.yaml:2: fields.a.value: nan is not a number a mapping can use"),
        ("fields:\n  a: {value: -.inf}\n", "orders.yaml:2: fields.a.value: -inf is not a number a mapping can use"),
        ("fields:\n  a: {value: 1e99999999999999999999}\n", "orders.yaml:2: fields.a.value: inf is not a number"),
        ("fields:\n  a: {value: 0x" + "9" * 100_000 + "}\n", "orders.yaml:2: fields.a.value: a number of more than 1000 digits"),
        ("fields:\n  a: !!python/object/apply:os.system [exit]\n", "the tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("fields:\n  a: !!python/name:os.system ''\n", "orders.yaml:2: fields.a: the tag"),
        ("!!python/object/new:os.system\nfields: {}\n", "orders.yaml:1:1: not valid YAML: the tag"),
        ("fields:\n  a: !secret x\n", "orders.yaml:2: fields.a: the tag '!secret': a mapping holds plain values only"),
        ("fields:\n  !!int a: x\n", "orders.yaml:2: fields: a name must be text"),
        ("fields:\n  ? [a]\n  : x\n", "orders.yaml:2: fields: a name must be text"),
        ("fields:\n  ?\n  : x\n", "fields: a name is missing before the colon"),
        ("fields: {b: &k x, *k : y}\n", "orders.yaml:1: fields: a name must be text, not an alias"),
        ("fields:\n  a: *nowhere\n", "orders.yaml:2: fields.a: *nowhere stands for nothing"),
        ("fields:\n  a: &a [*a]\n", "orders.yaml:2: fields.a[0]: *a is inside of what it stands for"),
        ("fields:\n  a: &a {to: int}\n  b:\n    <<: *a\n", "orders.yaml:4: fields.b: << merges tables in YAML 1.1 only"),
        (LAUGHS, "aliases stand for too many values"),
        ('fields:\n  a: "\\ud800"\n', "orders.yaml:2: fields.a: U+D800 is half of a character"),
        ('fields:\n  a: "\\UFFFFFFFF"\n', "orders.yaml:2:7: not valid YAML: an escape beyond Unicode"),
        ("fields:\n  a: 'x\0'\n", "orders.yaml:2:8: not valid YAML: a character that YAML does not allow: U+0000"),
        ("fields: " + "[" * 300_000, "orders.yaml:1:73: not valid YAML: nested too deeply"),
        ("[" * 9_000_000, "orders.yaml: more than 1000000 bytes are too many"),
        ("- " * 100_000, "nested too deeply"),
        ("".join(" " * level + "a:\n" for level in range(1000)), "nested too deeply"),
        ("{" * 100_000, "a name must be text"),
        ("a" * 300_000, "orders.yaml:1: a mapping is a table"),
    ],
)
def test_broken_yaml(text: str, said: str) -> None:
    pytest.importorskip("yaml")
    assert said in mistake(text, "yaml")


def test_yaml_is_read_by_the_core_schema() -> None:
    pytest.importorskip("yaml")
    values = tree(
        "fields: {a: no, b: Yes, c: on, d: 1:30, e: 2024-01-31, f: 1_000, g: .5, h: 1e3, i: 0x1F, j: 0o17, k: ~, l: , m: True, n: -7, o: '5',"
        " p: !!str 5, q: 3., r: +2, s: NULL, t: nan, u: =, v: 0, w: 0.10, x: 1.2.3, y: y, z: 007x, é: '012', α: !!str 012}",
        "yaml",
    )["fields"]
    assert "".join(values) == "abcdefghijklmnopqrstuvwxyzéα"
    assert list(values.values()) == [
        *("no", "Yes", "on", "1:30", "2024-01-31", "1_000", Decimal("0.5"), 1000, 31, 15, None, None, True, -7, "5", "5"),
        *(3, 2, None, "nan", "=", 0, Decimal("0.1"), "1.2.3", "y", "007x", "012", "012"),
    ]
    assert repr(values["w"]) == "Decimal('0.10')"


def test_names_in_yaml_are_the_text_that_stands_there() -> None:
    pytest.importorskip("yaml")
    text = "lookups: {c: {NO: 1, no: 2, on: 3, true: 4, True: 5, 012: 6, 12: 7, 1.0: 8, ~: 9, null: a, 2024-01-31: b, 1:30: c, '': d, '<<': e}}"
    names = tree(text, "yaml")["lookups"]["c"]
    assert list(names) == [
        "NO",
        "no",
        "on",
        "true",
        "True",
        "012",
        "12",
        "1.0",
        "~",
        "null",
        "2024-01-31",
        "1:30",
        "",
        "<<",
    ]


def test_aliases_in_yaml_stand_for_whole_values() -> None:
    pytest.importorskip("yaml")
    values = tree("fields:\n  a: &x {from: a, apply: &chain [strip]}\n  b: *x\n  c: {from: &t t, apply: *chain}\n  d: *t\n", "yaml")["fields"]
    rule = {"from": "a", "apply": ["strip"]}
    assert values == {"a": rule, "b": rule, "c": {"from": "t", "apply": ["strip"]}, "d": "t"}
    assert values["a"] is not values["b"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[fields]\na = '\xe9'\n", "orders.toml:2: a mapping file is UTF-8 text, and byte 0xe9 is not: save it as UTF-8"),
        (b"[fields]\na = '\xed\xa0\x80'\n", "orders.toml:2: a mapping file is UTF-8 text"),
        ("[fields]".encode("utf-16"), "orders.toml: a mapping file is UTF-8 text, and this is UTF-16: save it as UTF-8"),
        (b"#" * 10_000_001, "orders.toml: more than 10000000 bytes are too many"),
        (b"\xef\xbb\xbf", "orders.toml: fields: is missing: the file is empty"),
        (b"\0" * 1000, "orders.toml:1:1: not valid TOML"),
        (bytes(range(256)) * 100, "orders.toml:"),
    ],
)
def test_files_that_are_no_text(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError) as caught:
        read_mapping(path)
    assert str(caught.value).startswith(f"{tmp_path}{os.sep}{said}")


# ---------------------------------------------------------------- trees


def test_names_with_two_underscores_are_names() -> None:
    names = {"__class__": "a", "__init__": "b", "__proto__": "c", "constructor": "d"}
    assert tree("[fields]\n" + "".join(f"{name} = '{value}'\n" for name, value in names.items()), "toml") == {"fields": names}


def test_a_tree_of_python_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.transform.tree._MOST_ENTRIES", 20_000)  # the real one takes seconds to reach
    bomb: Any = ["x"]
    for _ in range(30):
        bomb = [bomb] * 10
    circle: list[Any] = []
    circle.append(circle)
    for value, said in [
        (bomb, "more than 20000 entries are too many"),
        (circle, "nested too deeply"),
        (10**5000, "a number of more than 1000 digits"),
        (Decimal("9" * 1001), "a number of more than 1000 digits"),
        ({"x" * 1001: 1}, "a name of 1001 characters is too long"),
        (float("nan"), "nan is not a number"),
        (object(), "a object cannot be part"),
    ]:
        with pytest.raises(ConfigurationError, match=said) as caught:
            plain_tree({"fields": {"a": value}}, "m", lambda path: (len(path), 1))
        assert re.match(r"m:\d+: fields\.a", str(caught.value))
    assert plain_tree({"a": 10**1000 - 1, "b": -(10**999)}, "m") == {"a": 10**1000 - 1, "b": -(10**999)}


def test_places_are_named_in_one_line() -> None:
    assert place_name(()) == "the mapping"
    assert place_name(("fields", "a b", "add", 1, "x.y", "from")) == 'fields.a b.add[1]."x.y".from'
    assert place_name(("a\nb", "\ud800", "é" * 100)) == "a\\nb.\\ud800." + "é" * 59 + "…"
