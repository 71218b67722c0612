"""What is compared, in the user's words: `Key` and `Field`. Values only, checked when they are built; how they are applied stands elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.rules.preparing import TRUNCATE_UNITS, Blanks, Preparation, Truncate, UnicodeForm
from integrakit.reconciliation.rules.totals import wide
from integrakit.reconciliation.rules.values import number

__all__ = ["Field", "Key", "Normalise", "Side", "Tolerance", "names_of", "read_fields"]

Normalise: TypeAlias = Callable[[Any], Any]
Side: TypeAlias = Literal["left", "right"]

_UNICODE_FORMS = ("NFC", "NFKC")
_BLANKS = ("trim", "collapse", "remove")
_SIDES = ("left", "right")


@frozen
class Tolerance:
    """How far apart two values may be: exactly one of an amount, a share of the larger magnitude, a time, or a tolerance for each currency."""

    absolute: Decimal | None = None
    relative: Decimal | None = None
    time: timedelta | None = None
    #: (currency in capitals, or "*" for all others; its tolerance)
    by_currency: tuple[tuple[str, Tolerance], ...] | None = None

    def of(self, currency: str | None) -> Tolerance | None:
        """The tolerance for amounts of a currency; None: they must be the same."""
        if self.by_currency is None:
            return self
        if currency is None:
            return None
        limits = dict(self.by_currency)
        return limits.get(currency.strip().upper(), limits.get("*"))


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{what} takes names of fields as text, not {value!r}")
    return value


def _callable(value: Any, what: str) -> None:
    if value is not None and not callable(value):
        raise ConfigurationError(f"{what} takes a function of one value, such as str.casefold, not {value!r}")


def _choice(value: Any, allowed: Iterable[str], what: str) -> None:
    if value is not None and value not in (found := tuple(allowed)):
        raise ConfigurationError(f"{what} takes one of {', '.join(map(repr, found))}, not {value!r}")


def _flag(value: Any, what: str) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{what} takes True or False, not {value!r}")


@frozen(init=False)
class Key:
    """The fields that say which record is which: ``Key("id")``, ``Key("tenant", "id")``, ``Key("id", right="external_id")``.

    ``right``: the names on the right where they differ, as many as on the left. ``normalise``: applied to each value of the key on both sides,
    null excepted. ``ignore_case``, ``unicode`` ("NFC", "NFKC") and ``blanks`` ("trim", "collapse", "remove"): as for a `Field`, after ``normalise``.
    Raises `ConfigurationError`.
    """

    names: tuple[str, ...]
    right: tuple[str, ...]
    #: What the user gave as ``normalise=``.
    function: Normalise | None = field(repr=False)
    preparation: Preparation

    def __init__(
        self,
        *names: str,
        right: str | Iterable[str] | None = None,
        normalise: Normalise | None = None,
        ignore_case: bool = False,
        unicode: UnicodeForm | None = None,
        blanks: Blanks | None = None,
    ) -> None:
        left = tuple(_name(name, "Key(…)") for name in names)
        given = left if right is None else (right,) if isinstance(right, str) else right
        other = tuple(_name(name, "Key(right=…)") for name in given)
        if not left or len(left) != len(other):
            raise ConfigurationError(f"Key takes at least one name and as many on the right, e.g. Key('id', right='external_id'): {left} / {other}")
        if len(set(left)) < len(left) or len(set(other)) < len(other):
            raise ConfigurationError(f"Key names a field twice: {left} / {other}")
        _callable(normalise, "Key(normalise=…)")
        _flag(ignore_case, "Key(ignore_case=…)")
        _choice(unicode, _UNICODE_FORMS, "Key(unicode=…)")
        _choice(blanks, _BLANKS, "Key(blanks=…)")
        preparation = Preparation(ignore_case=ignore_case, unicode=unicode, blanks=blanks)
        self.__attrs_init__(left, other, normalise, preparation)  # pyright: ignore[reportAttributeAccessIssue] - made by attrs

    @property
    def normalise(self) -> Normalise | None:
        """All that is done to each value of the key before it is compared; None: nothing is."""
        function, prepared = self.function, self.preparation
        if function is None or not prepared:
            return prepared if prepared else function
        return lambda value: prepared(function(value))

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
    if isinstance(value, Mapping):
        return Tolerance(by_currency=_by_currency(value))
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
        raise ConfigurationError(
            f'Field(within=…) takes an amount of 0 or more ("0.01"), a share ("0.1%"), a timedelta, or amounts by currency '
            f'({{"EUR": "0.01", "*": 0}}), not {value!r}'
        )
    return Tolerance(relative=wide().scaleb(Decimal(amount), -2)) if text.endswith("%") else Tolerance(absolute=Decimal(amount))


def _by_currency(value: Mapping[Any, Any]) -> tuple[tuple[str, Tolerance], ...]:
    found: dict[str, Tolerance] = {}
    for currency, limit in value.items():
        if not isinstance(currency, str) or not (code := currency.strip().upper()):
            raise ConfigurationError(f'Field(within={{…}}) takes codes of currencies such as "EUR", and "*" for all others, not {currency!r}')
        if code in found:
            raise ConfigurationError(f"Field(within={{…}}) names {code!r} twice")
        if isinstance(limit, timedelta | Mapping) or (tolerance := _within(limit)) is None:
            raise ConfigurationError(f'Field(within={{{currency!r}: …}}) takes an amount ("0.01", 0) or a share ("0.1%"), not {limit!r}')
        found[code] = tolerance
    if not found:
        raise ConfigurationError('Field(within={…}) names no currency: give {"EUR": "0.01", "*": 0} or leave it out')
    return tuple(found.items())


def _currency(value: Any) -> tuple[str, str] | None:
    if value is None or isinstance(value, str):
        return None if value is None else (value, value)
    if isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(name, str) for name in value):
        return value[0], value[1]
    raise ConfigurationError(f"Field(currency=…) takes the name of a field, or a pair of names (left, right), not {value!r}")


def _zones(value: Any) -> tuple[str | None, str | None] | None:
    if value is None:
        return None
    pair = (value, value) if isinstance(value, str) else value
    if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(each is None or isinstance(each, str) for each in pair)) or not any(pair):
        raise ConfigurationError(f'Field(zone=…) takes a name such as "Europe/Berlin", or one for each side ("Europe/Berlin", None), not {value!r}')
    for zone in pair:
        try:
            if zone is not None:
                ZoneInfo(zone)
        except Exception as problem:  # KeyError, ValueError, OSError: by what is wrong with the name or the files behind it
            raise ConfigurationError(
                f'Field(zone=…): no time zone {zone!r} is known here; names are such as "Europe/Berlin" and "UTC". Where the system has no time '
                "zones: pip install tzdata"
            ) from problem
    return pair[0], pair[1]


@frozen
class Field:
    """How one field is compared: ``Field("total_price", right="total", within="0.01")``. Raises `ConfigurationError`.

    - ``right``: its name on the right.
    - ``within``: numbers may differ by an amount ("0.01") or by a share of the larger one ("0.1%"), times by a ``timedelta``; inclusive. By currency:
      ``within={"EUR": "0.01", "JPY": 0, "*": "0.01"}, currency="currency"``. ``currency`` names the field of both records that says it (or a pair of
      names), which is compared too; `Money` has its own. Amounts of two currencies, or without one, have no tolerance.
    - ``normalise``: a function applied to both values before all else, null and absent ones excepted.
    - ``ignore_case``: text is compared casefolded. ``unicode``: text is brought to "NFC" or "NFKC". ``blanks``: white space at both ends is cut
      ("trim"), runs of it are made one space besides ("collapse"), or all of it is left out ("remove").
    - ``zone``: naive times are taken by this clock and compared as instants; by one for each side as ``("Europe/Berlin", None)``. Of an hour that
      comes twice ``fold`` says which; an hour that is skipped counts on from the one before (PEP 495).
    - ``truncate``: times are cut to "us", "ms", "s", "min", "h" or "day"; aware ones by the clock of ``zone`` (of two, the left's), else of UTC.
    - ``unordered``: lists are compared without their order, counting repeated items. ``null_is_empty``: null, an absent field and the empty text
      count as the same. Options for text and times hold for each item of a list too.
    - ``truth``: the side whose value is right when repairs are made. ``owner``: who looks after differences. Neither changes what is compared.
    """

    name: str
    right: str = field(default=None, kw_only=True)
    within: Tolerance | None = field(default=None, kw_only=True, converter=_within)
    currency: tuple[str, str] | None = field(default=None, kw_only=True, converter=_currency)
    normalise: Normalise | None = field(default=None, kw_only=True, repr=False)
    ignore_case: bool = field(default=False, kw_only=True)
    unicode: UnicodeForm | None = field(default=None, kw_only=True)
    blanks: Blanks | None = field(default=None, kw_only=True)
    zone: tuple[str | None, str | None] | None = field(default=None, kw_only=True, converter=_zones)
    truncate: Truncate | None = field(default=None, kw_only=True)
    unordered: bool = field(default=False, kw_only=True)
    null_is_empty: bool = field(default=False, kw_only=True)
    truth: Side | None = field(default=None, kw_only=True)
    owner: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _name(self.name, "Field(…)")
        if self.right is None:
            object.__setattr__(self, "right", self.name)
        _name(self.right, "Field(right=…)")
        _callable(self.normalise, "Field(normalise=…)")
        for option in ("unordered", "null_is_empty", "ignore_case"):
            _flag(getattr(self, option), f"Field({option}=…)")
        for option, allowed in (("truncate", TRUNCATE_UNITS), ("unicode", _UNICODE_FORMS), ("blanks", _BLANKS), ("truth", _SIDES)):
            _choice(getattr(self, option), allowed, f"Field({option}=…)")
        if self.owner is not None and not (isinstance(self.owner, str) and self.owner.strip()):
            raise ConfigurationError(f"Field(owner=…) takes the name of a person or a team, not {self.owner!r}")
        if self.unordered and self.within is not None:
            raise ConfigurationError(f"Field({self.name!r}): unordered=True compares the items of lists by value, so within= has no pairs to measure")
        by_currency = self.within is not None and self.within.by_currency is not None
        if self.currency is not None and not by_currency:
            raise ConfigurationError(f'Field({self.name!r}): currency= goes with tolerances by currency, within={{"EUR": "0.01", "*": 0}}')
        if self.currency is not None and self.name == self.currency[0]:
            raise ConfigurationError(f"Field({self.name!r}): currency= names the field of the currency, not the amount itself")

    @property
    def exact(self) -> bool:
        """Whether equality of this field is transitive: no tolerance."""
        return self.within is None

    @property
    def options(self) -> frozenset[str]:
        """Names of the options in force that change what is the same; without any, values are compared as they are."""
        changing = ("within", "normalise", "ignore_case", "unicode", "blanks", "zone", "truncate", "unordered", "null_is_empty")
        return frozenset(option for option in changing if getattr(self, option) not in (None, False))

    @property
    def by_side(self) -> bool:
        """Whether values that are the same to begin with may yet differ, for the two sides go by different clocks.

        Engines that sort out what is surely the same leave such a field to the rules altogether.
        """
        return self.zone is not None and self.zone[0] != self.zone[1]

    def preparation(self, side: int) -> Preparation:
        """What is done to the values of one side, null_is_empty= and normalise= aside."""
        zones = self.zone or (None, None)
        return Preparation(
            ignore_case=self.ignore_case,
            unicode=self.unicode,
            blanks=self.blanks,
            zone=zones[side],
            truncate=self.truncate,
            cut_zone=zones[0] or zones[1],
        )

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


def _with_currencies(fields: tuple[Field, ...], key: Key | None) -> tuple[Field, ...]:
    named = {(item.name, item.right) for item in fields} | (set() if key is None else set(zip(key.names, key.right, strict=True)))
    wanted = dict.fromkeys(item.currency for item in fields if item.currency is not None)
    return *fields, *(Field(left, right=right) for left, right in wanted if (left, right) not in named)


def read_fields(value: Any, ignored: frozenset[str], key: Key | None = None) -> tuple[Field, ...] | None:
    """``fields=`` as the user gave it, a mapping as pairs of names (left → right). None: compare what both sides have.

    The field of a currency that a tolerance goes by is compared too, unless it is part of the key: 5 EUR are not 5 USD.
    """
    if value is None:
        return None
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ConfigurationError(f"fields= takes a list of names and Field(…), or a mapping of names (left → right), not {value!r}")
    items = value.items() if isinstance(value, Mapping) else value
    found = _with_currencies(tuple(Field.of(item) for item in items), key)
    for side in ("name", "right"):
        names = [getattr(item, side) for item in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigurationError(f"fields= names {twice[0]!r} twice{' on the right' if side == 'right' else ''}: give each field once")
        if both := sorted(ignored.intersection(names)):
            raise ConfigurationError(f"{both[0]!r} stands in fields= and in ignore=: leave one of them out")
    return found
