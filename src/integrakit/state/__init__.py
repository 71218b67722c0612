"""Where state lives: stores behind one narrow protocol (`integrakit.protocols.Store`), and the lease that keeps two runs apart.

Only the stores and the lease may live here; what is kept in them, and under which names, is the business of the engines above.
"""

from integrakit.state.lease import Lease, acquire_lease
from integrakit.state.memory import MemoryStore
from integrakit.state.opening import open_store
from integrakit.state.sql_store import SqlStore
from integrakit.state.sqlite import SqliteStore

__all__ = ["Lease", "MemoryStore", "SqlStore", "SqliteStore", "acquire_lease", "open_store"]
