"""HashiCorp Vault as a source of secrets: KV version 2, by token or AppRole, over its HTTP API and our own client.

From https://developer.hashicorp.com/vault/api-docs (read 2026-11): the token goes in ``X-Vault-Token``, a namespace in ``X-Vault-Namespace``, and
errors come as ``{"errors": […]}``.
"""

from integrakit.vault.kv import Vault
from integrakit.vault.session import AppRole

__all__ = ["AppRole", "Vault"]
