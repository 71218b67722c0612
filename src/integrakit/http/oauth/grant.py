"""`Grant`: the tokens one has now, as a value and as the document that is kept of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from attrs import evolve, field, frozen

from integrakit.errors import StoreError
from integrakit.http.oauth.answers import Granted, is_token

__all__ = ["Grant", "fingerprint"]

#: Seconds before its end at which a token is replaced, where its life is long enough for that; otherwise this part of its life.
LEEWAY, LEEWAY_PART = 60.0, 0.1
#: Seeds that are remembered as used up.
SEEDS = 20
#: The layout of the document. A newer one is not read.
FORMAT = 1


def fingerprint(*parts: Any) -> str:
    """A short name for what must not be shown, or is too long to be a key."""
    return sha256("\0".join(repr(part) for part in parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@frozen(kw_only=True)
class Grant:
    """What is kept of a grant. Times are aware, in UTC, by the time of day: they outlive the process."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    #: The refresh token that was spent for this grant. The one after it has not shown yet that it is accepted.
    previous: str | None = field(default=None, repr=False)
    granted_at: datetime
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    scope: str | None = None
    #: Grows by one with each refresh.
    generation: int = 1
    #: Asked for because the one before was refused, although it had not expired.
    forced: bool = False
    #: Fingerprint of what was asked for (scope, audience …): a grant for something else is of no use.
    asked: str = ""
    #: Fingerprints of the refresh tokens that came from the program's own configuration, so that an old one is not taken for a new one.
    seeds: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        granted: Granted,
        *,
        at: datetime,
        asked: str,
        spent: str | None = None,
        before: Grant | None = None,
        forced: bool = False,
        seed: str = "",
    ) -> Grant:
        """The grant that follows on ``before``. ``at``: when it was asked for, which is safely before it was given."""
        rotated = granted.refresh_token is not None and granted.refresh_token != spent
        refresh_expires_at = _after(at, granted.refresh_expires_in)
        if not rotated and refresh_expires_at is None and before is not None and before.refresh_token == spent:
            refresh_expires_at = before.refresh_expires_at
        seeds = () if before is None else before.seeds
        return cls(
            access_token=granted.access_token,
            refresh_token=granted.refresh_token or spent,
            previous=spent if rotated else None,
            granted_at=at,
            expires_at=_after(at, granted.expires_in),
            refresh_expires_at=refresh_expires_at,
            scope=granted.scope,
            generation=1 if before is None else before.generation + 1,
            forced=forced,
            asked=asked,
            seeds=(*(known for known in seeds if known != seed), seed)[-SEEDS:] if seed else seeds,
        )

    def is_alive(self, now: datetime) -> bool:
        """Whether the access token has not expired, as far as is known."""
        return self.expires_at is None or now < self.expires_at

    def is_fresh(self, now: datetime, leeway: float | None) -> bool:
        """Whether it lives until a request with it has arrived. ``leeway`` in seconds; None: 60 s, or a tenth of its life if that is less."""
        if self.expires_at is None:
            return True
        life = (self.expires_at - self.granted_at).total_seconds()
        # No more than half of its life: otherwise it would be renewed for each request.
        leeway = min(LEEWAY, LEEWAY_PART * life) if leeway is None else min(leeway, life / 2)
        return now + timedelta(seconds=leeway) < self.expires_at

    def tokens(self) -> Sequence[str]:
        return [token for token in (self.access_token, self.refresh_token, self.previous) if token]

    def document(self, identity: str) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "identity": identity,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "previous": self.previous,
            "token_type": "Bearer",
            "granted_at": self.granted_at.isoformat(),
            "expires_at": None if self.expires_at is None else self.expires_at.isoformat(),
            "refresh_expires_at": None if self.refresh_expires_at is None else self.refresh_expires_at.isoformat(),
            "scope": self.scope,
            "generation": self.generation,
            "forced": self.forced,
            "asked": self.asked,
            "seeds": list(self.seeds),
        }

    @classmethod
    def read(cls, value: Any, place: str) -> Grant:
        """Raises `StoreError` for what is no grant that this version can read; the message shows nothing of it."""
        try:
            if value["format"] != FORMAT or not is_token(value["access_token"]):
                raise ValueError
            grant = cls(
                access_token=value["access_token"],
                refresh_token=_text(value["refresh_token"]),
                previous=_text(value["previous"]),
                granted_at=datetime.fromisoformat(value["granted_at"]).astimezone(UTC),
                expires_at=_moment(value["expires_at"]),
                refresh_expires_at=_moment(value["refresh_expires_at"]),
                scope=_text(value["scope"]),
                generation=int(value["generation"]),
                forced=bool(value["forced"]),
                asked=str(value["asked"]),
                seeds=tuple(str(seed) for seed in value["seeds"]),
            )
        except (TypeError, KeyError, ValueError):
            grant = None
        if grant is None:  # outside, since the error would have held the value
            raise StoreError(f"{place} holds no tokens that this version can read: upgrade it, or delete the document and authorise anew")
        return grant

    def after(self, before: Grant | None) -> Grant:
        """The same, counted on from a grant that has nothing to do with it but its place."""
        if before is None:
            return self
        seeds = (*(seed for seed in before.seeds if seed not in self.seeds), *self.seeds)[-SEEDS:]
        return evolve(self, generation=before.generation + 1, seeds=seeds)


def _after(at: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else at + timedelta(seconds=seconds)


def _moment(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).astimezone(UTC)


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value
