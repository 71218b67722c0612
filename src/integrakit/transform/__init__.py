"""How a record of one system becomes a record of another. Pure: no I/O but reading the mapping file, no state."""

from integrakit.transform.coverage import Coverage
from integrakit.transform.mapping import Mapping

__all__ = ["Coverage", "Mapping"]
