"""`JsonFile`: one JSON document of any size with an array of records in it, as a source. ``json_text`` walks the text, pages are ``reader``'s."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError
from integrakit.files.append import names_of, page_size_of
from integrakit.files.json_text import JsonText
from integrakit.files.opening import file_path
from integrakit.files.reader import FileReader, start_of
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Record

__all__ = ["JsonFile"]

#: The step that stands for every item of an array.
_EACH = "item"
_KINDS = {"{": "an object", "[": "a list", '"': "a text", "t": "a boolean", "f": "a boolean", "n": "null"}


class JsonFile(Rereadable):
    """A file that is one JSON document: iterate it, or read it in pages, in the memory of one page.

    ``records``: where the array of records is, a dotted path such as ``"data.items"``; in a list on the way, a number is an index and ``item`` is
    each of its items (``"pages.item.orders"``). Without it the document itself is the array, or has exactly one list of objects; the file is read
    twice then, once to find it. ``key``: the field that names a record, or several; what a sync takes as its key. ``decimals``: fractions arrive as
    exact Decimals, or (False) as floats. Gzip, and a zip with one file in it, are told by their first bytes and read compressed.

    A wrong argument is a `ConfigurationError` at once, a missing file one when it is opened. A document that is malformed, was cut anywhere, or has
    no array of objects there is a `DecodeError`, before the read claims to be at its end.
    """

    on_runtime = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        records: str | None = None,
        key: str | Sequence[str] | None = None,
        decimals: bool = True,
        page_size: int = 1000,
    ) -> None:
        self.path = file_path("JsonFile", path)
        self.name = os.path.basename(self.path)
        steps = () if records is None else tuple(records.split(".")) if isinstance(records, str) else ("",)
        if not all(steps):
            raise ConfigurationError(f"JsonFile(records=…) takes a dotted path such as 'data.items', or None, not {records!r}")
        self._where = steps
        self._key = () if key is None else names_of("JsonFile", "key", key)
        #: The field that names a record; a tuple where it takes several.
        self.key: str | tuple[str, ...] | None = self._key[0] if len(self._key) == 1 else self._key or None
        if not isinstance(decimals, bool):
            raise ConfigurationError(f"JsonFile(decimals=…) takes True or False, not {decimals!r}")
        self._decimals = decimals
        self._page_size = page_size_of("JsonFile", page_size)

    def __repr__(self) -> str:
        at = f", records {'.'.join(self._where)!r}" if self._where else ""
        return f"<JsonFile {self.name}{at}{f', key {self.key!r}' if self._key else ''}>"

    def open_read(self, since: Checkpoint | None = None, /) -> FileReader[JsonText]:
        """A new read, from the start or on from a page's checkpoint. The file is opened when the first page is asked for."""
        parameters = f"records={'.'.join(self._where)}" if self._where else ""
        return FileReader(self._text, self._parse, start_of(self.path, parameters, "items", since), self._page_size)

    def _text(self) -> JsonText:
        return JsonText(self.path, decimals=self._decimals)

    def _parse(self, text: JsonText, token: Any) -> Iterator[Record]:
        steps = self._where or self._found()
        records = self._records(text, steps, "")
        if token is not None:
            self._skip(text, records, token)
        yield from records
        text.end()

    def _skip(self, text: JsonText, records: Iterator[Record], token: Any) -> None:
        try:
            token = {name: int(token[name]) for name in ("item", "checksum")}
            done = token["item"] >= 0
        except (KeyError, TypeError, ValueError) as problem:
            raise CheckpointMismatch(f"the checkpoint of {self.name} is not one of this version: start without it") from problem
        for _ in islice(records, token["item"]) if done else ():
            pass
        text.check(token)

    # ---------------------------------------------------------------- where the records are

    def _records(self, text: JsonText, steps: Sequence[str], path: str) -> Iterator[Record]:
        """Walks to the records, gives them, and walks on to the end of the value it began at."""
        char = text.peek()
        if not steps:
            yield from self._array(text, path)
        elif char == "{":
            yield from self._in_object(text, steps, path)
        elif char == "[" and (steps[0] == _EACH or steps[0].isdecimal()):
            found = False
            for index in text.items():
                if steps[0] == _EACH or index == int(steps[0]):
                    found = True
                    yield from self._records(text, steps[1:], _joined(path, str(index)))
                else:
                    text.skip()
            if not found and steps[0] != _EACH:
                raise self._missing(path, f"the list at {path or 'the top'} is shorter")
        else:
            what = _KINDS.get(char, "a number") if char else ""
            text.skip()  # where it is no JSON, or the file is over, that comes first
            raise self._missing(path, f"at {path or 'the top'} there is {what}")

    def _in_object(self, text: JsonText, steps: Sequence[str], path: str) -> Iterator[Record]:
        # A name with dots in it ("@odata.value") is found as the last step.
        dotted = ".".join(steps)
        found = ""
        seen: list[str] = []
        for name in text.names():
            seen.append(name) if len(seen) < 13 else None
            if name not in (steps[0], dotted):
                text.skip()
                continue
            if found:
                # The last of two counts in JSON as it is read everywhere, and the records of the first have been given already.
                raise DecodeError(f"{self.name}: {_joined(path, name)!r} is there twice", path=_joined(path, name))
            found = name
            yield from self._records(text, steps[1:] if name == steps[0] else (), _joined(path, name))
        if not found:
            raise self._missing(path, f"{path or 'the document'} has {', '.join(map(repr, seen[:12])) or 'nothing in it'}")

    def _missing(self, path: str, there: str) -> DecodeError:
        wanted = ".".join(self._where)
        return DecodeError(f"{self.name}: there are no records at {wanted!r}; {there}", path=wanted)

    def _array(self, text: JsonText, path: str) -> Iterator[Record]:
        char = text.peek()
        if char != "[":
            # null for an empty collection is common, and can be nothing else.
            text.skip()
            if char != "n":
                raise DecodeError(f"{self.name}: {path or 'the document'} is {_KINDS.get(char, 'a number')} where a list was agreed", path=path)
            return
        first = text.records
        for record in text.values():
            if type(record) is not dict:
                index = text.records - first
                raise DecodeError(
                    f"{self.name}: record {text.records + 1}, {_joined(path, str(index))}, is {type(record).__name__} instead of a JSON object: "
                    f"{record!r:.60}",
                    path=_joined(path, str(index)),
                    record=record,
                )
            text.took()
            yield record

    def _found(self) -> tuple[str, ...]:
        """Where the records are, nobody having said it: () is the document itself. Reads all of it, unless it is an array."""
        text = self._text()
        try:
            if (char := text.peek()) == "[":
                return ()
            if char != "{":
                text.skip()
                raise DecodeError(f"{self.name}: there is no list of records in the document, which is {_KINDS.get(char, 'a number')}")
            lists: dict[str, bool] = {}
            names: list[str] = []
            for name in text.names():
                names.append(name) if len(names) < 13 else None
                lists.pop(name, None)
                filled = _objects(text)
                if filled is not None:
                    lists[name] = filled
            text.end()
        finally:
            text.close()
        if len(lists) > 1:
            shown = ", ".join(map(repr, lists))
            raise ConfigurationError(f"{self.name} has more than one list of objects, {shown}: say which with records={next(iter(lists))!r}")
        if not lists:
            shown = ", ".join(map(repr, names[:12])) or "nothing in it"
            raise DecodeError(f"{self.name}: there is no list of records in the document, which has {shown}: say where with records=")
        if "errors" in lists:
            raise DecodeError(f"{self.name}: the only list in the document is 'errors': if those are the records, say so with records='errors'")
        return (next(iter(lists)),)


def _objects(text: JsonText) -> bool | None:
    """Passes over a value; whether it is a list of objects that has any, or None for what is no such list."""
    if text.peek() != "[":
        text.skip()
        return None
    filled, other = False, False
    for _ in text.items():
        other = other or text.peek() != "{"
        filled = True
        text.skip()
    return None if other else filled


def _joined(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step
