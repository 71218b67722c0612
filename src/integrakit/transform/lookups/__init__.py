"""Lookups: what a value becomes by a table, and what is done with a value outside it."""

from integrakit.transform.lookups.lookup import Lookup, Table, look_up, lookup_key
from integrakit.transform.lookups.plain import PlainTable, plain_tables

__all__ = ["Lookup", "PlainTable", "Table", "look_up", "lookup_key", "plain_tables"]
