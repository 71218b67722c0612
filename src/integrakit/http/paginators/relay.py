"""Relay connections: how the pages of a GraphQL collection are asked for. What is cut off inside of its records is the business of `nested`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import NoneType
from typing import Any

from attrs import field, frozen

from integrakit._json import dumps, loads
from integrakit.errors import ConfigurationError, DecodeError, PaginationStalled
from integrakit.http.graphql import marked, operation_of
from integrakit.http.paginators.connections import connection_at, cursor_after, nodes_of
from integrakit.http.paginators.nested import NestedConnection, completed
from integrakit.http.paginators.places import (
    Place,
    a_body_path,
    a_name,
    a_path_or_none,
    a_place,
    check_names,
    declared_at,
    parameter_of,
    put_parameter,
)
from integrakit.http.paginators.wording import Wording, worded
from integrakit.http.paths import parse_path, put_at
from integrakit.model import Record, Request, Response, Stability

__all__ = ["RelayPaginator"]


def _nested(value: Any) -> tuple[NestedConnection, ...]:
    if isinstance(value, NestedConnection) or not isinstance(value, Sequence) or not all(isinstance(each, NestedConnection) for each in value):
        raise ConfigurationError(f"RelayPaginator(nested=…) takes a list of NestedConnection(…), not {value!r:.200}")
    paths = [each.path for each in value]
    if len(set(paths)) != len(paths):
        raise ConfigurationError(f"RelayPaginator(nested=…) declares one of {paths} twice")
    return tuple(value)


def _partial(value: Any) -> frozenset[str]:
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence | frozenset)
        or not all(isinstance(each, str) and all(each.split(".")) for each in value)
    ):
        raise ConfigurationError(f"RelayPaginator(partial=…) takes a list of dotted paths such as ['lineItems'], not {value!r}")
    return frozenset(value)


def _worded(name: str, template: Any) -> Wording:
    what = f"RelayPaginator(templates={{{name!r}: …}})"
    if not isinstance(template, str) or template.count("{}") != 1:
        raise ConfigurationError(f"{what} takes a text with one place for the value, such as \"updated_at:>='{{}}'\", not {template!r}")
    return worded(what, template, ("",))


def _templates(value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"RelayPaginator(templates=…) takes a mapping of parameters to texts, not {value!r}")
    for name, template in value.items():
        _worded(name, template)
    return dict(value)


@frozen
class RelayPaginator:
    """A Relay ``connection`` of a GraphQL answer (``"data.orders"``), page by page: its ``pageInfo`` says whether there is more, and after what.

    ``client.stream("/graphql", method="POST", json={"query": …}, paginator=RelayPaginator("data.orders"))``. Records are ``nodes``, or the ``node``
    of each of ``edges``. The cursor goes out as ``param``. Parameters of the read (``params=``, ``resource.where(…)``, ``since_param=``) become
    variables of the query, where the cursor is one. Errors in an answer of status 200 are raised, and each page is sent again like a GET.

    ``nested``: how connections inside of records are read to their end, a `NestedConnection` each. One that was cut off and is not declared makes the
    read incomplete, but for those in ``partial``: dotted paths of connections whose first page will do. ``total``: where all records are counted.
    ``templates``: how a parameter is written into its variable, where that is a text with a language of its own:
    ``{"query": "updated_at:>='{}'"}``. A value that could say more there than itself raises `DecodeError`.
    """

    connection: str = field(validator=a_body_path)
    param: str = field(default="variables.after", validator=a_name, kw_only=True)
    in_: Place = field(default="json", validator=a_place, kw_only=True)
    nested: tuple[NestedConnection, ...] = field(default=(), converter=_nested, kw_only=True)
    partial: frozenset[str] = field(default=frozenset(), converter=_partial, kw_only=True)
    templates: Mapping[str, str] = field(factory=dict, converter=_templates, kw_only=True)
    total: str | None = field(default=None, validator=a_path_or_none, kw_only=True)
    stability: Stability = field(default="keyset", init=False, repr=False)
    mode: str = field(default="relay", init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        check_names(self, self.in_, self.param)
        both = self.partial & {each.path for each in self.nested}
        if both:
            raise ConfigurationError(f"RelayPaginator has {sorted(both)} in nested= and in partial=: read to the end, or not")

    # ------------------------------------------------------------------ the records

    def select(self, response: Response, /) -> list[Any]:
        """The records of a page; None stands for one that the server withheld, until `fill_in` takes it out."""
        return list(nodes_of(self._at(response), self.connection, response))

    async def fill_in(self, records: list[Any], request: Request, call: Callable[[Request], Awaitable[Response]], /) -> Sequence[str]:
        """Completes the records in place, and gives the reasons why something is missing all the same."""
        reasons = []
        if None in records:
            held = len(records)
            records[:] = [record for record in records if record is not None]
            reasons.append(f"{held - len(records)} records of {self.connection} came as null: the server withheld them")
        return reasons + await completed(records, {each.path: each for each in self.nested}, self.partial, request, call)

    def declared_total(self, response: Response, /) -> int | None:
        return declared_at(response, self.total)

    # ------------------------------------------------------------------ the pages

    def first_request(self, request: Request, /) -> Request:
        if self.in_ == "json":
            if not isinstance(request.json, Mapping):
                raise ConfigurationError(f"{request}: RelayPaginator reads by POST: give method='POST' and json={{'query': …, 'variables': {{…}}}}")
            request = self._with_variables(request)
            document = request.json.get("query")
            if isinstance(document, str):
                self._check(document, request.json.get("operationName"))
        return marked(request, "query")

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        cursor = cursor_after(self._at(response), self.connection, response)
        if cursor is None:
            return None
        if cursor == parameter_of(request, self.param, self.in_):
            raise PaginationStalled(f"{response}: {self.connection} ends at the cursor that was sent, {cursor!r:.100}: going on would loop for ever")
        return put_parameter(request, self.param, cursor, self.in_)

    def _at(self, response: Response) -> dict[str, Any]:
        found = connection_at(response, self.connection)
        if found is None:
            raise DecodeError(
                f"{response}: {self.connection} is null, or what it stands in is: the server has no such thing, or hides it",
                path=self.connection,
                response=response,
            )
        return found

    def _with_variables(self, request: Request) -> Request:
        """The request with its parameters as variables, where the cursor is one: a GraphQL server does not look at its query string."""
        place = parse_path(self.param)[:-1]
        if not place or not request.params:
            return request
        body = request.json
        for name, value in request.params.items():
            if type(value) not in (str, int, float, bool, NoneType):
                value = loads(dumps(value))  # as it goes out, so that a checkpoint can keep it
            if name in self.templates:
                value = _worded(name, self.templates[name]).render({"": value}, name)
            body = put_at(body, (*place, name), value)
        return request.copy(json=body, params={})

    def _check(self, document: str, name: Any) -> None:
        operation = operation_of(document, name)
        if operation.kind != "query":
            raise ConfigurationError(f"a read takes a query: the document's {operation.kind} does not only read")
        variable = self.param.removeprefix("variables.")
        if variable != self.param and "." not in variable and variable not in operation.variables:
            raise ConfigurationError(
                f"the query has no variable ${variable}, which RelayPaginator(param={self.param!r}) sends the cursor as: query(${variable}: String) "
                f"{{ …(after: ${variable}) … }}"
            )
