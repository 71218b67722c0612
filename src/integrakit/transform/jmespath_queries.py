"""Expressions of JMESPath, compiled and run exactly. The one place that imports jmespath.

The library does its arithmetic and comparisons on floats. Here numbers compare by value, a float as its shortest text, and sums are exact decimals
or an error; functions take Decimals. Everything else is as https://jmespath.org/specification.html says. A record's own classes are never asked for
anything: only dicts and lists are walked.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import date, time
from decimal import Decimal
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.transform.exact import number, operations, plain_text, shortest_number
from integrakit.transform.jmespath_places import places
from integrakit.transform.misfit import Misfit, article
from integrakit.transform.rules import Place
from integrakit.transform.wording import did_you_mean
from integrakit.unset import UNSET

try:
    import jmespath
    from jmespath.exceptions import JMESPathTypeError, LexerError, ParseError
    from jmespath.functions import Functions, signature
    from jmespath.visitor import Options, TreeInterpreter
except ImportError as problem:
    raise ConfigurationError('jmespath = "…" in a mapping needs the library: pip install "integrakit[jmespath]"') from problem

__all__ = ["compiled"]

_LONGEST = 10_000
# Times that an expression may put what it is given into what it makes: [@, @] | [@, @] | … doubles it with each step.
_MOST_COPIES = 100_000
_ADDED_UP = ("multi_select_list", "multi_select_dict", "or_expression", "and_expression", "comparator")
_ORDERS = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}


def compiled(text: str, take: Callable[[Any], Any]) -> tuple[Callable[[Any], Any], tuple[tuple[Place, bool], ...]]:
    """``(run, sources)``. ``take`` makes an exact number of what is added up. Raises ValueError for a mistake in the expression."""
    tree = _parsed(text)
    for node in _nodes(tree):
        if node["type"] == "function_expression":
            _check_function(node)
    interpreter = _Interpreter(Options(custom_functions=_Functions(take)))

    def run(scope: Any) -> Any:
        try:
            found = interpreter.visit(tree, scope)
        except Misfit:
            raise
        except JMESPathTypeError as problem:
            wanted = " or ".join(map(str, problem.expected_types))
            raise Misfit(f"{problem.function_name}() takes {wanted}, not {article(problem.current_value)}") from None
        except ArithmeticError:
            raise Misfit("the query finds a number of too many digits") from None
        except RecursionError:
            raise Misfit("what the query finds is nested too deeply for it") from None
        except Exception as problem:
            raise Misfit(f"the query failed: {type(problem).__name__}") from problem
        return UNSET if found is None else found

    return run, tuple(dict.fromkeys(places(tree)))


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST:
        raise ValueError(f"it has more than {_LONGEST} characters")
    try:
        tree: Any = deepcopy(jmespath.compile(text).parsed)
    except LexerError as problem:
        raise ValueError(f"at character {problem.lexer_position + 1}: {_line(problem.message)}") from problem
    except ParseError as problem:
        token = problem.token_value
        what = "it ends too early" if token in (None, "") else f"{token!r} is not expected here"
        raise ValueError(f"at character {problem.lex_position + 1}: {what}") from problem
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (ValueError, Warning) as problem:  # what is empty; and where warnings are errors, literals of an older grammar
        raise ValueError(_line(str(problem))) from problem
    for node in _nodes(tree):
        if node["type"] == "literal":
            node["value"] = _exactly(node["value"])
        if node["type"] != "function_expression" and any(isinstance(child, dict) and child["type"] == "expref" for child in _children(node)):
            raise ValueError("& stands only before an input of a function")
    if tree["type"] == "expref":
        raise ValueError("& stands only before an input of a function")
    if _copies(tree) > _MOST_COPIES:
        raise ValueError("it multiplies what it is given too often")
    parsed: dict[str, Any] = tree
    return parsed


def _copies(node: dict[str, Any]) -> int:
    """At most how many times the result may hold what the expression is given. The library's parser bounds the depth."""
    children = [_copies(child) for child in _children(node)] or [1]
    mapped = any(child["type"] == "expref" for child in _children(node))
    return sum(children) if node["type"] in _ADDED_UP or (node["type"] == "function_expression" and not mapped) else math.prod(children)


