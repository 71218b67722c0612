"""`RemoteFile`: a collection that comes as one file, or as several with a locator from each to the next. What it is told, checked; reading is
``remote_reader``'s, and the formats are those of files.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from attrs import field, frozen

from integrakit._http import encode_params
from integrakit._json import canonical, dumps, loads
from integrakit.errors import ConfigurationError
from integrakit.files import CsvFile, JsonFile, JsonLines, ParquetFile
from integrakit.http import Client, Timeout
from integrakit.http.arguments import checked_headers, checked_method, checked_params, checked_purpose, checked_timeout
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint
from integrakit.model.exchange import mask_url
from integrakit.protocols import Reader
from integrakit.reading.remote_reader import Bodies, RemoteReader

__all__ = ["Compression", "Format", "Locator", "RemoteFile", "checked_bodies", "lifetime_of"]

Format: TypeAlias = Literal["csv", "jsonl", "json", "parquet"]
Compression: TypeAlias = Literal["auto", "gzip", "zip"]

_SOURCES: Mapping[str, Any] = {"csv": CsvFile, "jsonl": JsonLines, "json": JsonFile, "parquet": ParquetFile}


def _header(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value.startswith("header:") or value == "header:":
        raise ConfigurationError(f"Locator(place) takes the header it stands in, 'header:Sforce-Locator', not {value!r}")


def _text(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or (attribute.name == "param" and not value):
        raise ConfigurationError(f"Locator({attribute.name}=…) takes a text, not {value!r}")


@frozen
class Locator:
    """Where each answer says how to ask for the next body: ``Locator("header:Sforce-Locator", param="locator", last="null")``.

    ``param``: the query parameter it goes back in. ``last``: what stands there when there is no more; an empty header, or none, means that as well.
    """

    place: str = field(validator=_header)
    param: str = field(kw_only=True, validator=_text)
    last: str = field(default="null", kw_only=True, validator=_text)

    def read(self, headers: Mapping[str, str]) -> str | None:
        """The locator of the next body; None where this was the last one."""
        value = headers.get(self.place.removeprefix("header:"), "").strip()
        return None if value in ("", self.last) else value


def lifetime_of(what: str, value: Any) -> float | None:
    """Seconds above 0, or None for no end."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf):
        raise ConfigurationError(f"{what}(token_lifetime=…) takes seconds above 0, or None where places do not expire, not {value!r}")
    return None if value is None else float(value)


def checked_bodies(
    what: str,
    client: Any,
    *,
    format: Any,
    locator: Any,
    count: Any,
    compression: Any,
    method: str,
    json: Any,
    params: Any,
    headers: Any,
    timeout: Any,
    purpose: Any,
    folder: Any,
    page_size: Any,
    key: Any,
    options: Mapping[str, Any],
) -> tuple[Bodies, Any]:
    """How bodies are fetched and read, and an example of the source that reads one. ``what``: who is told, for messages."""
    if not isinstance(client, Client):
        raise ConfigurationError(f"{what}(client, …) takes a Client or a Connector, not {type(client).__name__}")
    if not isinstance(format, str) or format not in _SOURCES:
        raise ConfigurationError(f"{what}(format=…) takes 'csv', 'jsonl', 'json' or 'parquet', not {format!r}")
    if locator is not None and not isinstance(locator, Locator):
        raise ConfigurationError(f"{what}(locator=…) takes a Locator('header:…', param=…), or None for one body, not {locator!r}")
    if count is not None and (not isinstance(count, str) or not count.removeprefix("header:")):
        raise ConfigurationError(f"{what}(count=…) takes where the number of records stands, such as 'header:X-Count', not {count!r}")
    if not isinstance(compression, str) or compression not in ("auto", "gzip", "zip"):
        raise ConfigurationError(f"{what}(compression=…) takes 'auto', 'gzip' or 'zip', not {compression!r}")
    if folder is not None and not os.path.isdir(folder):
        raise ConfigurationError(f"{what}(folder=…) takes a directory for temporary files, or None for the system's, not {folder!r}")
    call: dict[str, Any] = {"params": checked_params("params", params), "headers": checked_headers(headers), "purpose": checked_purpose(purpose)}
    if json is not None:
        call["json"] = json
    if timeout is not None:
        call["timeout"] = checked_timeout(timeout)
    if not purpose:
        del call["purpose"]
    make = _maker(what, format, key, page_size, options)
    bodies = Bodies(
        client=client,
        method=checked_method(method),
        call=call,
        next_of=None if locator is None else locator.read,
        param="" if locator is None else locator.param,
        count=None if count is None or not count.startswith("header:") else count.removeprefix("header:"),
        compression=compression,
        make=make,
        format=format,
        folder=None if folder is None else os.fspath(folder),
    )
    return bodies, make("body")


