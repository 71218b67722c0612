"""The one schema that is meant, in a document that has many: an OpenAPI or Swagger description, or a JSON Schema with ``$defs``.

OpenAPI 3.0 and 3.1 (https://spec.openapis.org/oas/v3.1.1.html) and Swagger 2.0: what an operation takes is the schema of its request body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from integrakit.transform.checking.schemas import Document
from integrakit.transform.misfit import excerpt
from integrakit.transform.wording import did_you_mean

__all__ = ["chosen"]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_JSON = re.compile(r"application/(?:[^;\s]+\+)?json(?:\s*;.*)?", re.IGNORECASE)
_PARAMETER = re.compile(r"\{[^{}]*\}")
_SECTIONS = (("components", "schemas"), ("$defs",), ("definitions",))


def chosen(document: Document, *, component: str | None, operation: str | None, target: str | None) -> tuple[Any, str]:
    """The schema that is asked for, and its name for messages. ``target``: of the mapping, where neither of the others is said.

    Raises `ConfigurationError` that lists what there is.
    """
    for option, value in (("component", component), ("operation", operation)):
        if value is not None and (not isinstance(value, str) or not value.strip()):
            document.refuse(f"{option}=… is a name, as text, not {excerpt(value)}")
    if component is not None and operation is not None:
        document.refuse("component and operation both say which schema is meant: give one of them")
    described = isinstance(document.root, Mapping) and ("openapi" in document.root or "swagger" in document.root)
    if operation is not None:
        if not described:
            document.refuse("operation=… belongs to an OpenAPI document, and this has neither openapi nor swagger at its top")
        return _body(document, operation)
    if component is not None:
        found = _components(document)
        if component not in found:
            document.refuse(f"there is no schema {excerpt(component)}{did_you_mean(component, found)}")
        return found[component], component
    if not described:
        return document.root, ""
    return _meant(document, target)


def _components(document: Document) -> Mapping[str, Any]:
    for section in _SECTIONS:
        here: Any = document.root
        for name in section:
            here = here.get(name) if isinstance(here, Mapping) else None
        if isinstance(here, Mapping) and here:
            return {str(name): schema for name, schema in here.items()}
    return {}


def _meant(document: Document, target: str | None) -> tuple[Any, str]:
    """The schema that is called like the mapping's target."""
    found = _components(document)
    last = (target or "").rpartition(".")[2]
    alike = [name for name in found if name == last] or [name for name in found if last and _plain(name) == _plain(last)]
    if len(alike) != 1:
        why = f"more than one schema is called like the mapping's target {excerpt(last)}" if alike else "an OpenAPI document has many schemas"
        document.refuse(f"{why}: say component=… or operation='POST /…'{did_you_mean(last or None, alike or found)}")
    return found[alike[0]], alike[0]


def _plain(name: str) -> str:
    """Without capitals, signs and the s of a plural."""
    return re.sub(r"[\W_]+", "", name.casefold()).removesuffix("s")


# ---------------------------------------------------------------- operations


def _body(document: Document, operation: str) -> tuple[Any, str]:
    operations = _operations(document)
    method, _, path = operation.strip().partition(" ")
    wanted = f"{method.upper()} {path.strip()}" if path else operation.strip()
    found = operations.get(wanted)
    if found is None and path:
        found = next((each for name, each in operations.items() if _PARAMETER.sub("{}", name) == _PARAMETER.sub("{}", wanted)), None)
    if found is None:  # or by its operationId
        found = next((each for each in operations.values() if each.get("operationId") == wanted), None)
    if found is None:
        document.refuse(f"there is no operation {excerpt(operation)}{did_you_mean(wanted, operations)}")
    schema = _taken(document, found, wanted)
    return schema, wanted


def _operations(document: Document) -> dict[str, Mapping[str, Any]]:
    paths = document.table(document.root, "paths")
    found = {}
    for path, item in paths.items():
        if isinstance(item, Mapping) and "$ref" in item:
            item = document.follow(item["$ref"])
        for method, each in item.items() if isinstance(item, Mapping) else ():
            if method in _METHODS and isinstance(each, Mapping):
                found[f"{str(method).upper()} {path}"] = each
    return found


def _taken(document: Document, operation: Mapping[str, Any], name: str) -> Any:
    """The schema of what an operation takes."""
    if "swagger" in document.root:
        parameters = operation.get("parameters")
        for parameter in parameters if isinstance(parameters, list) else []:
            parameter = _followed(document, parameter)
            if isinstance(parameter, Mapping) and parameter.get("in") == "body" and "schema" in parameter:
                return parameter["schema"]
        document.refuse(f"operation {name} takes no body")
    body = _followed(document, operation.get("requestBody"))
    if not isinstance(body, Mapping):
        document.refuse(f"operation {name} takes no body")
    content = document.table(body, "content")
    media = [kind for kind in content if isinstance(kind, str) and _JSON.fullmatch(kind)]
    kinds = media or (list(content) if len(content) == 1 else [])
    if not kinds:
        document.refuse(f"operation {name} takes no JSON: it takes {', '.join(map(excerpt, content)) or 'nothing'}")
    entry = content[kinds[0]]
    if not isinstance(entry, Mapping) or "schema" not in entry:
        document.refuse(f"operation {name} does not say what its body looks like: it has no schema")
    return entry["schema"]


def _followed(document: Document, part: Any) -> Any:
    steps = 0
    while isinstance(part, Mapping) and "$ref" in part:
        part, steps = document.follow(part["$ref"]), steps + 1
        if steps > 100:
            document.refuse("a $ref leads back to itself")
    return part
