"""``to = "country"``: countries by the codes and English names of ISO 3166-1, which the library pycountry knows (the extra ``countries``).

What a value is follows from its shape: two letters, three letters, three digits, or a name. Names in other languages are a lookup's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from integrakit.transform.conversions.target_types import Given, Made, Mistake, TargetType, choice
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["COUNTRY"]

_FORMS = {"alpha-2": "alpha_2", "alpha-3": "alpha_3", "numeric": "numeric", "name": "name"}
_LONGEST = 100
# English names in daily use that ISO 3166-1 spells otherwise (Unicode CLDR, English territory names and their variants).
_COMMON = {
    "brunei": "BN",
    "cape verde": "CV",
    "cote divoire": "CI",
    "czech republic": "CZ",
    "east timor": "TL",
    "falkland islands": "FK",
    "great britain": "GB",
    "ivory coast": "CI",
    "palestine": "PS",
    "russia": "RU",
    "saint helena": "SH",
    "swaziland": "SZ",
    "turkey": "TR",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "vatican city": "VA",
}
# Names that people use for more than one country, though ISO 3166-1 may give one of them to one.
_AMBIGUOUS = {
    "america": "US is the United States",
    "congo": "CG is Brazzaville, CD is Kinshasa (Democratic Republic)",
    "korea": "KR is the South, KP is the North",
    "saint martin": "MF is the French part, SX is the Dutch part",
    "virgin islands": "VG are the British, VI are those of the U.S.",
}
# Codes in use that are no ISO 3166-1 codes.
_NEAR = {"UK": "GB", "EL": "GR"}


def _make(given: Given) -> Made:
    try:
        import pycountry  # an extra: only mappings with countries need it
    except ImportError as problem:
        raise Mistake('to = "country" needs pycountry: pip install "integrakit[countries]"') from problem
    attribute = _FORMS[given.get("write", "alpha-2")]
    known = {_key(name): getattr(country, attribute) for country in pycountry.countries for name in _names(country)}
    by_code = {country.alpha_2: getattr(country, attribute) for country in pycountry.countries}
    known.update({_key(name): by_code[code] for name, code in _COMMON.items() if code in by_code})

    def to_country(value: Any) -> str:
        return _found(value, known)

    return Made(convert=to_country, gives="str")


def _names(country: Any) -> list[str]:
    more = [getattr(country, name, None) for name in ("official_name", "common_name")]
    return [country.alpha_2, country.alpha_3, country.numeric, country.name, *(name for name in more if name)]


def _key(name: str) -> str:
    """Capitals, accents, kinds of apostrophes and doubled blanks do not tell countries apart."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(character for character in plain if not unicodedata.combining(character)).casefold()
    return re.sub(r"\s+", " ", plain.replace("\u2019", "'")).strip()


def _found(value: Any, known: Mapping[str, str]) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Misfit(f"{article(value)} is not a country: its code or its English name, as text, is wanted")
    if isinstance(value, int):
        found = known.get(f"{value:03}") if 0 <= value <= 999 else None
        if found is None:
            raise Misfit(f"{excerpt(value)} is not the number of a country in ISO 3166-1")
        return found
    key = _key(value) if len(value) <= _LONGEST else ""
    if key in _AMBIGUOUS:
        raise Misfit(f"{excerpt(value)} may be several countries: {_AMBIGUOUS[key]}")
    if key in known:
        return known[key]
    near = _NEAR.get(key.upper())
    raise Misfit(f"{excerpt(value)} is no country of ISO 3166-1, by code or English name" + (f": its code is {near}" if near else ""))


COUNTRY = TargetType({"write": choice(*_FORMS)}, _make)
