"""`reassembled`: children put back under their parents, where a source gives both in one flat list, as Shopify's bulk files do.

How records are kept until then is ``family``'s business.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import evolve

from integrakit._json import canonical
from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead, IncompleteReadWarning
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.protocols import Reader
from integrakit.reading.family import Family, Member
from integrakit.reading.open import is_source, open_reader
from integrakit.runtimes import runtime

__all__ = ["Children", "Reassembled", "reassembled"]

#: What the lists of children are called: one name for all; type of child → name; type of parent → {type of child → name}; or a function of a child.
Children: TypeAlias = str | Mapping[str, str] | Mapping[str, Mapping[str, str]] | Callable[[Any], str | None]

#: Global ids of Shopify: gid://shopify/LineItem/466157049 (https://shopify.dev/docs/api/usage/gids).
_GLOBAL_ID = re.compile(r"gid://[^/]+/([^/?]+)")
_TYPE_FIELD = "__typename"


class Reassembled(Rereadable):
    """A source whose records are the parents of another source, each with its children. Each iteration is a new read."""

    on_runtime = True

    def __init__(
        self,
        source: Any,
        *,
        children: Children,
        parent: str = "__parentId",
        id: str = "id",
        page_size: int = 500,
        incomplete: Literal["raise", "warn"] = "raise",
    ) -> None:
        if not is_source(source):
            raise ConfigurationError(f"reassembled(source) takes a file, stream, resource, table or iterable of records, not {type(source).__name__}")
        for argument, name in (("parent", parent), ("id", id)):
            if not isinstance(name, str) or not name:
                raise ConfigurationError(f"reassembled({argument}=…) takes the name of a field, not {name!r}")
        if isinstance(page_size, bool) or not isinstance(page_size, int) or page_size < 1:
            raise ConfigurationError(f"reassembled(page_size=…) takes a whole number above 0, not {page_size!r}")
        if incomplete not in ("raise", "warn"):
            raise ConfigurationError(f'reassembled(incomplete=…) takes "raise" or "warn", not {incomplete!r}')
        self._source = source
        self._rules = _Rules(children, id)
        self._parent, self._id = parent, id
        self._page_size = page_size
        self._incomplete = incomplete
        #: The field that names a parent.
        self.key = id

    def __repr__(self) -> str:
        return f"<{self._source!r} with children under their parents>"

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        return _Reader(open_reader(self._source, since), self._rules, self._parent, self._id, self._page_size, self._incomplete)


def reassembled(
    source: Any,
    *,
    children: Children,
    parent: str = "__parentId",
    id: str = "id",
    page_size: int = 500,
    incomplete: Literal["raise", "warn"] = "raise",
) -> Reassembled:
    """``source`` with every child in a list of its parent's, to any depth: ``reassembled(JsonLines("bulk.jsonl"), children={"LineItem": "lines"})``.

    ``parent`` is the field in which a record names its parent's ``id``; one that has none, or null, stands at the top and comes out, in the order in
    which it came. Children may stand anywhere, before their parents too; so everything is read before the first parent comes out, and kept in a
    temporary file beyond some 30 MB. ``children`` says what the lists are called:

    - a text: the name for all; every parent at the top has the list, an empty one perhaps;
    - ``{type of child: name}``; the type is the record's ``__typename``, or stands in its global id (``gid://shopify/LineItem/1``);
    - ``{type of parent: {type of child: name}}``: every parent of that type has all of its lists, empty where no child came. A mirror wants this: an
      order whose last line was deleted says so;
    - a function of the child that gives the name.

    A child without a rule, a record that is no object or lacks its id, a list in the place of which the parent has a field, and records that are
    their own ancestors are a `DecodeError`. Children whose parent never came, and ids that came twice, make the evidence False: `IncompleteRead` at
    the end, or with ``incomplete="warn"`` a warning.
    """
    return Reassembled(source, children=children, parent=parent, id=id, page_size=page_size, incomplete=incomplete)


class _Rules:
    """What the list is called in which a child stands."""

    def __init__(self, children: Any, id: str) -> None:
        self._id = id
        self._by_parent: dict[str, dict[str, str]] | None = None
        self._by_child: dict[str, str] | None = None
        self._all: str | None = None
        self._function: Callable[[Any], Any] | None = None
        if isinstance(children, str) and children:
            self._all = children
        elif isinstance(children, Mapping) and children and all(_is_name(kind) for kind in children):
            if all(_is_name(name) for name in children.values()):
                self._by_child = dict(children)
            elif all(isinstance(rule, Mapping) and all(map(_is_name, (*rule, *rule.values()))) for rule in children.values()):
                self._by_parent = {kind: dict(rule) for kind, rule in children.items()}
            else:
                raise _wrong_rules(children)
        elif callable(children):
            self._function = children
        else:
            raise _wrong_rules(children)

    def lists(self, record: dict[str, Any], *, top: bool) -> dict[str, list[Any]]:
        """Gives a parent the lists that it has in any case."""
        names: dict[str, Any] = {self._all: 0} if self._all is not None and top else {}
        if self._by_parent is not None:
            names = dict.fromkeys(self._by_parent.get(self._type(record) or "", {}).values())
        return {name: self._new(record, name) for name in names}

    def put(self, child: dict[str, Any], parent: dict[str, Any], lists: dict[str, list[Any]]) -> None:
        """Puts a child into its list, one of ``lists`` or a new one."""
        name = self._name(child, parent)
        if name not in lists:
            lists[name] = self._new(parent, name)
        lists[name].append(child)

    def _new(self, record: dict[str, Any], name: str) -> list[Any]:
        if name in record:
            raise DecodeError(
                f"{self._called(record)} has a field {name!r} already, and children are to stand there: give their list another name", record=record
            )
        made: list[Any] = []
        record[name] = made
        return made

    def _name(self, child: dict[str, Any], parent: dict[str, Any]) -> str:
        if self._all is not None:
            return self._all
        if self._function is not None:
            name = self._function(child)
            if not _is_name(name):
                raise DecodeError(f"children= gave {name!r} for {self._called(child)}, not the name of a field", record=child)
            return str(name)
        kind, of = self._type(child), self._type(parent)
        if kind is None or (self._by_parent is not None and of is None):
            who = child if kind is None else parent
            raise DecodeError(
                f"{self._called(who)} says no type, neither as {_TYPE_FIELD} nor in an id such as gid://shopify/LineItem/1: give children= one name "
                "for all, or a function",
                record=who,
            )
        rules = self._by_child if self._by_parent is None else self._by_parent.get(of or "")
        found = (rules or {}).get(kind)
        if found is None:
            place = "" if self._by_parent is None else f" under {of}"
            raise DecodeError(f"children= has no rule for {kind}{place} ({self._called(child)}): say what its list is called", record=child)
        return found

    def _type(self, record: dict[str, Any]) -> str | None:
        if isinstance(said := record.get(_TYPE_FIELD), str):
            return said
        found = _GLOBAL_ID.match(its) if isinstance(its := record.get(self._id), str) else None
        return found[1] if found else None

    def _called(self, record: dict[str, Any]) -> str:
        return f"the record {record.get(self._id)!r:.80}" if self._id in record else f"a record with the fields {', '.join(map(repr, record)):.80}"


class _Reader:
    """Reads everything, then gives parent after parent."""

    def __init__(self, reader: Reader, rules: _Rules, parent: str, id: str, page_size: int, incomplete: str) -> None:
        self._reader = reader
        self._rules = rules
        self._parent, self._id = parent, id
        self._page_size = page_size
        self._incomplete = incomplete
        self._family: Family | None = None
        self._state = "reading"
        self._page: Page | None = None
        self._came = self._used = self._pages = self._records = self._duplicates = 0
        self._last = 0
        self._found: tuple[str, ...] = ()
        self._started: datetime | None = None

    async def next_page(self) -> Page | None:
        self._started = self._started or runtime().wall()
        if self._family is None:
            self._family = await runtime().blocking(Family)
        while self._state == "reading":
            # Kept until it is in the family: a read that is taken up again after an error must not pass it over.
            page = self._page = self._page or await self._reader.next_page()
            await runtime().blocking(self._settle if page is None else self._take)
        if self._state == "giving":
            if records := await runtime().blocking(self._parents):
                self._pages += 1
                self._records += len(records)
                return Page(records)
            await runtime().blocking(self._finish)
        self._judge()
        return None

    def _take(self) -> None:
        assert self._family is not None
        assert self._page is not None
        members = []
        for number, record in enumerate(self._page.records, self._came + 1):
            if not isinstance(record, dict):
                raise DecodeError(f"record {number} is a {type(record).__name__}, and only objects can be children and parents", record=record)
            own, parent = self._name_of(record, self._id, number), self._name_of(record, self._parent, number)
            if own is None and parent is None:
                raise DecodeError(f"record {number} has no {self._id!r}, and no parent either", path=self._id, record=record)
            members.append(Member(number, own, parent, record))
        self._family.add(members)
        self._came += len(members)
        self._page = None

    def _name_of(self, record: dict[str, Any], field: str, number: int) -> bytes | None:
        value = record.get(field)
        if value is None:
            return None
        if isinstance(value, dict | list):
            raise DecodeError(f"record {number} has a {type(value).__name__} as its {field!r}, which names no record", path=field, record=record)
        return canonical(value)

    def _settle(self) -> None:
        assert self._family is not None
        self._duplicates = self._family.settle()
        self._state = "giving"

    def _parents(self) -> list[Any]:
        """The next parents, with everything below them."""
        assert self._family is not None
        roots = level = self._family.roots(self._last, self._page_size)
        # Of one level, by id: the record, and the lists of its children.
        above = {member.id: (member.record, self._rules.lists(member.record, top=True)) for member in roots}
        while level:
            self._used += len(level)
            level = self._family.children(id for id in above if id is not None)
            below = {}
            for member in level:
                self._rules.put(member.record, *above[member.parent])
                below[member.id] = member.record, self._rules.lists(member.record, top=False)
            above = below
        if roots:
            self._last = roots[-1].number
        return [member.record for member in roots]

    def _finish(self) -> None:
        """Nothing is left to give: whether everything that came was given."""
        assert self._family is not None
        reasons = [f"{self._duplicates} records came twice"] if self._duplicates else []
        if self._used < self._came:
            count, below, some = self._family.orphans(3)
            if self._used + below < self._came:
                circle = self._came - self._used - below
                raise DecodeError(f"{circle} records are their own ancestors, or stand below such: {self._parent!r} goes round in a circle")
            shown = ", ".join(f"{member.record.get(self._id)!r:.60} of {member.record[self._parent]!r:.60}" for member in some)
            reasons.append(
                f"the parents of {count} records never came, {below} are missing with those below them: {shown}{', …' if count > len(some) else ''}"
            )
        self._found = tuple(reasons)
        self._family.close()
        self._state = "over"

    def _judge(self) -> None:
        """Raises for what did not fit together. What the source itself missed, the source has raised."""
        if self._found:
            text = f"the records do not fit together: {'; '.join(self._found)}"
            if self._incomplete == "raise":
                raise IncompleteRead(text, evidence=self.evidence)
            warnings.warn(text, IncompleteReadWarning, stacklevel=2)

    @property
    def evidence(self) -> Evidence:
        """The source's own, with what putting together found."""
        own = self._reader.evidence
        reasons = own.reasons + self._found
        complete = own.complete
        if self._found:
            complete = False
        elif self._state != "over":
            complete, reasons = None, ("the read is not at its end", *own.reasons)
        return evolve(
            own,
            complete=complete,
            reasons=reasons,
            notes=(*own.notes, f"put together from {self._came} records") if self._state == "over" else own.notes,
            pages=self._pages,
            records=self._records,
            duplicates=own.duplicates + self._duplicates,
            declared_total=None,
            started=self._started,
        )

    @property
    def checkpoint(self) -> Checkpoint | None:
        """None on the way, since parents come out when all is read; after the end where the source's next read begins."""
        return self._reader.checkpoint if self._state == "over" and not self._found else None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _wrong_rules(children: Any) -> ConfigurationError:
    return ConfigurationError(
        "reassembled(children=…) takes the name of a field, {type of child: name}, {type of parent: {type of child: name}}, or a function of a "
        f"child, not {children!r:.120}"
    )
