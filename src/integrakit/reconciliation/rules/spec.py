"""What is compared, in the user's words: `Key` and `Field`. Values only, checked when they are built; how they are applied stands elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.rules.totals import wide
from integrakit.reconciliation.rules.values import number

__all__ = ["Field", "Key", "Normalise", "Tolerance", "Truncate", "names_of", "read_fields"]

Normalise: TypeAlias = Callable[[Any], Any]
Truncate: TypeAlias = Literal["us", "ms", "s", "min"]

#: nanoseconds
TRUNCATE_UNITS: dict[str, int] = {"us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000}


@frozen
class Tolerance:
    """How far apart two values may be: an absolute amount, a share of the larger magnitude, or a time."""

    absolute: Decimal | None = None
    relative: Decimal | None = None
    time: timedelta | None = None


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{what} takes names of fields as text, not {value!r}")
    return value


def _callable(value: Any, what: str) -> None:
    if value is not None and not callable(value):
        raise ConfigurationError(f"{what} takes a function of one value, such as str.casefold, not {value!r}")


@frozen(init=False)
class Key:
    """The fields that say which record is which: ``Key("id")``, ``Key("tenant", "id")``, ``Key("id", right="external_id")``.

    ``right``: the names on the right where they differ, as many as on the left. ``normalise``: applied to each value of the key on both sides,
    null excepted. Raises `ConfigurationError`.
    """

    names: tuple[str, ...]
    right: tuple[str, ...]
    normalise: Normalise | None = field(repr=False)

    def __init__(self, *names: str, right: str | Iterable[str] | None = None, normalise: Normalise | None = None) -> None:
        left = tuple(_name(name, "Key(…)") for name in names)
        given = left if right is None else (right,) if isinstance(right, str) else right
        other = tuple(_name(name, "Key(right=…)") for name in given)
        if not left or len(left) != len(other):
            raise ConfigurationError(f"Key takes at least one name and as many on the right, e.g. Key('id', right='external_id'): {left} / {other}")
        if len(set(left)) < len(left) or len(set(other)) < len(other):
            raise ConfigurationError(f"Key names a field twice: {left} / {other}")
        _callable(normalise, "Key(normalise=…)")
        self.__attrs_init__(left, other, normalise)  # pyright: ignore[reportAttributeAccessIssue] - made by attrs

    @classmethod
    def of(cls, value: Any) -> Key:
        """A Key as it is; a name as a key of one field; a list or tuple of names as a composite one."""
        if isinstance(value, Key):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, list | tuple):
            return cls(*value)
        raise ConfigurationError(f"key= takes a name, a list of names or a Key, not {value!r}")


def _within(value: Any) -> Tolerance | None:
    if value is None or isinstance(value, Tolerance):
        return value
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise ConfigurationError(f"Field(within=…) takes a time of 0 or more, not {value!r}")
        return Tolerance(time=value)
    text = value.strip() if isinstance(value, str) else ""
    try:
        amount = number(Decimal(text.removesuffix("%")) if isinstance(value, str) else value)
    except InvalidOperation:
        amount = None
    if amount is None or not 0 <= amount < Decimal("1E+30") or len(Decimal(amount).as_tuple().digits) > 40:
        raise ConfigurationError(f'Field(within=…) takes an amount of 0 or more ("0.01"), a share ("0.1%") or a timedelta, not {value!r}')
    return Tolerance(relative=wide().scaleb(Decimal(amount), -2)) if text.endswith("%") else Tolerance(absolute=Decimal(amount))


@frozen
class Field:
    """How one field is compared: ``Field("total_price", right="total", within="0.01")``. Raises `ConfigurationError`.

    ``right``: its name on the right. ``within``: numbers may differ by an amount ("0.01") or by a share of the larger one ("0.1%"), times by a
    ``timedelta``; inclusive. ``normalise``: a function applied to both values, null and absent ones excepted. ``unordered``: lists are compared
    without their order, counting repeated items. ``truncate``: times are cut to "us", "ms", "s" or "min" first. ``null_is_empty``: null, an absent
    field and the empty text count as the same.
    """

    name: str
    right: str = field(default=None, kw_only=True)
    within: Tolerance | None = field(default=None, kw_only=True, converter=_within)
    normalise: Normalise | None = field(default=None, kw_only=True, repr=False)
    unordered: bool = field(default=False, kw_only=True)
    truncate: Truncate | None = field(default=None, kw_only=True)
    null_is_empty: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _name(self.name, "Field(…)")
        if self.right is None:
            object.__setattr__(self, "right", self.name)
        _name(self.right, "Field(right=…)")
        _callable(self.normalise, "Field(normalise=…)")
        for option in ("unordered", "null_is_empty"):
            if not isinstance(getattr(self, option), bool):
                raise ConfigurationError(f"Field({option}=…) takes True or False, not {getattr(self, option)!r}")
        if self.truncate is not None and self.truncate not in TRUNCATE_UNITS:
            raise ConfigurationError(f"Field(truncate=…) takes one of {', '.join(map(repr, TRUNCATE_UNITS))}, not {self.truncate!r}")
        if self.unordered and (self.within is not None or self.truncate is not None):
            raise ConfigurationError(f"Field({self.name!r}): unordered=True compares the items of lists by value, without within= and truncate=")

    @property
    def exact(self) -> bool:
        """Whether equality of this field is transitive: no tolerance."""
        return self.within is None

    @classmethod
    def of(cls, value: Any) -> Field:
        """A Field as it is; a name; or a pair (name on the left, name on the right)."""
        if isinstance(value, Field):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, tuple) and len(value) == 2:
            return cls(value[0], right=value[1])
        raise ConfigurationError(f"fields= takes names, pairs (left, right) and Field(…), not {value!r}")


def names_of(value: Any, argument: str) -> frozenset[str]:
    """A collection of names; a lone text is refused, for it would be taken for its letters."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{argument} takes a list of names, such as {argument}['etag'], not {value!r}")
    return frozenset(_name(name, argument) for name in value)


def read_fields(value: Any, ignored: frozenset[str]) -> tuple[Field, ...] | None:
    """``fields=`` as the user gave it. None: compare what both sides have."""
    if value is None:
        return None
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ConfigurationError(f"fields= takes a list of names and Field(…), not {value!r}")
    found = tuple(Field.of(item) for item in value)
    for side in ("name", "right"):
        names = [getattr(item, side) for item in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigurationError(f"fields= names {twice[0]!r} twice{' on the right' if side == 'right' else ''}: give each field once")
        if both := sorted(ignored.intersection(names)):
            raise ConfigurationError(f"{both[0]!r} stands in fields= and in ignore=: leave one of them out")
    return found
