"""Lookups: what a value becomes by a table, and what is done with a value outside it."""

from integrakit.transform.lookups.days import day_of
from integrakit.transform.lookups.function import LookupFunction
from integrakit.transform.lookups.lookup import Entry, Lookup, Table, look_up, search
from integrakit.transform.lookups.plain import PlainTable
from integrakit.transform.lookups.tables import Tables, read_tables

__all__ = ["Entry", "Lookup", "LookupFunction", "PlainTable", "Table", "Tables", "day_of", "look_up", "read_tables", "search"]
