"""Currencies: the codes of ISO 4217 with the digits of their minor units, those that were withdrawn, and units of a user's own.

Only what a unit is called and how many digits it has. No amounts, no names of countries, no exchange rates.

Source: the lists of the maintenance agency of ISO 4217 (SIX), https://www.six-group.com/en/products-services/financial-information/data-standards.html,
List One (current) and List Three (historic) as published on 2026-01-01, amendments up to number 180.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Any

from attrs import Factory, field, frozen

from integrakit.errors import ConfigurationError
from integrakit.money.exact import shown

__all__ = ["CURRENCIES", "MOST_DIGITS", "WITHDRAWN", "Currency", "Withdrawn", "currency_of"]

#: Digits after the point that a unit may have. Ether has 18.
MOST_DIGITS = 30

_TWO = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK
    DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR
    LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR
    SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER
    ZAR ZMW ZWG
"""
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
#: Gold, bond units, the code for tests: the standard gives them no minor unit. The last one, for no currency at all, looks like a mark of haste.
_NONE = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA " + 3 * "X"

#: code:when:what came after it, if one current currency did. Of some the list has a span of years; this is its end.
_WITHDRAWN = """
    ADP:2003-07:EUR AFA:2003-01:AFN ALK:1989-12:ALL ANG:2025-03:XCG AOK:1991-03 AON:2000-02 AOR:2000-02 ARA:1992-01 ARP:1985-07 ARY:1990
    ATS:2002-03:EUR AYM:2005-10 AZM:2005-12:AZN BAD:1998-07:BAM BEC:1990-03 BEF:2002-03:EUR BEL:1990-03 BGJ:1990 BGK:1990 BGL:2003-11
    BGN:2026-01:EUR BOP:1987-02 BRB:1986-03 BRC:1989-02 BRE:1993-03 BRN:1990-03 BRR:1994-07:BRL BUK:1990-02:MMK BYB:2001-01 BYR:2017-01:BYN
    CHC:2004-11:CHW CSD:2006-10:RSD CSJ:1990 CSK:1993-03 CUC:2021-06:CUP CYP:2008-01:EUR DDM:1990-09 DEM:2002-03:EUR ECS:2000-09:USD
    ECV:2000-09 EEK:2011-01:EUR ESA:1981 ESB:1994-12 ESP:2002-03:EUR FIM:2002-03:EUR FRF:2002-03:EUR GEK:1995-10:GEL GHC:2008-01:GHS
    GHP:2007-06:GHS GNE:1989-12 GNS:1986-02 GQE:1986-06:XAF GRD:2002-03:EUR GWE:1981 GWP:1997-05:XOF HRD:1995-01 HRK:2023-01:EUR
    IEP:2002-03:EUR ILP:1981 ILR:1990 ISJ:1990 ITL:2002-03:EUR LAJ:1979-12 LSM:1985-05 LTL:2014-12:EUR LTT:1993-07 LUC:1990-03
    LUF:2002-03:EUR LUL:1990-03 LVL:2014-01:EUR LVR:1994-12 MGF:2004-12:MGA MLF:1984-11:XOF MRO:2017-12:MRU MTL:2008-01:EUR MTP:1983-06
    MVQ:1989-12 MXP:1993-01:MXN MZE:1981 MZM:2006-06:MZN NIC:1990-10:NIO NLG:2002-03:EUR PEH:1990 PEI:1991-07:PEN PES:1986-02
    PLZ:1997-01:PLN PTE:2002-03:EUR RHD:1981 ROK:1990 ROL:2005-06:RON RUR:2004-01:RUB SDD:2007-07:SDG SDP:1998-06 SIT:2007-01:EUR
    SKK:2009-01:EUR SLL:2023-12:SLE SRG:2003-12:SRD STD:2017-12:STN SUR:1990-12 TJR:2001-04:TJS TMM:2009-01:TMT TPE:2002-11:USD
    TRL:2005-12:TRY UAK:1996-09:UAH UGS:1987-05:UGX UGW:1990 USS:2014-03 UYN:1989-12 UYP:1993-03:UYU VEB:2008-01 VEF:2018-08:VES VNC:1990
    XEU:1999-01:EUR XFO:2006-10 XFU:2013-11 XRE:1999-11 YDD:1991-09 YUD:1990-01 YUM:2003-07 YUN:1995-11 ZAL:1995-03 ZMK:2012-12:ZMW
    ZRN:1999-06 ZRZ:1994-02 ZWC:1989-12 ZWD:2008-08 ZWL:2024-09:ZWG ZWN:2006-09 ZWR:2009-06
"""


@frozen
class Withdrawn:
    """A code that was taken from the list."""

    #: Year and month, or the year where the list knows no more.
    when: str
    #: The current code that took its place, or None.
    successor: str | None


