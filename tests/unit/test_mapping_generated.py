"""The generated code: what it calls for an ordinary record, how it reads, and what it leaves alone. (That it is right: `tests/properties`.)"""

from __future__ import annotations

import decimal
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Context, Decimal, getcontext, localcontext
from typing import Any

import pytest

from integrakit.errors import MappingError
from integrakit.transform import Mapping

FIELDS: dict[str, Any] = {
    "external_id": {"from": "id", "to": "str"},
    "email": {"from": "customer.email", "apply": ["strip", "lower"]},
    "name": {"concat": ["customer.first", {"value": " "}, "customer.last"]},
    "company": {"coalesce": ["customer.company", {"value": "private"}]},
    "status": {"from": "status", "lookup": "statuses"},
    "currency": {"from": "currency", "default": "EUR"},
    "note": {"from": "note", "optional": True},
    "net": {"sum": "lines", "of": {"multiply": ["price", "quantity", {"subtract": [1, "discount"]}]}, "to": "decimal", "scale": 2},
    "total": {"from": "total", "to": "decimal", "scale": 2},
    "issued": {"from": "created", "to": "date", "timezone": "Europe/Berlin"},
    "updated": {"from": "updated", "to": "datetime", "timezone": "Europe/Berlin"},
    "paid": {"from": "paid", "to": "bool"},
    "count": {"count": "lines"},
    "lines": {"each": "lines", "fields": {"sku": {"from": "sku", "apply": ["strip"]}, "quantity": {"from": "quantity", "to": "int"}}},
}
ORDER = {
    "id": 7,
    "customer": {"email": " A@Shop.Example", "first": "Ann", "last": "Bo", "company": None},
    "status": "paid",
    "total": "12.50",
    "created": "2024-01-31T23:30:00Z",
    "updated": "2024-02-01T10:00:00+01:00",
    "paid": True,
    "lines": [{"sku": "A 1", "price": Decimal("9.80"), "quantity": 3, "discount": Decimal("0.05")}] * 3,
}


def built(fields: dict[str, Any] | None = None, **options: Any) -> Mapping:
    return Mapping({"fields": FIELDS if fields is None else fields, "lookups": {"statuses": {"paid": "PAID"}}}, **options)


def calls(function: Any, *arguments: Any) -> list[str]:
    """The names of the Python functions that a call runs."""
    seen: list[str] = []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: seen.append(frame.f_code.co_name) if event == "call" else None)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    return seen


def test_an_ordinary_record_costs_two_python_calls() -> None:
    mapping = built()
    mapping(ORDER)
    assert calls(mapping, ORDER) == ["__call__", "mapped"]


def test_the_source_reads_like_a_function_by_hand() -> None:
    lines = [line.strip() for line in built().source().splitlines()]
    assert "# 'email'" in lines
    assert any(line.startswith("email_") and line.endswith(".strip().lower()") for line in lines)
    assert any(" * quantity_" in line and " - discount_" in line for line in lines), "arithmetic stands as arithmetic"
    assert sum(line.startswith("'currency': currency_") for line in lines) == 1, "the result is one display"
    assert "Decimal('0.01')" in "\n".join(line for line in lines if line.startswith("# unit")), "constants are told"


def test_names_of_a_mapping_are_names_only_where_they_could_be() -> None:
    fields = {name: name for name in ("class", "a\nb", "Ärger", "x" * 99, "__import__", "type", "record", "UNSET", "0", "k1", "t_1")}
    fields = {name: f'"{path}"' for name, path in fields.items()}
    mapping = built(fields)
    assert mapping(dict.fromkeys(fields, 1)) == dict.fromkeys(fields, 1)
    compile(mapping.source(), "source", "exec")


@pytest.mark.parametrize("optional", [1, 2, 5])
def test_the_order_of_fields_is_kept_whatever_is_missing(optional: int) -> None:
    names = ["a", "b", "c", "d", "e"]
    mapping = built({name: {"from": name, "optional": index >= 5 - optional} for index, name in enumerate(names)})
    full = dict.fromkeys(names, 1)
    for gone in names[5 - optional :]:
        record = {name: value for name, value in full.items() if name != gone}
        assert list(mapping(record)) == list(record)
    assert list(mapping(full)) == names


def test_the_callers_context_is_its_own() -> None:
    mapping = built({"net": FIELDS["net"]})
    with localcontext(Context(prec=3, traps=[])) as context:
        mapping(ORDER)
        assert getcontext() is context
        assert not any(context.flags.values())
        with pytest.raises(MappingError):
            mapping({"lines": [{"price": "much", "quantity": 1, "discount": 0}]})
        assert getcontext() is context


def test_threads_share_a_mapping_and_keep_their_contexts() -> None:
    mapping, before = built({"net": FIELDS["net"]}), sys.getswitchinterval()

    def work(precision: int) -> bool:
        with localcontext(Context(prec=precision)) as context:
            right = all(mapping(ORDER) == {"net": Decimal("83.79")} and getcontext() is context for _ in range(300))
            return right and (Decimal(1) / 3).as_tuple().digits == (3,) * precision

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(2, 18)))
    finally:
        sys.setswitchinterval(before)


def test_a_users_function_runs_in_the_callers_context() -> None:
    seen: list[int] = []

    def watching(value: Any) -> Any:
        seen.append(getcontext().prec)
        return +Decimal(value)

    of = {"multiply": [{"from": "price", "apply": ["watching"]}, "quantity"]}
    mapping = built({"net": {"sum": "lines", "of": of}}, functions={"watching": watching})
    with localcontext(Context(prec=2)):
        assert mapping({"lines": [{"price": "1.239", "quantity": 2}, {"price": 1, "quantity": 1}]}) == {"net": Decimal("3.4")}
    assert seen == [2, 2]


@pytest.mark.parametrize("price", ["1" * 150, "1e120", "1" * 390, Decimal("0E+150"), Decimal("0E-300"), 10**150])
def test_large_and_tiny_numbers_are_as_exact(price: Any) -> None:
    record = {"lines": [{"price": price, "quantity": 1, "discount": 0}, {"price": "0.10", "quantity": 7, "discount": 0}]}
    mapping = built({"net": {"sum": "lines", "of": FIELDS["net"]["of"]}})
    with localcontext(Context(prec=500, traps=[decimal.InvalidOperation])):
        assert mapping(record)["net"].as_tuple() == (Decimal(price) + Decimal("0.70")).as_tuple()
