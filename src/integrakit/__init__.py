"""integrakit: build integrations that people own.

The names of the first hour, under ``import integrakit as ik``; the rest is reached by its module. Nothing is loaded before it is asked for (PEP 562),
so the import costs next to nothing, and type checkers see every name with its real type. No code of any other kind lives here.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrakit import audit, errors, http, observers, secrets, testing
    from integrakit.connector import Connector, Endpoint, Resource
    from integrakit.errors import IntegrakitError
    from integrakit.files import CsvFile, JsonFile, JsonLines, ParquetFile
    from integrakit.http import (
        ApiKey,
        BasicAuth,
        BearerToken,
        CircuitBreaker,
        Client,
        CursorPaginator,
        HeaderLinkPaginator,
        IdempotencyKey,
        JSONLinkPaginator,
        KeysetPaginator,
        OAuth2ClientCredentials,
        OAuth2JWTBearer,
        OAuth2RefreshToken,
        OffsetPaginator,
        PageNumberPaginator,
        PerAttempt,
        RateLimit,
        RelayPaginator,
        Retry,
        SinglePagePaginator,
        Stream,
    )
    from integrakit.model import UNSET, Change, Checkpoint, Evidence, Outcome, Page, Response, Timeout, Tombstone, Window
    from integrakit.money import Money
    from integrakit.protocols import Store
    from integrakit.reading import Backfill, BulkJob, RemoteFile, SlicedRead, Tombstones, mapped
    from integrakit.reconciliation import (
        Accept,
        DriftLedger,
        Field,
        Key,
        ParallelRun,
        Recheck,
        Settle,
        amatch_ledgers,
        areconcile,
        match_ledgers,
        reconcile,
    )
    from integrakit.runtimes import drive as run
    from integrakit.runtimes import runtime
    from integrakit.secrets import Secret
    from integrakit.sql import SqlQuery, SqlTable
    from integrakit.state import MemoryStore, SqliteStore, open_store
    from integrakit.sync import Sync
    from integrakit.transform import LookupFunction, Mapping, data_dictionary, grouped
    from integrakit.writing import Guard, Plan

__version__ = "0.1.0"

__all__ = [
    "UNSET",
    "Accept",
    "ApiKey",
    "Backfill",
    "BasicAuth",
    "BearerToken",
    "BulkJob",
    "Change",
    "Checkpoint",
    "CircuitBreaker",
    "Client",
    "Connector",
    "CsvFile",
    "CursorPaginator",
    "DriftLedger",
    "Endpoint",
    "Evidence",
    "Field",
    "Guard",
    "HeaderLinkPaginator",
    "IdempotencyKey",
    "IntegrakitError",
    "JSONLinkPaginator",
    "JsonFile",
    "JsonLines",
    "Key",
    "KeysetPaginator",
    "LookupFunction",
    "Mapping",
    "MemoryStore",
    "Money",
    "OAuth2ClientCredentials",
    "OAuth2JWTBearer",
    "OAuth2RefreshToken",
    "OffsetPaginator",
    "Outcome",
    "Page",
    "PageNumberPaginator",
    "ParallelRun",
    "ParquetFile",
    "PerAttempt",
    "Plan",
    "RateLimit",
    "Recheck",
    "RelayPaginator",
    "RemoteFile",
    "Resource",
    "Response",
    "Retry",
    "Secret",
    "Settle",
    "SinglePagePaginator",
    "SlicedRead",
    "SqlQuery",
    "SqlTable",
    "SqliteStore",
    "Store",
    "Stream",
    "Sync",
    "Timeout",
    "Tombstone",
    "Tombstones",
    "Window",
    "__version__",
    "amatch_ledgers",
    "areconcile",
    "audit",
    "data_dictionary",
    "errors",
    "grouped",
    "http",
    "mapped",
    "match_ledgers",
    "observers",
    "open_store",
    "reconcile",
    "run",
    "runtime",
    "secrets",
    "testing",
]

#: The module of each name.
_HOMES = MappingProxyType(
    {
        "Accept": "reconciliation",
        "ApiKey": "http",
        "Backfill": "reading",
        "BasicAuth": "http",
        "BearerToken": "http",
        "BulkJob": "reading",
        "Change": "model",
        "Checkpoint": "model",
        "CircuitBreaker": "http",
        "Client": "http",
        "Connector": "connector",
        "CsvFile": "files",
        "CursorPaginator": "http",
        "DriftLedger": "reconciliation",
        "Endpoint": "connector",
        "Evidence": "model",
        "Field": "reconciliation",
        "Guard": "writing",
        "HeaderLinkPaginator": "http",
        "IdempotencyKey": "http",
        "IntegrakitError": "errors",
        "JSONLinkPaginator": "http",
        "JsonFile": "files",
        "JsonLines": "files",
        "Key": "reconciliation",
        "KeysetPaginator": "http",
        "LookupFunction": "transform",
        "Mapping": "transform",
        "MemoryStore": "state",
        "Money": "money",
        "OAuth2ClientCredentials": "http",
        "OAuth2JWTBearer": "http",
        "OAuth2RefreshToken": "http",
        "OffsetPaginator": "http",
        "Outcome": "model",
        "Page": "model",
        "PageNumberPaginator": "http",
        "ParallelRun": "reconciliation",
        "ParquetFile": "files",
        "PerAttempt": "http",
        "Plan": "writing",
        "RateLimit": "http",
        "Recheck": "reconciliation",
        "RelayPaginator": "http",
        "RemoteFile": "reading",
        "Resource": "connector",
        "Response": "model",
        "Retry": "http",
        "Secret": "secrets",
        "Settle": "reconciliation",
        "SinglePagePaginator": "http",
        "SlicedRead": "reading",
        "SqlQuery": "sql",
        "SqlTable": "sql",
        "SqliteStore": "state",
        "Store": "protocols",
        "Stream": "http",
        "Sync": "sync",
        "Timeout": "model",
        "Tombstone": "model",
        "Tombstones": "reading",
        "UNSET": "model",
        "Window": "model",
        "amatch_ledgers": "reconciliation",
        "areconcile": "reconciliation",
        "data_dictionary": "transform",
        "grouped": "transform",
        "mapped": "reading",
        "match_ledgers": "reconciliation",
        "open_store": "state",
        "reconcile": "reconciliation",
        "run": "runtimes",
        "runtime": "runtimes",
    }
)
_MODULES = frozenset({"audit", "errors", "http", "observers", "secrets", "testing"})
#: What is called differently where it is defined.
_THERE = MappingProxyType({"run": "drive"})

if not TYPE_CHECKING:

    def _elsewhere(name: str) -> str:
        for module in sorted(_MODULES):
            if name in import_module(f"integrakit.{module}").__all__:
                return f"it is integrakit.{module}.{name}; "
        return ""

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            value = getattr(import_module(f"integrakit.{_HOMES[name]}"), _THERE.get(name, name))
        elif name in _MODULES:
            value = import_module(f"integrakit.{name}")
        else:
            # With `name` and `obj` the traceback goes on with "Did you mean: …?".
            where = "" if name.startswith("_") else _elsewhere(name)
            said = f"integrakit {__version__} has no {name!r}: {where}dir(integrakit) lists what it has"
            raise AttributeError(said, name=name, obj=sys.modules[__name__])
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return list(__all__)
