"""Values that are used and never shown: where they come from, when they are asked for again, and how they stay out of logs and messages.

Nothing is loaded before it is asked for (PEP 562): every client hides secrets, and few of them fetch any.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from integrakit._lazy import handing_on as _handing_on

if TYPE_CHECKING:
    from integrakit.secrets.aws import AwsSecrets
    from integrakit.secrets.log_filter import RedactingFilter
    from integrakit.secrets.redaction import redact
    from integrakit.secrets.secret import Secret
    from integrakit.secrets.sources import Fetched, SecretSource, unavailable

__all__ = ["AwsSecrets", "Fetched", "RedactingFilter", "Secret", "SecretSource", "redact", "unavailable"]

#: The module of each name.
_HOMES = MappingProxyType(
    {
        "AwsSecrets": "integrakit.secrets.aws",
        "Fetched": "integrakit.secrets.sources",
        "RedactingFilter": "integrakit.secrets.log_filter",
        "Secret": "integrakit.secrets.secret",
        "SecretSource": "integrakit.secrets.sources",
        "redact": "integrakit.secrets.redaction",
        "unavailable": "integrakit.secrets.sources",
    }
)

if not TYPE_CHECKING:
    __getattr__, __dir__ = _handing_on(__name__, _HOMES, __all__)
