"""`Connector`: a `Client` with names. A subclass says what one system is like; class attributes are the defaults, constructor arguments win."""

from __future__ import annotations

import html
import inspect
import re
from difflib import get_close_matches
from string import Formatter
from typing import Any

from integrakit.connector.resource import Resource
from integrakit.errors import ConfigurationError
from integrakit.http import Client

__all__ = ["Connector"]

#: What fills a placeholder in a base URL: one label or path segment, so that nothing can name another host.
_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
_OPTIONS = tuple(name for name in inspect.signature(Client.__init__).parameters if name not in ("self", "base_url"))


class Connector(Client):
    """Subclass it for a system of your own: ``base_url``, policies and resources as class attributes, actions as ``async def`` methods.

    ``{placeholders}`` in ``base_url`` are filled from keywords: ``Shop(shop="acme", auth=…)``. A method ``classify(self, response)`` tells errors
    that hide in a 200.
    """

    base_url: str = ""

    def __init__(self, /, **options: Any) -> None:
        cls = type(self)
        given = options.pop("base_url", None)
        template = cls.base_url if given is None else given
        if not template or not isinstance(template, str):
            raise ConfigurationError(f"{cls.__name__} needs a base_url as a text: as a class attribute, or {cls.__name__}(base_url=…)")
        names = _placeholders(cls.__name__, template)
        values = {name: options.pop(name, None) for name in names}
        for name, value in values.items():
            if isinstance(value, int) and not isinstance(value, bool):
                value = values[name] = str(value)
            if not isinstance(value, str) or not _SAFE.fullmatch(value) or not value.strip("."):
                raise ConfigurationError(
                    f"{cls.__name__}({name}=…) fills {{{name}}} in {template!r}: give letters, digits, dots, dashes or underscores, not {value!r}"
                )
        for name in options:
            if name not in _OPTIONS:
                near = get_close_matches(name, [*names, *_OPTIONS], n=1)
                hint = f"did you mean {near[0]}=? It" if near else "it"
                raise ConfigurationError(f"{cls.__name__} takes no {name}=; {hint} takes {', '.join([*names, *_OPTIONS])}")
        cls._check_attributes()
        for name in self.resources():
            if hasattr(Client, name) or name in _OPTIONS:
                raise ConfigurationError(f"{cls.__name__}.{name}: a client has something of that name already; give the resource another one")
        defaults = {name: getattr(cls, name) for name in _OPTIONS if name != "classify" and hasattr(cls, name)}
        if hasattr(cls, "classify"):
            defaults["classify"] = getattr(self, "classify")  # noqa: B009 - a subclass may have it, this class has not
        super().__init__(template.format(**values), **{**defaults, **options})
        self.base_url = self._base_url

    @classmethod
    def _check_attributes(cls) -> None:
        """A class attribute that is nearly an option would be ignored in silence, and with it a rate limit, say."""
        for name in {name for kind in cls.__mro__[: cls.__mro__.index(Connector)] for name, value in vars(kind).items() if not callable(value)}:
            near = get_close_matches(name, _OPTIONS, n=1, cutoff=0.85)
            if near and name not in _OPTIONS and not isinstance(getattr(cls, name), Resource):
                raise ConfigurationError(f"{cls.__name__}.{name}: did you mean {near[0]}? Name it otherwise if not; a connector would not look at it")

    @classmethod
    def resources(cls) -> dict[str, Resource]:
        """The resources by name, inherited ones too."""
        found: dict[str, Resource] = {}
        for kind in reversed(cls.__mro__):
            for name, value in vars(kind).items():
                if isinstance(value, Resource):
                    found[name] = value
                else:
                    found.pop(name, None)  # a subclass may take one away
        return found

    def describe(self) -> str:
        """What this connector is, as Markdown."""
        title = (inspect.getdoc(type(self)) if type(self).__doc__ else None) or ""
        rows = [resource.describe() for resource in self.resources().values()]
        table = ["| resource | path | key | cursor | paging | writes |", "|---|---|---|---|---|---|", *rows] if rows else ["No resources."]
        return "\n".join([f"# {type(self).__name__}", "", *([title, ""] if title else []), f"At `{self.base_url}`.", "", *table, ""])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.describe())}</pre>"


def _placeholders(connector: str, template: str) -> list[str]:
    """The names in braces; each a plain name that is no option of the client."""
    try:
        fields = [(name, form, conversion) for _, name, form, conversion in Formatter().parse(template) if name is not None]
    except ValueError as problem:
        raise ConfigurationError(f"{connector}: the braces of base_url {template!r} do not match: {problem}") from problem
    for name, form, conversion in fields:
        if not name.isidentifier() or name in _OPTIONS or form or conversion:
            raise ConfigurationError(f"{connector}: {{{name}}} in base_url {template!r} must be a plain name, such as {{shop}}")
    return list(dict.fromkeys(name for name, _, _ in fields))  # one that stands there twice is given once
