"""A mapping held against its target before anything is written. Nothing is fetched, nothing is run, no record is needed.

What each rule can give (`given`, `inferring`), what a JSON Schema wants (`schemas`, `comparing`, `scalars`, `openapi`) or a class (`classes`), and
what is wrong (`problems`, `findings`); `check` puts them together.
"""

from integrakit.transform.checking.check import check_class, check_schema
from integrakit.transform.checking.findings import Finding, Findings

__all__ = ["Finding", "Findings", "check_class", "check_schema"]
