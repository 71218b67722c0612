"""How a record of one system becomes a record of another. Pure: no I/O but reading the mapping file, no state."""

from integrakit.transform.dictionary import DataDictionary, data_dictionary
from integrakit.transform.documenting.coverage import Coverage
from integrakit.transform.grouping import grouped
from integrakit.transform.lookups import LookupFunction
from integrakit.transform.mapping import Mapping

__all__ = ["Coverage", "DataDictionary", "LookupFunction", "Mapping", "data_dictionary", "grouped"]