def _line(text: str) -> str:
    """What the library says, without the signs in it that cannot be seen."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _children(node: dict[str, Any]) -> list[Any]:
    return [child for child in node["children"] if isinstance(child, dict)]


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _children(node)


def _exactly(value: Any) -> Any:
    """A literal with its fractions as Decimals."""
    if isinstance(value, float):
        try:
            return Decimal(shortest_number(value))
        except Misfit as problem:
            raise ValueError(str(problem)) from problem
    if isinstance(value, list):
        return [_exactly(item) for item in value]
    return {key: _exactly(item) for key, item in value.items()} if isinstance(value, dict) else value


def _check_function(node: dict[str, Any]) -> None:
    name, count = node["value"], len(node["children"])
    known = _Functions.FUNCTION_TABLE
    if name not in known:
        raise ValueError(f"there is no function {name}(){did_you_mean(name, sorted(known))}")
    wanted = known[name]["signature"]
    variadic = bool(wanted) and wanted[-1].get("variadic", False)
    if count < len(wanted) or (count > len(wanted) and not variadic):
        least = "at least " if variadic else ""
        raise ValueError(f"{name}() takes {least}{len(wanted)} input{'s' * (len(wanted) != 1)}, not {count}")


def _plain(value: Any) -> Any:
    """The value as one of the types that JSON has, where it is one of their kin."""
    if value is UNSET:
        return None
    if isinstance(value, str):
        return value if type(value) is str else str.__str__(value)
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) and type(value) is not dict else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _same(left: Any, right: Any) -> bool:
    if left is right and isinstance(left, dict | list):  # a record may hold the same list a million times over
        return True
    left, right = _plain(left), _plain(right)
    if _is_number(left) and _is_number(right):
        return bool(shortest_number(left) == shortest_number(right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return bool(_dated(left) == _dated(right))


def _dated(value: Any) -> Any:
    """A date or time as its text, which is what JSON would have."""
    return value.isoformat() if isinstance(value, date | time) else value


class _Interpreter(TreeInterpreter):  # type: ignore[misc]  # the library has no types
    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        return _plain(super().visit(node, _plain(args[0])))

    def visit_field(self, node: Any, value: Any) -> Any:
        return value.get(node["value"]) if isinstance(value, dict) else None

    def visit_literal(self, node: Any, value: Any) -> Any:
        return deepcopy(node["value"])

    def visit_value_projection(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, dict):
            return None
        found = [self.visit(node["children"][1], item) for item in base.values()]
        return [item for item in found if item is not None]

    def visit_comparator(self, node: Any, value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        if node["value"] in ("eq", "ne"):
            return _same(left, right) is (node["value"] == "eq")
        compare = _ORDERS[node["value"]]
        if _is_number(left) and _is_number(right):
            return bool(compare(shortest_number(left), shortest_number(right)))
        left, right = _dated(left), _dated(right)
        # The specification: what has no order gives null.
        return bool(compare(left, right)) if isinstance(left, str) and isinstance(right, str) else None


class _Functions(Functions):  # type: ignore[misc]
    """The functions of the specification over exact numbers."""

    def __init__(self, take: Callable[[Any], Any]) -> None:
        self._take = take
        self._operations = operations()

    def _get_allowed_pytypes(self, types: Any) -> Any:
        allowed, inner = super()._get_allowed_pytypes(types)  # pyright: ignore[reportAttributeAccessIssue]
        return [*allowed, *(["Decimal"] if "int" in allowed else [])], [(*names, "Decimal") if "int" in names else names for names in inner]

    def _subtype_check(self, current: Any, allowed_subtypes: Any, types: Any, function_name: Any) -> None:
        super()._subtype_check([_plain(item) for item in current], allowed_subtypes, types, function_name)  # pyright: ignore[reportAttributeAccessIssue]

    def _convert_to_jmespath_type(self, name: str) -> Any:
        return "number" if name == "Decimal" else super()._convert_to_jmespath_type(name)  # pyright: ignore[reportAttributeAccessIssue]

    def _create_key_func(self, expref: Any, allowed_types: Any, function_name: Any) -> Any:
        key = super()._create_key_func(expref, allowed_types, function_name)  # pyright: ignore[reportAttributeAccessIssue]
        return lambda item: _ordered(key(item))

    @signature({"types": ["number"]})  # type: ignore[untyped-decorator]
    def _func_abs(self, arg: Any) -> Any:
        return arg.copy_abs() if isinstance(arg, Decimal) else abs(arg)

    @signature({"types": ["number"]})  # type: ignore[untyped-decorator]
    def _func_ceil(self, arg: Any) -> Any:
        return math.ceil(_whole(arg))

    @signature({"types": ["number"]})  # type: ignore[untyped-decorator]
    def _func_floor(self, arg: Any) -> Any:
        return math.floor(_whole(arg))

    @signature({"types": ["array-number"]})  # type: ignore[untyped-decorator]
    def _func_sum(self, arg: Any) -> Any:
        total: Any = 0
        for item in arg:
            total = self._operations["add"](total, self._take(item))
        return total

    @signature({"types": ["array-number"]})  # type: ignore[untyped-decorator]
    def _func_avg(self, arg: Any) -> Any:
        return self._operations["divide"](self._func_sum(arg), len(arg)) if arg else None

    @signature({"types": ["array-number", "array-string"]})  # type: ignore[untyped-decorator]
    def _func_max(self, arg: Any) -> Any:
        return max(arg, key=_ordered) if arg else None

    @signature({"types": ["array-number", "array-string"]})  # type: ignore[untyped-decorator]
    def _func_min(self, arg: Any) -> Any:
        return min(arg, key=_ordered) if arg else None

    @signature({"types": ["array-string", "array-number"]})  # type: ignore[untyped-decorator]
    def _func_sort(self, arg: Any) -> Any:
        return sorted(arg, key=_ordered)

    @signature({"types": ["array", "string"]}, {"types": []})  # type: ignore[untyped-decorator]
    def _func_contains(self, subject: Any, search: Any) -> Any:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(_same(item, search) for item in subject)

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_number(self, arg: Any) -> Any:
        if _is_number(arg):
            return arg
        try:
            found = number(arg) if isinstance(arg, str) else None
        except Misfit:  # the specification: text that is no number gives null
            return None
        return int(found) if isinstance(found, Decimal) and found == found.to_integral_value() and found.adjusted() < 20 else found

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_string(self, arg: Any) -> Any:
        if isinstance(arg, Decimal):
            return plain_text(Decimal(number(arg)))
        if isinstance(arg, date | time):
            return arg.isoformat()
        if isinstance(arg, dict | list):
            raise Misfit("to_string() of a list or an object has no one text: use a function of your own")
        return super()._func_to_string(arg)  # pyright: ignore[reportAttributeAccessIssue]

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_type(self, arg: Any) -> Any:
        return "number" if isinstance(arg, Decimal) else super()._func_type(arg)  # pyright: ignore[reportAttributeAccessIssue]


def _ordered(value: Any) -> Any:
    return shortest_number(value) if _is_number(value) else value


def _whole(value: Any) -> Any:
    found = shortest_number(value)
    if isinstance(found, Decimal) and found.adjusted() > 400:
        raise Misfit("the query finds a number of too many digits")
    return found
