"""GraphQL over HTTP: what is asked. A document is looked at far enough to know what kind of operation it is, and made a request.

Whether a request may be sent again hangs on that: a query only reads, a mutation does not. What comes back is judged in `graphql_answers`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.http.call_options import Asking, CallOptions
from integrakit.http.graphql_answers import MUTATION, errors_in_answer, errors_in_refusal
from integrakit.http.judge import CLASSIFY, EXPLAIN
from integrakit.model import Request

__all__ = ["Operation", "graphql_request", "marked", "operation_of", "operations"]

OperationKind: TypeAlias = Literal["query", "mutation", "subscription"]

#: In this order: what a comment or a text holds is no part of the document. (GraphQL, October 2021, §2.1.)
_TOKEN = re.compile(
    r"""
    \# [^\n\r]*
    | \"\"\" (?: \\\"\"\" | (?!\"\"\") . )*? \"\"\"
    | "(?!"") (?: \\. | [^"\\\n\r] )* " | ""(?!")
    | (?P<word> [_A-Za-z] [_0-9A-Za-z]* )
    | (?P<sign> [{}()\[\]$@] )
    | (?P<quote> " )
    """,
    re.VERBOSE | re.DOTALL,
)
_PAIRS = {"}": "{", ")": "(", "]": "["}
_KINDS = ("query", "mutation", "subscription")
#: Options of a call that a GraphQL request has no use for: its body is the document.
_NOT_TAKEN = ("json", "data", "files", "content", "check")


@frozen
class Operation:
    """One operation of a document: its kind, its name ("" for none), and the names of its variables."""

    kind: OperationKind
    name: str
    variables: frozenset[str]


def operations(document: Any) -> list[Operation]:
    """The operations of a document, in order; fragments are none. Raises `ConfigurationError` for what is no document that can be executed."""
    if not isinstance(document, str) or not document.strip():
        raise ConfigurationError(f"query= takes a GraphQL document such as 'query {{ shop {{ name }} }}', not {document!r:.100}")
    found: list[Operation] = []
    open_: list[str] = []
    # Of the definition that is being read: its first word, its name, and its variables.
    kind, name, variables, dollar, named = "", "", set[str](), False, False
    for token in _TOKEN.finditer(document):
        word, sign = token["word"], token["sign"]
        if token["quote"]:
            raise ConfigurationError("the GraphQL document holds a text that does not end")
        if not open_ and not kind and (word or sign):
            if word in (*_KINDS, "fragment"):
                kind, name, variables, named = word, "", set(), False
                continue
            if sign != "{":
                raise ConfigurationError(f"the GraphQL document begins a definition with {word or sign!r}: it takes queries, mutations and fragments")
            kind, name, variables = "query", "", set()
        if word and not open_ and not named:
            name, named = word, True
        if word and dollar and open_ == ["("]:
            variables.add(word)
        dollar = sign == "$"
        if sign and sign in "{([@":
            named = True  # what comes after is no name
        if sign and sign in "{([":
            open_.append(sign)
        elif sign in _PAIRS:
            if not open_ or open_.pop() != _PAIRS[sign]:
                raise ConfigurationError(f"the GraphQL document closes a {sign!r} that nothing opened")
            if sign == "}" and not open_:
                if kind != "fragment":
                    found.append(Operation(kind, name, frozenset(variables)))  # type: ignore[arg-type]
                kind = ""
    if open_ or kind:
        raise ConfigurationError(f"the GraphQL document ends before its {open_[-1] if open_ else kind!r} does")
    if not found:
        raise ConfigurationError("the GraphQL document holds no operation, only fragments")
    return found


def operation_of(document: Any, name: str | None = None) -> Operation:
    """The operation that is executed: the only one, or the one of that name. Raises `ConfigurationError` where there is none, or a choice."""
    found = operations(document)
    if name is not None and (not isinstance(name, str) or not name):
        raise ConfigurationError(f"operation= takes the name of an operation in the document, not {name!r}")
    chosen = [each for each in found if name is None or each.name == name]
    if len(chosen) != 1:
        names = ", ".join(repr(each.name) for each in found if each.name) or "none with a name"
        what = f"has no single operation {name!r}" if name is not None else f"has {len(found)} operations: say which with operation="
        raise ConfigurationError(f"the GraphQL document {what}; there is {names}")
    return chosen[0]


def marked(request: Request, kind: OperationKind) -> Request:
    """The request, judged as GraphQL, and known to be safe to send again where it only reads."""
    request = request.copy()
    request.extensions |= {CLASSIFY: errors_in_answer, EXPLAIN: errors_in_refusal, "safe": kind == "query", MUTATION: kind == "mutation"}
    return request


def graphql_request(
    asking: Asking, query: str, variables: Mapping[str, Any] | None, path: str | None, operation: str | None, options: CallOptions
) -> Request:
    """The request of ``client.graphql(…)``. Raises `ConfigurationError` for what no request can be made of."""
    for name in _NOT_TAKEN:
        if name in options:
            raise ConfigurationError(f"graphql() takes no {name}=: the body is the document with its variables, and errors are always raised")
    chosen = operation_of(query, operation)
    if chosen.kind == "subscription":
        raise ConfigurationError("graphql() sends queries and mutations: a subscription has no end, and needs another transport than one request")
    if variables is not None and (not isinstance(variables, Mapping) or not all(isinstance(name, str) for name in variables)):
        raise ConfigurationError(f"variables= takes a mapping of names to values, not {type(variables).__name__}")
    body: dict[str, Any] = {"query": query}
    if variables:
        body["variables"] = dict(variables)
    if operation is not None:
        body["operationName"] = operation
    if path is None:
        path = "" if "graphql" in urlsplit(asking.base_url).path.rpartition("/")[2].lower() else "/graphql"
    return marked(asking.request("POST", path, {**options, "json": body}), chosen.kind)