def _maker(what: str, format: str, key: Any, page_size: Any, options: Mapping[str, Any]) -> Callable[[str], Any]:
    kind = _SOURCES[format]

    def make(path: str) -> Any:
        try:
            return kind(path, key=key, page_size=page_size, **options)
        except TypeError as problem:
            raise ConfigurationError(f"{what}(format={format!r}) takes what {kind.__name__} takes: {problem}") from problem

    return make


def _is_url(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


class RemoteFile(Rereadable):
    """A file of records behind a URL: ``RemoteFile(client, "/jobs/7/results", format="csv", key="Id", types={"Amount": Decimal})``.

    Each body goes to a temporary file, is checked whole, and is then read page by page; it is gone when the read is over, or given up. ``locator``
    leads from each body to the next one. ``count``: the header with the number of records in a body, ``"header:Sforce-NumberOfRecords"``.
    ``compression``: "auto" tells gzip and zip by their first bytes; "gzip" and "zip" insist. ``method``, ``json``, ``params``, ``headers``,
    ``timeout``, ``purpose``: of the request, as for any call. ``token_lifetime``: the seconds for which a read can be gone on with. ``folder``: for
    temporary files, with room for the largest body. All else (``types=``, ``encoding=``, ``records=`` …) is for `CsvFile`, `JsonLines`, `JsonFile` or
    `ParquetFile`.

    Raises what `Client.download` raises, `DecodeError` for a file that is damaged, and `PaginationStalled` for a locator that comes twice.
    """

    on_runtime = True

    def __init__(
        self,
        client: Client,
        url: str,
        *,
        format: Format,
        key: Any = None,
        locator: Locator | None = None,
        count: str | None = None,
        compression: Compression = "auto",
        method: str = "GET",
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | Timeout | None = None,
        purpose: str = "",
        page_size: int = 1000,
        token_lifetime: float | None = 86_400.0,
        folder: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        shown = mask_url(url) if isinstance(url, str) else url
        if not isinstance(url, str) or not url or not _is_url(url):
            raise ConfigurationError(f"RemoteFile(client, url) takes a path such as '/jobs/7/results', or a whole URL, not {shown!r}")
        if count is not None and not str(count).startswith("header:"):
            raise ConfigurationError(f"RemoteFile(count=…) takes the header with the number of records, 'header:X-Count', not {count!r}")
        self._bodies, example = checked_bodies(
            "RemoteFile",
            client,
            format=format,
            locator=locator,
            count=count,
            compression=compression,
            method=method,
            json=json,
            params=params,
            headers=headers,
            timeout=timeout,
            purpose=purpose,
            folder=folder,
            page_size=page_size,
            key=key,
            options=options,
        )
        self.url = url
        # What it is known by in checkpoints and messages: a signature is nobody's business, and another one the next time.
        self._shown = shown
        #: The field that names a record; a tuple where it takes several.
        self.key: str | tuple[str, ...] | None = example.key
        #: Whether cells are text that nobody has said the type of.
        self.untyped: bool = getattr(example, "untyped", False)
        self._lifetime = lifetime_of("RemoteFile", token_lifetime)
        selects = [self._bodies.method, sorted(encode_params(self._bodies.call["params"])), loads(dumps(json)), format]
        self._parameters = hashlib.blake2b(canonical(selects), digest_size=8).hexdigest()

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read, from the start or on from a page's checkpoint. Nothing is asked for before the first page is."""
        return RemoteReader(self._bodies, [self.url], resource=self._shown, parameters=self._parameters, lifetime=self._lifetime, since=since)

    def __repr__(self) -> str:
        return f"<RemoteFile {self._shown} of {self._bodies.client!r}, {self._bodies.format}>"
