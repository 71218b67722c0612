"""``to = "phone"``: telephone numbers by the numbering plans of all countries, which the library phonenumbers knows (the extra ``phone``)."""

from __future__ import annotations

import re
from typing import Any

from integrakit.transform.conversions.target_types import Given, Made, Mistake, TargetType, choice, text
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["PHONE", "country_of"]

_LONGEST = 64
_FORMS = ("E164", "INTERNATIONAL", "NATIONAL", "RFC3966")
# The library finds numbers inside of prose; a field is to be one number, with nothing around it.
_SHAPE = re.compile(r"(?:tel:)?\+?[0-9()./\- \u00a0\u202f\u2010-\u2015]+(?:(?:;ext=| ?,? ?(?:ext\.?|extension|x|#) ?)[0-9]{1,7})?", re.IGNORECASE)


def _make(given: Given) -> Made:
    try:
        import phonenumbers  # an extra: only mappings with telephone numbers need it
    except ImportError as problem:
        raise Mistake('to = "phone" needs phonenumbers: pip install "integrakit[phone]"') from problem
    region, write = given.get("region"), given.get("write", "E164")
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        hint = did_you_mean(region.upper(), sorted(phonenumbers.SUPPORTED_REGIONS))
        raise Mistake(f"region is the code of a country such as DE, not {spelled(region)}{hint if 'did you mean' in hint else ''}")
    form = getattr(phonenumbers.PhoneNumberFormat, write)

    def to_phone(value: Any) -> str:
        if not isinstance(value, str):
            raise Misfit(f"{article(value)} is not a phone number: text is wanted, since numbers lose zeros at the front")
        words = value.strip() if len(value) <= _LONGEST else ""
        if not _SHAPE.fullmatch(words):
            raise Misfit(f"{excerpt(value)} is not a phone number alone: digits with blanks, ( ) . / and - between them are")
        if region is None and not words.removeprefix("tel:").startswith("+"):
            raise Misfit(f'{excerpt(value)} does not begin with + and a country: say region = "DE", for one')
        try:
            found = phonenumbers.parse(words, region)
        except phonenumbers.NumberParseException as problem:
            raise Misfit(f"{excerpt(value)} is not a phone number: {str(problem).partition(') ')[2] or 'it cannot be read'}") from None
        if not phonenumbers.is_valid_number(found):
            raise Misfit(f"{excerpt(value)} is not a valid phone number{_why(phonenumbers, found)}")
        if write == "E164" and found.extension:
            raise Misfit(f'{excerpt(value)} has an extension, which E164 cannot hold: write = "RFC3966" and "INTERNATIONAL" can')
        return str(phonenumbers.format_number(found, form))

    return Made(convert=to_phone, gives="str")


def country_of(value: str) -> str | None:
    """The country of a number that begins with ``+``: its code of two letters. None where it cannot be told, or where the extra is missing."""
    try:
        import phonenumbers  # an extra, see above
    except ImportError:
        return None  # whoever asks proposes a rule, and does not need one
    if len(value) > _LONGEST or not value.strip().startswith("+"):
        return None
    try:
        found = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return None
    code = phonenumbers.region_code_for_number(found) or phonenumbers.region_code_for_country_code(found.country_code or 0)
    return str(code) if code in phonenumbers.SUPPORTED_REGIONS else None


def _why(phonenumbers: Any, found: Any) -> str:
    country = phonenumbers.region_code_for_country_code(found.country_code or 0)
    reason = phonenumbers.is_possible_number_with_reason(found)
    names = {
        phonenumbers.ValidationResult.TOO_SHORT: f": too short for {country}",
        phonenumbers.ValidationResult.TOO_LONG: f": too long for {country}",
        phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: ": the area is missing",
    }
    return names.get(reason, f" of {country}" if country != "ZZ" else "")


PHONE = TargetType({"region": text("the code of the country of national numbers", 2, 2), "write": choice(*_FORMS)}, _make)
