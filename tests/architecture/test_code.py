"""What code may not do: async generators, mutable state in modules, swallowed exceptions, deep classes."""

from __future__ import annotations

import ast
import importlib
import inspect
import re

import pytest

from integrakit.errors import ConfigurationError

MUTABLE_CALLS = frozenset(
    {"list", "dict", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter", "WeakKeyDictionary", "WeakValueDictionary"}
)
MUTATORS = frozenset({"append", "add", "update", "setdefault", "pop", "popitem", "clear", "extend", "insert", "remove", "discard"})
BROAD = frozenset({"Exception", "BaseException"})
CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]*$")


def own_nodes(function: ast.AST):
    """The nodes of a function, without those of functions and classes inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def async_generators(module) -> list[str]:
    """An event loop adopts one that is first stepped inside it; finished elsewhere, it silently ends early. Readers have `next_page` instead."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.AsyncFunctionDef) and any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in own_nodes(node)):
            found.append(module.at(node))
        if isinstance(node, ast.GeneratorExp) and any(loop.is_async for loop in node.generators):
            found.append(module.at(node))
    return found


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    if isinstance(value, ast.Call):
        function = value.func
        return (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")) in MUTABLE_CALLS
    return False


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def mutable_state(module) -> list[str]:
    """Module-level lists, dicts and sets that are not constants, constants that are changed after all, and ``global``."""
    found, constants = [], set()
    for node in module.tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not _is_mutable(node.value):
            continue
        final = isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if CONSTANT.match(_name(target)) or final:
                constants.add(_name(target))
            elif _name(target) != "__all__":
                found.append(module.at(node))
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Global)
            or (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in MUTATORS
                and _name(node.func.value) in constants
            )
            or (isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and _name(node.value) in constants)
        ):
            found.append(module.at(node))
    return found


def _catches_all(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(each is None or _name(each) in BROAD for each in kinds)


def swallowed(module) -> list[str]:
    """``except Exception: pass`` in all its spellings."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type):
            if all(
                isinstance(step, ast.Pass | ast.Continue) or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
                for step in node.body
            ):
                found.append(module.at(node))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"suppress", "contextlib.suppress"} and any(map(_catches_all, node.args)):
            found.append(module.at(node))
    return found


def depth(cls: type) -> int:
    """The longest chain of integrakit's own classes that ends in this one."""
    return 1 + max((depth(parent) for parent in cls.__bases__ if parent.__module__.startswith("integrakit")), default=0)


def deep(name: str) -> list[str]:
    try:
        module = importlib.import_module(name)
    except ConfigurationError as problem:
        pytest.skip(f"needs an extra: {problem}")
    classes = [cls for cls in vars(module).values() if inspect.isclass(cls) and cls.__module__ == name and not issubclass(cls, BaseException)]
    return [f"{cls.__qualname__}: {depth(cls)}" for cls in classes if depth(cls) > 2]


def test_no_async_generators(module):
    assert async_generators(module) == []


def test_no_mutable_state(module):
    assert mutable_state(module) == []


def test_nothing_is_swallowed(module):
    assert swallowed(module) == []


def test_classes_are_shallow(module):
    assert deep(module.name) == [], "pass objects, do not inherit: two classes deep at most"


@pytest.mark.parametrize(
    "text", ["async def read():\n    yield 1", "async def f(s):\n    return (x async for x in s)", "async def f():\n    if 1:\n        x = yield"]
)
def test_an_async_generator_is_found(sample, text):
    assert len(async_generators(sample(text))) == 1


@pytest.mark.parametrize(
    "text", ["def read():\n    yield 1", "async def f(s):\n    return [x async for x in s]", "async def f():\n    def g():\n        yield 1"]
)
def test_what_only_looks_like_one_is_not(sample, text):
    assert async_generators(sample(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "cache = {}",
        "seen: set[str] = set()",
        "LIMITS = {}\ndef f(k):\n    LIMITS[k] = 1",
        "_NAMES = []\ndef f(n):\n    _NAMES.append(n)",
        "n = 0\ndef f():\n    global n",
    ],
)
def test_mutable_state_is_found(sample, text):
    assert len(mutable_state(sample(text))) == 1


@pytest.mark.parametrize("text", ["__all__ = ['a']", "LIMITS = {'a': 1}", "names: Final = ['a']", "x = ()", "def f():\n    x = []\n    x.append(1)"])
def test_constants_and_locals_are_not_state(sample, text):
    assert mutable_state(sample(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept:\n    ...",
        "for x in y:\n    try:\n        f()\n    except (ValueError, BaseException):\n        continue",
        "with suppress(Exception):\n    f()",
        "with contextlib.suppress(BaseException):\n    f()",
    ],
)
def test_a_swallowed_exception_is_found(sample, text):
    assert len(swallowed(sample(text))) == 1


def test_a_narrow_or_handled_exception_is_not(sample):
    assert (
        swallowed(
            sample("try:\n    f()\nexcept KeyError:\n    pass\ntry:\n    f()\nexcept Exception as e:\n    log(e)\nwith suppress(OSError):\n    f()")
        )
        == []
    )


def test_depth_counts_own_classes_only():
    own = type("Own", (dict,), {"__module__": "integrakit.sample"})
    child = type("Child", (own,), {"__module__": "integrakit.sample"})
    grandchild = type("Grandchild", (child,), {"__module__": "integrakit.sample"})
    assert [depth(own), depth(child), depth(grandchild)] == [1, 2, 3]
