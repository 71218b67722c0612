"""What people who have read the docs once get wrong, and what the messages tell them: what is wrong, where, and what to write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.money import Money
from integrakit.transform import Mapping

LOOKUPS = {"status": {"paid": "PAID", "Half Paid": "HALF"}}


def mistake(rule: Any, **more: Any) -> str:
    """What is said about the rule of a field."""
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"it": rule}, **more}, name="m")
    return str(caught.value)


def errors(rule: Any, record: Any, **more: Any) -> list[tuple[str, str]]:
    """Path and reason of what does not fit."""
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"it": rule}, **more})(record)
    return [(error.path, error.reason) for error in caught.value.errors]


def mapped(rule: Any, record: Any) -> Any:
    mapping = Mapping({"fields": {"it": rule}})
    result = mapping(record)
    assert mapping._carefully(record) == result
    return result["it"]


# ---------------------------------------------------------------- which place is blamed


@pytest.mark.parametrize(
    ("rule", "record", "path"),
    [
        ({"coalesce": ["a", "b"], "to": "int"}, {"a": None, "b": "x"}, "b"),
        ({"coalesce": ["a", "b"], "to": "int"}, {"b": "x"}, "b"),
        ({"coalesce": ["a", "b"], "to": "int"}, {"a": "x", "b": 1}, "a"),
        ({"coalesce": ["a", {"coalesce": ["b", "c"]}], "to": "int"}, {"c": "x"}, "c"),
        ({"add": [{"coalesce": ["a", "b"]}, 1]}, {"b": "x"}, "b"),
        ({"cases": [{"when": "k == 1", "from": "a"}, {"from": "b"}], "to": "int"}, {"k": 2, "a": 1, "b": "x"}, "b"),
        ({"cases": [{"when": "k == 1", "from": "a"}, {"from": "b"}], "to": "int"}, {"k": 1, "a": "x", "b": 1}, "a"),
        ({"first": "l", "of": "rate", "to": "decimal"}, {"l": [{"rate": "x"}, {"rate": 1}]}, "l[0].rate"),
        ({"last": "l", "where": "k == 1", "of": "rate", "to": "decimal"}, {"l": [{"k": 1, "rate": "x"}, {"k": 2, "rate": 1}]}, "l[0].rate"),
        ({"first": "l", "to": "int"}, {"l": ["x"]}, "l[0]"),
        ({"sum": "l", "of": {"coalesce": ["a", "b"]}}, {"l": [{"a": 1}, {"b": "x"}]}, "l[1].b"),
        ({"values": {"coalesce": ["a", "b"]}, "of": {"from": ".", "to": "int"}}, {"b": ["x"]}, "b[0]"),
        ({"split": {"coalesce": ["a", "b"]}}, {"b": 5}, "b"),
        ({"join": [{"coalesce": ["a", "b"]}], "by": ","}, {"b": {}}, "b"),
    ],
)
def test_the_operand_that_was_taken_is_blamed(rule: Any, record: Any, path: str) -> None:
    assert [found for found, _ in errors(rule, record)] == [path]


def test_where_no_operand_is_there_all_are_named() -> None:
    assert errors({"coalesce": ["a.x", "b", {"value": None}, "c"], "nullable": False}, {}) == [("a.x", "null is not allowed here")]
    assert errors({"coalesce": ["a.x", "b"]}, {}) == [("a.x", "none of the coalesce operands is there: a.x, b")]
    many = [f"k{number}" for number in range(20)]
    assert errors({"coalesce": many}, {})[0][1].endswith("k0, k1, k2, k3, k4, k5, k6, k7, …")
    lines = {"each": "l", "fields": {"x": {"coalesce": ["a", "$.b"]}}}
    assert errors(lines, {"l": [{}]}) == [("l[0].a", "none of the coalesce operands is there: l[0].a, b")]


def test_an_empty_list_is_blamed_for_what_cannot_be_shared_out() -> None:
    rule = {"each": "lines", "fields": {"s": {"share": {"sum": "shipping_lines", "of": "price"}, "scale": 2}}}
    (path, reason), *others = errors(rule, {"lines": [], "shipping_lines": [{"price": 5}]})
    assert (path, others) == ("lines", [])
    assert "the list is empty" in reason


# ---------------------------------------------------------------- constants and lists as paths


@pytest.mark.parametrize("name", ["concat", "coalesce", "list"])
@pytest.mark.parametrize("text", [" ", ", ", " - ", "-", "/", " Ltd", ""])
def test_a_constant_text_among_operands(name: str, text: str) -> None:
    assert f'a constant text is written {{ value = "{text}" }}' in mistake({name: ["a", text, "b"]})


@pytest.mark.parametrize("text", ["1.19", "100", "-1", "0"])
def test_a_number_in_quotes_among_operands(text: str) -> None:
    assert f'fields.it.multiply[1]: "{text}" is a path here: a number is written without quotes, {text} ' in mistake({"multiply": ["a", text]})
    assert "a number is written without quotes" in mistake({"coalesce": ["a", text]})


def test_a_number_in_another_spelling() -> None:
    assert "without quotes, 1.19 (" in mistake({"multiply": ["a", "1,19"]})
    assert "without quotes, 0.19 (" in mistake({"multiply": ["a", "19%"]})
    assert "without quotes, 12.5, for one (" in mistake({"multiply": ["a", "1.000.000"]})


def test_a_key_that_looks_like_a_constant_is_quoted() -> None:
    assert mapped({"multiply": ["a", '"100"']}, {"a": 2, "100": 3}) == 6
    assert mapped({"concat": ["a", '" "', '"-"']}, {"a": "x", " ": "y", "-": "z"}) == "xyz"
    assert mapped("100", {"100": 3}) == 3  # no operand
    back = Mapping({"fields": {"100": {"multiply": ["a", 2]}, "1.19": {"fields": {"5": {"add": ["b", 1]}}}}})
    assert back.inverse()({"100": 6, "1.19": {"5": 3}}) == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"sum": "line_items[].price"}, 'say sum = "line_items", of = "price"'),
        ({"max": "a.lines[*].price"}, 'say max = "a.lines", of = "price"'),
        ({"count": "lines[]"}, 'say count = "lines"'),
        ({"from": "lines[].sku"}, 'say values = "lines", of = "sku"; for objects each = "lines", fields = { … }'),
        ("lines[].sku", 'say values = "lines", of = "sku"'),
        ({"concat": ["lines[].sku"]}, 'say values = "lines", of = "sku"'),
        ({"sum": "orders[].lines[].price"}, 'say sum = { flatten = "orders[].lines[]" }, of = "price"'),
    ],
)
def test_a_path_through_every_item(rule: Any, words: str) -> None:
    assert words in mistake(rule)


def test_what_is_proposed_for_a_path_through_every_item_works() -> None:
    record = {"orders": [{"lines": [{"price": 1}, {"price": 2}]}, {"lines": [{"price": 4}]}]}
    assert mapped({"sum": {"flatten": "orders[].lines[]"}, "of": "price"}, record) == 7
    assert mapped({"values": {"flatten": "orders[].lines[]"}, "of": "price"}, record) == [1, 2, 4]


# ---------------------------------------------------------------- words that are none here


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("source", "from"),
        ("path", "from"),
        ("field", "from"),
        ("key", "from"),
        ("get", "from"),
        ("const", "value"),
        ("constant", "value"),
        ("literal", "value"),
        ("static", "value"),
        ("map", "lookup"),
        ("mapping", "lookup"),
        ("translate", "lookup"),
        ("table", "lookup"),
        ("dict", "lookup"),
        ("condition", "when"),
        ("if", "when"),
        ("type", "to"),
        ("cast", "to"),
        ("convert", "to"),
        ("tz", "timezone"),
        ("zone", "timezone"),
        ("precision", "scale"),
        ("decimals", "scale"),
        ("places", "scale"),
        ("text", "concat"),
        ("template", "concat"),
        ("merge", "concat"),
        ("sep", "by"),
        ("separator", "by"),
        ("delimiter", "by"),
        ("filter", "where"),
        ("switch", "cases"),
        ("case", "cases"),
        ("order", "sort"),
        ("order_by", "sort"),
        ("unique", "distinct"),
        ("foreach", "each"),
        ("for", "each"),
        ("loop", "each"),
        ("fallback", "default"),
        ("else", "default"),
        ("Source", "from"),
        ("form", "from"),
        ("optionl", "optional"),
        ("percision", "scale"),
    ],
)
def test_a_word_for_an_option(word: str, meant: str) -> None:
    assert f"unknown option {word!r}: did you mean {meant!r}?" in mistake({"from": "a", word: "b"})


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("required", "a field is required unless it says optional = true"),
        ("expression", "add, subtract, multiply or divide"),
        ("formula", 'call = "name"'),
        ("trim", 'apply = ["strip"]'),
        ("zzz", "known are from, value"),
        ("expresion", "add, subtract, multiply or divide"),
    ],
)
def test_a_word_with_an_answer_of_its_own(word: str, words: str) -> None:
    message = mistake({"from": "a", word: True})
    assert words in message
    assert "did you mean" not in message


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("number", "decimal"),
        ("numeric", "decimal"),
        ("amount", "decimal"),
        ("string", "str"),
        ("text", "str"),
        ("integer", "int"),
        ("boolean", "bool"),
        ("timestamp", "datetime"),
        ("percent", "decimal"),
        ("decmal", "decimal"),
    ],
)
def test_a_word_for_a_type(word: str, meant: str) -> None:
    assert f"unknown type {word!r} in to: did you mean {meant!r}?" in mistake({"from": "a", "to": word})


def test_other_words() -> None:
    assert "did you mean 'strip'" in mistake({"from": "a", "apply": ["trim"]})
    assert 'a type is said as to = "int"' in mistake({"from": "a", "apply": ["int"]})
    assert "unknown entry 'mapping': did you mean 'fields'?" in mistake("a", mapping={})
    assert "lookup: is the name of a table, and the table itself stands in [lookups.name]" in mistake({"from": "a", "lookup": {"a": "A"}})
    assert "to = 'str'" not in mistake({"from": "a", "zone": "x"})


def test_no_synonym_is_a_word_of_the_grammar() -> None:
    from integrakit.transform.cleaning import BUILT_IN
    from integrakit.transform.conversions import CONVERSIONS
    from integrakit.transform.grammar import ALL, HEADINGS
    from integrakit.transform.synonyms import ENTRIES, FUNCTIONS, OPTIONS, TYPES

    for words, known in ((OPTIONS, ALL), (ENTRIES, HEADINGS), (TYPES, tuple(CONVERSIONS)), (FUNCTIONS, BUILT_IN)):
        assert not words.keys() & set(known)
        for answer in words.values():
            if answer.startswith("did you mean"):
                assert answer.split("'")[1] in known


def test_a_dotted_name() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Mapping.loads('[fields]\ncustomer.email = "x"\n', name="m.toml")
    message = str(caught.value)
    assert message.startswith("m.toml:2: fields.customer: unknown option 'email': ")
    assert '"customer.email" = …' in message
    assert "customer = { fields = { email = … } }" in message


# ---------------------------------------------------------------- lines, and all of them


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('to = "decmal"', "fields.total: unknown type 'decmal'"),
        ('apply = ["stripp"]', "fields.total: unknown function"),
        ('to = "decimal"\n#\nrounding = "half-up"', "fields.total: rounding needs a scale"),
        ('to = "date"\n#\ntimezone = "Europe/Berln"', "fields.total: unknown timezone"),
        ("#\n#\nscale = 2", "fields.total: scale belongs to"),
        ('to = "int"\n#\ndefault = "x"', "fields.total: default does not fit"),
        ('optional = "yes"', "fields.total: optional is true or false"),
        ('null_values = "x"', "fields.total: null_values is a list"),
    ],
)
def test_the_line_of_an_option(line: str, words: str) -> None:
    text = f'[fields.total]\nfrom = "a"\n{line}\n'
    with pytest.raises(ConfigurationError) as caught:
        Mapping.loads(text, name="m.toml")
    place = 3 + line.count("\n")
    assert str(caught.value).startswith(f"m.toml:{place}: {words}")


def test_every_field_that_is_wrong_is_named() -> None:
    text = '[fields]\na = { form = "a" }\nb = "b"\nc = { from = "c", to = "nope" }\nd = { fields = { x = 5, y = "y", z = "" } }\n'
    with pytest.raises(ConfigurationError) as caught:
        Mapping.loads(text, name="m.toml")
    lines = str(caught.value).splitlines()
    assert [line[:17] for line in lines] == ["m.toml:2: fields.", "m.toml:4: fields.", "m.toml:5: fields.", "m.toml:5: fields."]
    assert "fields.d.fields.x" in lines[2]
    assert "fields.d.fields.z" in lines[3]


def test_at_most_twenty_mistakes_are_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {f"f{number}": {"form": "a"} for number in range(1000)}})
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "… and there may be more"


# ---------------------------------------------------------------- scale


def test_a_missing_scale() -> None:
    assert "residue needs scale, the number of digits after the point: scale = 2" in mistake({"residue": "l", "of": "a"})
    message = mistake({"each": "l", "fields": {"s": {"share": "$.a"}}})
    assert "share needs scale" in message
    assert 'to = "money" needs none' in message
    assert "scale is a number of digits after the point, 0 to 100, not '2'" in mistake({"residue": "l", "of": "a", "scale": "2"})


def test_money_is_shared_without_a_scale() -> None:
    rule = {"each": "l", "fields": {"s": {"share": {"from": "a", "to": "money", "currency": "EUR"}}}}
    shares = [line["s"] for line in mapped(rule, {"a": "10.00", "l": [{}, {}, {}]})]
    assert sum(share.amount for share in shares) == 10
    assert shares[0] == Money(Decimal("3.34"), "EUR")
    assert [line["s"].amount for line in mapped(rule, {"a": 0, "l": [{}, {}]})] == [0, 0]


# ---------------------------------------------------------------- keys that were meant


def test_a_key_that_was_meant() -> None:
    assert errors("totl_price", {"total_price": 1}) == [("totl_price", "is missing: did you mean total_price?")]
    assert errors("total_price", {"TotalPrice": 1}) == [("total_price", "is missing: did you mean TotalPrice?")]
    assert errors("customer.emial", {"customer": {"email": "x"}}) == [("customer.emial", "is missing: did you mean email?")]
    assert errors("unit price", {"unit.price": 1}) == [("unit price", 'is missing: did you mean "unit.price"?')]
    assert errors("total", {"note": "total_price", 5: 1}) == [("total", "is missing")]
    lines = {"each": "lines", "fields": {"c": "currency"}}
    assert errors(lines, {"currency": "EUR", "lines": [{"x": 1}]}) == [
        ("lines[0].currency", "is missing: did you mean $.currency, which is read from the whole record?")
    ]


def test_hints_are_bounded() -> None:
    wide = {f"k{number}": number for number in range(100_000)}
    assert errors("k_100001", wide)[0][0] == "k_100001"
    lines = {"lines": [{"total_pric": 1, f"x{number}": 2} for number in range(5000)]}
    found = errors({"each": "lines", "fields": {"p": "total_price"}}, lines)
    assert found[0] == ("lines[0].total_price", "is missing: did you mean total_pric?")
    assert len(found) == 1000


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("Paid", "'Paid' is not in lookup 'status', and 'paid' is: apply = [\"lower\"] finds it, or ignore_case = true in [tables.status]"),
        ("half paid", "'half paid' is not in lookup 'status', and 'Half Paid' is: apply = [\"title\"] finds it, or ignore_case"),
        (" paid", "'paid' is: apply = [\"strip\"] takes blanks away"),
    ],
)
def test_an_entry_that_was_meant(value: str, words: str) -> None:
    assert words in errors({"from": "a", "lookup": "status"}, {"a": value}, lookups=LOOKUPS)[0][1]


def test_an_entry_that_is_another_one() -> None:
    assert errors({"from": "a", "lookup": "status"}, {"a": "open"}, lookups=LOOKUPS)[0][1] == "'open' is not in lookup 'status'"


# ---------------------------------------------------------------- blanks


@pytest.mark.parametrize(
    "rule",
    [
        {"from": "a", "to": "decimal", "scale": 2},
        {"from": "a", "to": "decimal", "decimal_mark": ","},
        {"from": "a", "to": "int"},
        {"from": "a", "to": "int", "group_mark": ","},
        {"from": "a", "to": "float"},
        {"from": "a", "to": "money", "currency": "EUR"},
        {"from": "a", "to": "minor", "currency": "EUR"},
        {"add": ["a", 1]},
        {"from": "a", "to": "bool"},
        {"from": "a", "to": "date"},
    ],
)
@pytest.mark.parametrize("text", ["", "  "])
def test_a_blank_cell(rule: Any, text: str) -> None:
    ((_, reason),) = errors(rule, {"a": text})
    assert f"'{text}' is blank" in reason
    assert 'apply = ["blank_to_null"] makes it null' in reason


# ---------------------------------------------------------------- the way back


def test_a_field_that_is_left_out_of_the_way_back() -> None:
    fields = {"id": "id", "name": {"concat": ["first", {"value": " "}, "last"], "back": "none"}}
    assert Mapping({"fields": fields}).inverse()({"id": 7, "name": "A B"}) == {"id": 7}
    assert "none" in Mapping({"fields": fields}).document()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"concat": ["a", "b"], "back": "keep"}, "concat has no way back, because several values may have made the same one"),
        ({"concat": ["a", "b"]}, 'made the same one: back = "none" leaves it out'),
        ({"each": {"flatten": "a[].b[]"}, "fields": {"x": "x"}}, "each has a way back where it stands at a path, and this one stands at a rule"),
        ({"coalesce": ["a", "b"]}, "coalesce has no way back"),
        ({"split": "a", "by": ","}, "split has no way back"),
    ],
)
def test_why_there_is_no_way_back(rule: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"it": rule, "id": "id"}}).inverse()
    assert words in str(caught.value)


# ---------------------------------------------------------------- what goes with what


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"fields": {"x": "x"}, "default": 1}, "default has no meaning beside fields: the object is always there; say it at the fields inside"),
        ({"fields": {"x": "x"}, "optional": True}, "optional has no meaning beside fields: the object is always there"),
        ({"value": 1, "optional": True}, "optional has no meaning beside value: it is always there"),
        ({"from": "a", "fields": {"x": "x"}, "to": "int"}, "to has no meaning beside fields: it belongs to a field inside"),
        ({"from": "a", "each": "b", "fields": {"x": "x"}}, "from and each exclude each other"),
        ({"concat": [{"fields": {"x": "x"}}]}, "fields make a whole field, not an operand"),
        ({"concat": [{"each": "l", "fields": {"x": "x"}}]}, "each and fields make a whole field, not an operand"),
    ],
)
def test_what_does_not_go_together(rule: Any, words: str) -> None:
    message = mistake(rule)
    assert words in message
    assert "fields and fields" not in message


def test_a_code_of_one_length() -> None:
    assert "of 2 characters, not 'DEU'" in mistake({"from": "a", "to": "phone", "region": "DEU"})


# ---------------------------------------------------------------- items that are no objects


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"n": {"position": 1}}, [{"n": 1}, {"n": 2}, {"n": 3}]),
        ({"tag": "."}, [{"tag": 1}, {"tag": None}, {"tag": "x"}]),
        ({"n": {"position": 1}, "who": "$.id"}, [{"n": number, "who": 7} for number in (1, 2, 3)]),
    ],
)
def test_items_that_are_no_objects(fields: Any, expected: Any) -> None:
    assert mapped({"each": "l", "fields": fields}, {"id": 7, "l": [1, None, "x"]}) == expected


def test_items_that_have_to_be_objects() -> None:
    assert errors({"each": "l", "fields": {"n": {"position": 1}, "a": {"from": "a", "optional": True}}}, {"l": [{}, 1]}) == [
        ("l[1]", "an int stands where an object is wanted")
    ]


def test_one_thing_that_is_wrong_is_told_once() -> None:
    fields = {"customer": {"fields": {"email": "customer.email", "city": "customer.city"}}, "mail": "customer.email"}
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": fields})({"customer": "Bob"})
    told = [str(error) for error in caught.value.errors]
    assert len(told) == len(set(told))


def test_two_operands_below_one_wrong_thing() -> None:
    rule = {"concat": ["customer.first", {"value": " "}, "customer.last"]}
    assert errors(rule, {"customer": "Bob"}) == [("customer", "a str stands where an object is wanted")]
