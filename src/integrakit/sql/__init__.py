"""Tables and queries of SQL databases: SQLite through the standard library, PostgreSQL and MariaDB through SQLAlchemy (an extra)."""

from integrakit.sql.query import SqlQuery
from integrakit.sql.table import SqlTable

__all__ = ["SqlQuery", "SqlTable"]
