"""Words as people write them in purposes and names, made bare: without case, marks, blanks, accents and unicode forms. What a number of a document
looks like, and what only looks like one. Pure, and bounded however long a text is."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

__all__ = ["TELLING", "UNMISTAKABLE", "WEAK", "party_words", "shape_of", "telling", "windows", "words_of"]

#: How much a reference says. A short number stands in many texts by chance, as a year and a date do; a telling one does not; an unmistakable one
#: names its document also where somebody else pays.
WEAK, TELLING, UNMISTAKABLE = 0, 1, 2

#: Of a text so many characters are looked at.
_LONGEST = 4000
#: So many words in a row may make up one reference: INV-2026-001 is three of them.
_WORDS = 5
_WORD = re.compile(r"[^\W_]+")
_DIGITS = str.maketrans("0123456789", "9999999999")
_UMLAUTS = re.compile("([aou])e")

#: What is part of many names and tells nobody from anybody.
_COMMON = (
    "gmbh mbh ag kg ug ohg gbr se ev ek eg co und and et inc ltd limited llc llp plc corp corporation company sarl sas sa eurl snc bv "
    "nv srl spa oy ab herr herrn frau mr mrs ms mme mlle dr prof"
)
#: What makes a number a time.
_MONTHS = (
    "januar februar marz maerz april mai juni juli august september oktober november dezember january february march may june july "
    "october december janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre jan feb mar mrz apr jun jul aug "
    "sep sept okt oct nov dez dec quartal quarter trimestre q1 q2 q3 q4"
)


def _bare(text: str) -> str:
    text = text[:_LONGEST]
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()


def words_of(text: str) -> tuple[str, ...]:
    """The words and numbers of a text, bare."""
    return tuple(_WORD.findall(_bare(text)))


def party_words(text: str) -> frozenset[str]:
    """What tells a party from others, in any order: Müller, Hans = Hans Mueller; ACME = Acme GmbH & Co. KG."""
    words = {_UMLAUTS.sub(r"\1", word) for word in words_of(text)}
    return frozenset(words.difference(_COMMON.split()) or words)


def windows(words: tuple[str, ...]) -> list[str]:
    """Everything that up to five words in a row may spell together."""
    found = dict.fromkeys("".join(words[start:end]) for start in range(len(words)) for end in range(start + 1, min(start + _WORDS, len(words)) + 1))
    return list(found)


def shape_of(reference: str) -> str:
    """What references of one kind have in common: "inv9999999"."""
    return reference.translate(_DIGITS)


def telling(words: tuple[str, ...]) -> int:
    """How much a whole reference says: `WEAK`, `TELLING` or `UNMISTAKABLE`."""
    reference = "".join(words)
    digits = sum(letter.isdigit() for letter in reference)
    if not digits or len(reference) > 64 or sum(word.isalpha() for word in words) > 1 or not set(words).isdisjoint(_MONTHS.split()):
        return WEAK
    if digits == len(reference):
        return WEAK if digits < 5 or _is_date(reference) else UNMISTAKABLE if digits >= 7 else TELLING
    return WEAK if len(reference) < 4 else UNMISTAKABLE if len(reference) >= 6 and digits >= 3 else TELLING


def _is_date(digits: str) -> bool:
    """Whether it could be a day or a month, written in any of the usual orders."""
    if not digits.isascii():
        return True
    if len(digits) == 8:
        return _is_day(digits[:4], digits[4:6], digits[6:]) or _is_day(digits[4:], digits[2:4], digits[:2])
    if len(digits) == 7:
        return any(_is_day(digits[3:], digits[cut:3], digits[:cut]) for cut in (1, 2)) or any(
            _is_day(digits[:4], digits[4:cut], digits[cut:]) for cut in (5, 6)
        )
    if len(digits) == 6:
        dated = _is_day("20" + digits[:2], digits[2:4], digits[4:]) or _is_day("20" + digits[4:], digits[2:4], digits[:2])
        return dated or _is_day(digits[:4], digits[4:], "1") or _is_day(digits[2:], digits[:2], "1")
    return False


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        return 1990 <= date(int(year), int(month), int(day)).year <= 2099
    except ValueError:
        return False
