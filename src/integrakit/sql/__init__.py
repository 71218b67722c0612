"""Tables of a SQL database as source and sink. SQLite only, through the standard library."""

from integrakit.sql.table import SqlTable

__all__ = ["SqlTable"]
