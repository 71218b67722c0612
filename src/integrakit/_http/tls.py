"""Which versions of TLS are spoken: the library's own context, with a floor put under it. Certificates are not decided here."""

from __future__ import annotations

from typing import Any

from integrakit._http.failures import said
from integrakit.errors import ConfigurationError

__all__ = ["checked_tls", "refused_for_its_version", "set_it_there", "tls_context"]

#: As they stand on the wire (RFC 8446 §4.1.2), and as `ssl.TLSVersion` numbers them: ssl itself is not loaded before the HTTP library is.
_VERSIONS = {"1.2": 0x0303, "1.3": 0x0304}
#: What OpenSSL says (1.1 to 3) when both ends speak, and no version is spoken by both.
_NO_COMMON_VERSION = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE")


def checked_tls(tls: Any) -> str | None:
    """The lowest version that will do: None, "1.2" or "1.3". Raises `ConfigurationError` for all else."""
    if tls is not None and (not isinstance(tls, str) or tls not in _VERSIONS):
        raise ConfigurationError(f'tls= takes "1.3" or "1.2", the lowest version of TLS that will do, or None for what the library does; not {tls!r}')
    checked: str | None = tls
    return checked


def tls_context(module: Any, tls: str) -> Any:
    """The context that the library ``module`` would make (its certificates, ``SSL_CERT_FILE`` and all), which speaks no version below ``tls``."""
    context = module.create_ssl_context()
    context.minimum_version = _VERSIONS[tls]
    return context


def set_it_there(tls: str) -> str:
    """What to do instead, where the connections are not ours to make."""
    version = "TLSv" + tls.replace(".", "_")
    return f"set it there: context = ssl.create_default_context(); context.minimum_version = ssl.TLSVersion.{version}; and give them verify=context"


def refused_for_its_version(tls: str | None, problem: Exception) -> str:
    """What to say of a handshake that failed since the server does not speak ``tls``; "" when it failed otherwise, or no floor was asked for."""
    words = said(problem).upper().replace(" ", "_")
    if tls is None or not any(each in words for each in _NO_COMMON_VERSION):
        return ""
    return f"the server does not speak TLS {tls}, which tls= asks for"