#: Every current code → the digits of its minor unit; None where the standard has none (gold, SDR, the codes for tests).
CURRENCIES: Mapping[str, int | None] = MappingProxyType(
    {code: digits for digits, codes in ((2, _TWO), (0, _ZERO), (3, _THREE), (4, _FOUR), (None, _NONE)) for code in codes.split()}
)


def _withdrawn(entry: str) -> tuple[str, Withdrawn]:
    code, when, *after = entry.split(":")
    return code, Withdrawn(when, after[0] if after else None)


#: Every historic code → when it was withdrawn.
WITHDRAWN: Mapping[str, Withdrawn] = MappingProxyType(dict(map(_withdrawn, _WITHDRAWN.split())))

_OWN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}", re.ASCII)
_SIGNS: Mapping[str, str] = MappingProxyType({"€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₩": "KRW", "₪": "ILS", "zł": "PLN", "Kč": "CZK"})


def _plain(code: str) -> str:
    return str.__str__(code) if isinstance(code, str) else code


def _digits_of(currency: Currency) -> int | None:
    return CURRENCIES.get(currency.code) if isinstance(currency.code, str) else None


@frozen
class Currency:
    """A unit of money, or of points, credits, coins. ``digits``: how many its smallest unit has after the point.

    A current ISO 4217 code brings its own: ``Currency("EUR")``. Any other code needs them: ``Currency("POINTS", digits=0)``. A withdrawn code may be
    used in this way too, for old records: ``Currency("DEM", digits=2)``. Raises `ConfigurationError` for anything else. Two are the same when code
    and digits are.
    """

    code: str = field(converter=_plain)
    #: None where the standard knows no minor unit: gold, SDR, the codes for tests.
    digits: int | None = field(default=Factory(_digits_of, takes_self=True))
    #: The smallest unit, 0.01 for two digits.
    unit: Decimal | None = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _check(self.code, self.digits)
        object.__setattr__(self, "unit", _smallest(self.digits))

    @classmethod
    def kept(cls, code: str, digits: int | None) -> Currency:
        """As it was once made, whatever the list says today: for what comes back from a store."""
        if code in CURRENCIES and CURRENCIES[code] == digits:
            return _listed(code)
        found = cls.__new__(cls)
        for name, value in (("code", code), ("digits", digits), ("unit", _smallest(digits))):
            object.__setattr__(found, name, value)
        return found

    @property
    def shortest(self) -> Currency | str:
        """What to call it by: the code alone, where the code says it all."""
        return self.code if self.code in CURRENCIES and CURRENCIES[self.code] == self.digits else self

    def __repr__(self) -> str:
        return f"Currency({self.code!r})" if self.shortest is not self else f"Currency({self.code!r}, digits={self.digits})"

    def __str__(self) -> str:
        return self.code


def _smallest(digits: int | None) -> Decimal | None:
    return None if digits is None else Decimal((0, (1,), -digits))


def _check(code: Any, digits: Any) -> None:
    if not isinstance(code, str):
        raise ConfigurationError(f'a currency is an ISO 4217 code such as "EUR", or a Currency, not {shown(code)}')
    if digits is None and code not in CURRENCIES:
        raise ConfigurationError(_unknown(code))
    if isinstance(digits, bool) or not (digits is None or (isinstance(digits, int) and 0 <= digits <= MOST_DIGITS)):
        raise ConfigurationError(f"Currency({shown(code)}, digits=…) takes a whole number, 0 to {MOST_DIGITS}, not {shown(digits)}")
    if not _OWN.fullmatch(code):
        raise ConfigurationError(f"the code of a currency is 1 to 20 letters, digits, dots and dashes, not {shown(code)}")
    if CURRENCIES.get(code) not in (None, digits):
        raise ConfigurationError(f"{code} has {CURRENCIES[code]} digits in ISO 4217, not {shown(digits)}; an amount may have more of them")


def _unknown(code: str) -> str:
    known = code.strip().upper()
    if known in WITHDRAWN:
        gone = WITHDRAWN[known]
        after = f", and {gone.successor} came after it" if gone.successor else ""
        return f'{known} was withdrawn from ISO 4217 in {gone.when}{after}. For old records: Currency("{known}", digits=2), with the digits it had'
    close = [known] if known in CURRENCIES else [_SIGNS[code]] if code in _SIGNS else get_close_matches(known[:20], CURRENCIES, n=1)
    hint = f": did you mean {close[0]!r}?" if close else "."
    own = f" A unit of your own is Currency({shown(code)}, digits=2)" if _OWN.fullmatch(code) else ""
    return f"{shown(code)} is no currency code of ISO 4217{hint}{own}"


@cache
def _listed(code: str) -> Currency:
    return Currency(code)


def currency_of(currency: Currency | str) -> Currency:
    """The currency itself, or the one with that ISO 4217 code; raises `ConfigurationError` saying what was probably meant."""
    if isinstance(currency, Currency):
        return currency
    # Only codes of the list are kept in mind.
    return _listed(str.__str__(currency)) if isinstance(currency, str) and currency in CURRENCIES else Currency(currency)
