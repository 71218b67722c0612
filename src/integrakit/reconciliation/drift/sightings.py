"""From the breaks of a diff to the items of a ledger: what each is known by, what is kept of its values, and who looks after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from integrakit._json import pack
from integrakit.errors import ConfigurationError
from integrakit.reconciliation.drift.identity import content_text, item_id, key_text
from integrakit.reconciliation.drift.items import parts_of
from integrakit.reconciliation.drift.transitions import Sighting
from integrakit.reconciliation.findings import Break
from integrakit.reconciliation.reports.showing import clean, show
from integrakit.reconciliation.rules.spec import Field, Key

__all__ = ["Owner", "Sightings", "owner_checked"]

#: Who looks after a break: a name, field (or kind of break) → name, or a function of the break and the field.
Owner: TypeAlias = str | Mapping[str, str] | Callable[[Break, str | None], str | None]

_REASON = 200
_KEEPS_ITSELF = frozenset({str, int, type(None)})


def owner_checked(owner: Any) -> Owner | None:
    """What the user gave as ``owner=``. Raises `ConfigurationError`."""
    names = owner.values() if isinstance(owner, Mapping) else (owner,) if isinstance(owner, str) else ()
    if (owner is not None and not isinstance(owner, str | Mapping) and not callable(owner)) or any(not isinstance(name, str) for name in names):
        raise ConfigurationError(f"DriftLedger(owner=…) takes a name, field → name, or a function of a break and a field, not {owner!r}")
    return cast("Owner | None", dict(owner) if isinstance(owner, Mapping) else owner)


class Sightings:
    """The items that one diff shows."""

    def __init__(self, key: Key, fields: Iterable[Field], owner: Owner | None, *, values: bool) -> None:
        self._key = key
        self._owner = owner
        self._values = values
        self._owners = {field.name: field.owner for field in fields}
        self._keyless = {"left": 0, "right": 0}

    def of(self, breaks: Iterable[Break]) -> Iterator[Sighting]:
        """Raises `ConfigurationError` when the owner function fails."""
        for found in breaks:
            known, key = self.known(found), _kept(found.key)
            for field, cause, left, right in parts_of(found):
                yield Sighting(
                    id=item_id(known, found.kind, field),
                    key=key,
                    kind=found.kind,
                    field=field,
                    cause=cause if field is not None else clean(cause, _REASON) if self._values else "",
                    left=self._shown(left),
                    right=self._shown(right),
                    owner=self._owner_of(found, field),
                )

    def known(self, found: Break) -> str:
        """What the record of a break is known by."""
        if found.kind != "null_key" and not (found.kind == "invalid" and found.key is None):
            return key_text(found.key, self._key)
        if self._values:
            return content_text(found.left, found.right)
        # A digest of what it holds would let others find out what it holds: the third is the third.
        side = "left" if found.left is not None else "right"
        self._keyless[side] += 1
        return f"{side}:{self._keyless[side]:09}"

    def _shown(self, value: Any) -> str:
        return show(value) if self._values and value is not None else ""

    def _owner_of(self, found: Break, field: str | None) -> str | None:
        owner = self._owner
        if callable(owner):
            return self._asked(owner, found, field) or self._owners.get(field or "")
        if isinstance(owner, Mapping):
            return owner.get(field or "") or self._owners.get(field or "") or owner.get(found.kind)
        return self._owners.get(field or "") or owner

    @staticmethod
    def _asked(owner: Callable[[Break, str | None], str | None], found: Break, field: str | None) -> str | None:
        what = f"of {show(found.key)} ({found.kind if field is None else field})"
        try:
            name = owner(found, field)
        except Exception as problem:
            raise ConfigurationError(
                f"DriftLedger(owner=…): the function failed for the break {what}: {type(problem).__name__}: {problem}. Nothing was recorded"
            ) from problem
        if name is not None and not isinstance(name, str):
            raise ConfigurationError(f"DriftLedger(owner=…): the function gave {name!r:.60} for the break {what}; a name or None is expected")
        return name


def _kept(key: Any) -> Any:
    """A key as a store can keep it: as it is, or as text."""
    if type(key) in _KEEPS_ITSELF and (type(key) is not int or key.bit_length() < 1024):
        return key
    try:
        pack(key)
    except Exception:  # noqa: BLE001 - a foreign class may raise anything
        return show(key)
    return key
