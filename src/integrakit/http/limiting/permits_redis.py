"""Permits in Redis (5 or newer) or Valkey, through the storage client of ``limits``: one atomic script, on the server's clock."""

from __future__ import annotations

from typing import Any

from integrakit.errors import ConfigurationError

__all__ = ["SCHEMES", "RedisPermits", "client_of"]

SCHEMES = ("redis", "rediss", "redis+unix", "valkey", "valkeys", "valkey+unix")
#: Seconds to wait for the server: one that is away must not hold up a request for long.
PATIENCE = 1.0
#: Who waits and does not ask for so many seconds is gone; and so is, for the counting of shares, a process after so many.
WAITER_LASTS, PROCESS_LASTS = 2.0, 60.0

_ACQUIRE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local function at(seconds) return string.format('%.6f', now + seconds) end
local holders, queue, beats, processes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local token, process, limit, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', holders, '-inf', at(0))
redis.call('ZREMRANGEBYSCORE', processes, '-inf', at(0))
redis.call('ZADD', processes, at(ARGV[6]), process)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', beats, '-inf', at(0))) do
  redis.call('ZREM', beats, gone)
  redis.call('ZREM', queue, gone)
end
redis.call('ZADD', queue, 'NX', at(0), token)
local granted = 0
if redis.call('ZSCORE', holders, token) then
  granted = 1
elseif redis.call('ZRANK', queue, token) < limit - redis.call('ZCARD', holders) then
  redis.call('ZADD', holders, at(ttl), token)
  granted = 1
end
if granted == 1 then
  redis.call('ZREM', queue, token)
  redis.call('ZREM', beats, token)
else
  redis.call('ZADD', beats, at(ARGV[5]), token)
end
local lasts = math.ceil(math.max(ttl, tonumber(ARGV[6]))) + 1
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, lasts) end
return {granted, redis.call('ZCARD', processes)}
"""

_RELEASE = """
for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
"""


class RedisPermits:
    """The permits of ``name`` at a server that ``client`` (redis-py's or valkey's) reaches."""

    def __init__(self, client: Any, name: str, limit: int) -> None:
        self._client = client
        self._limit = limit
        # One hash tag: in a cluster they live together.
        self._keys = [f"integrakit:permits:{{{name}}}:{part}" for part in ("holders", "queue", "beats", "processes")]
        self._acquire = client.register_script(_ACQUIRE)
        self._release = client.register_script(_RELEASE)

    def acquire(self, token: str, process: str, ttl: float, now: float) -> tuple[bool, int]:
        granted, seen = self._acquire(keys=self._keys, args=[token, process, self._limit, ttl, WAITER_LASTS, PROCESS_LASTS])
        return granted == 1, int(seen)

    def release(self, token: str, now: float) -> None:
        self._release(keys=self._keys[:3], args=[token])

    def holders(self) -> list[str]:
        found = self._client.zrange(self._keys[0], 0, -1)
        return [token.decode() if isinstance(token, bytes) else str(token) for token in found]


def client_of(uri: str) -> Any:
    """The client of the storage that ``limits`` has for this URL. Connects at the first use."""
    # Imported here: limits costs more to import than httpx, and a client without a shared limit does not need it.
    from limits.errors import ConfigurationError as Wrong
    from limits.storage import storage_from_string

    try:
        storage: Any = storage_from_string(uri, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    except Wrong as problem:
        how = "pip install valkey" if uri.startswith("valkey") else 'pip install "integrakit[redis]"'
        raise ConfigurationError(f"shared= with this URL needs a library that is not installed: {how}") from problem
    except ValueError as problem:
        raise ConfigurationError("shared= takes a URL such as 'redis://localhost:6379/0'; this one cannot be read") from problem
    return storage.storage
