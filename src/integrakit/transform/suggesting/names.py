"""Names of fields: taken apart into words, brought to one vocabulary, and compared.

Only names are known here; what stands in the fields is the business of `columns` and `comparing`. The vocabulary is in `words`
and `phrases`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from attrs import frozen

from integrakit.transform.suggesting.phrases import PHRASES
from integrakit.transform.suggesting.words import CONFLICTS, EVENTS, NEAR, NOISE, PREFIXES, WEIGHTS, WORDS

__all__ = ["Likeness", "Name", "compare", "house_words", "read_name", "tokens"]

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W_0-9A-Za-z]+")
_LONGEST_NAME = 200
_LONGEST_PHRASE = max(map(len, PHRASES))
# A word of a parent says less than one of the field itself, unless the field alone says hardly anything.
_PARENT = 0.6
_LITTLE = 0.55
# Words shorter than this are found inside a longer run of letters too easily.
_SHORTEST_PIECE = 3
# Words that say less than this are left out on one side all the time.
_TELLING = 0.55
_SHORT_PIECES = frozenset({"id", "no", "at", "of", "on", "or"})


@frozen
class Name:
    """The meaning of a path: its words and how much each says."""

    words: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.words.values())


@frozen
class Likeness:
    """How alike two names are. ``share``: 0 to 1; ``said``: how much the words in common say; ``conflict``: two words that exclude each other.

    ``alone``: words that say something and stand on one side only; ``apart``: how much both sides say that the other does not.
    """

    share: float
    said: float
    words: tuple[tuple[str, str], ...] = ()
    conflict: tuple[str, str] | None = None
    alone: tuple[str, ...] = ()
    alone_says: float = 0.0
    apart: float = 0.0


@lru_cache(maxsize=4096)
def tokens(key: str) -> tuple[str, ...]:
    """The words of one key, in small letters: ``hs_TxnDate2__c`` is hs, txn, date, 2, c."""
    return tuple(word.lower() for word in _TOKEN.findall(key[:_LONGEST_NAME]))


@lru_cache(maxsize=4096)
def _meanings(token: str) -> tuple[str, ...]:
    """What a word means; several where words were written without a gap (``lastmodifieddate``)."""
    if (found := WORDS.get(token)) is not None:
        return (found,)
    if token in NOISE or token in PREFIXES or token.isdigit():
        return (token,)
    if token.endswith("s") and token[:-1] in WORDS:
        return (WORDS[token[:-1]],)
    return _split(token) or (token,)


def _split(token: str) -> tuple[str, ...]:
    """Known words that together are the whole token, as few as possible; empty where there are none."""
    best: list[tuple[str, ...] | None] = [(), *([None] * len(token))]
    for end in range(2, len(token) + 1):
        for start in range(end - 1):
            head, piece = best[start], token[start:end]
            if head is None or not (len(piece) >= _SHORTEST_PIECE or piece in _SHORT_PIECES) or not (piece in WORDS or piece in NOISE):
                continue
            rival = best[end]
            if rival is None or len(head) + 1 < len(rival):
                best[end] = (*head, piece)
    found = best[-1]
    return tuple(WORDS.get(piece, piece) for piece in found) if found else ()


def house_words(names: Iterable[Sequence[str]]) -> frozenset[str]:
    """Words of one system that stand before most of its fields and mean nothing to another: ``acme_total``, ``acme_date``, …"""
    leading: Counter[str] = Counter()
    count = 0
    for keys in names:
        count += 1
        first = tokens(keys[-1])[:1] if keys else ()
        leading.update(word for word in first if word not in WORDS)
    return frozenset(word for word, times in leading.items() if times >= 4 and times >= 0.3 * count)


def read_name(keys: Sequence[str], house: frozenset[str] = frozenset()) -> Name:
    """The name of the field at the end of these keys; the keys before it are its parents."""
    found: list[tuple[str, bool]] = []
    for index, key in enumerate(keys):
        leaf = index == len(keys) - 1
        for token in tokens(key):
            if token not in house and not (token in PREFIXES and len(tokens(key)) > 1):
                found += [(word, leaf) for word in _meanings(token)]
    words = _phrased(found)
    if any(word in EVENTS for word, _ in words):
        words = [(word, leaf) for word, leaf in words if word != "date"]
    meant = [(word, leaf) for word, leaf in words if word not in NOISE]
    alone = sum(WEIGHTS.get(word, 1.0) for word, leaf in meant if leaf)
    weights: dict[str, float] = {}
    for word, leaf in meant:
        weight = WEIGHTS.get(word, 0.3 if word.isdigit() else 1.0) * (1.0 if leaf or alone < _LITTLE else _PARENT)
        weights[word] = max(weight, weights.get(word, 0.0))
    return Name(weights)


def _phrased(found: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Phrases become the one thing they mean, the longest first, until there is none left."""
    for _ in range(3):
        result: list[tuple[str, bool]] = []
        index = 0
        while index < len(found):
            for size in range(min(_LONGEST_PHRASE, len(found) - index), 1, -1):
                part = found[index : index + size]
                if (meaning := PHRASES.get(tuple(word for word, _ in part))) is not None:
                    result += [(word, part[-1][1]) for word in meaning]
                    index += size
                    break
            else:
                result.append(found[index])
                index += 1
        if result == found:
            break
        found = result
    return found


@lru_cache(maxsize=65536)
def _near(left: str, right: str) -> float:
    """How nearly two different words mean the same, 0 to 1."""
    if (share := NEAR.get(frozenset((left, right)))) is not None:
        return share
    if left in WEIGHTS or right in WEIGHTS or left in WORDS or right in WORDS or left[:1] != right[:1] or min(len(left), len(right)) < 4:
        return 0.0
    if left.startswith(right) or right.startswith(left):
        return 0.8
    ratio = SequenceMatcher(None, left, right).ratio()
    return ratio if ratio >= 0.85 else 0.0


def compare(left: Name, right: Name) -> Likeness:
    """Weighted share of words in common, and what speaks against it."""
    total = left.total + right.total
    if not total:
        return Likeness(0.0, 0.0)
    common, said = 0.0, 0.0
    pairs: list[tuple[str, str]] = []
    rest_left, rest_right = [], dict(right.words)
    for word, weight in left.words.items():
        if word in rest_right:
            both = weight + rest_right.pop(word)
            common, said = common + both, said + both / 2
            pairs.append((word, word))
        else:
            rest_left.append(word)
    conflict = _conflict(rest_left, rest_right) if rest_left and rest_right else None
    without: dict[str, float] = {}
    for word in rest_left:
        near, other = max(((_near(word, other), other) for other in rest_right), default=(0.0, ""))
        if near:
            both = near * (left.words[word] + rest_right.pop(other))
            common, said = common + both, said + both / 2 * near
            pairs.append((word, other))
        else:
            without[word] = left.words[word]
    alone = {word: weight for word, weight in (without | rest_right).items() if weight >= _TELLING}
    apart = min(sum(without.values()), sum(rest_right.values()))
    return Likeness(min(1.0, common / total), said, tuple(pairs), conflict, tuple(alone), sum(alone.values()), apart)


def _conflict(left: Iterable[str], right: Iterable[str]) -> tuple[str, str] | None:
    for one in left:
        for other in right:
            if (one, other) in _EXCLUDED:
                return one, other
    return None


_EXCLUDED = frozenset((one, other) for group in CONFLICTS for one in group for other in group if one != other and frozenset((one, other)) not in NEAR)
