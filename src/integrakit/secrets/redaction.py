"""Secret values out of a text, in whatever way they are written there. Pure: who holds which secrets is not known here."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["forms_of", "hide", "redact"]

_PERCENT = re.compile("%[0-9A-F]{2}")
_ESCAPED = re.compile(r"\\u[0-9a-f]{4}")
#: What base64 is written with, in both alphabets; a piece of it is hidden together with all that it stands in.
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
#: Bytes from which on a value is looked for inside of base64: what is left of a shorter one is found by chance.
_BASE64_FROM = 6


def _ways(secret: str) -> set[str]:
    """How a text is written in URLs, JSON, HTML and reprs."""
    in_url = {quote(secret, errors="replace"), quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")}
    in_url |= {_PERCENT.sub(lambda found: found[0].lower(), way) for way in in_url}
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    in_json |= {_ESCAPED.sub(lambda found: found[0][:2] + found[0][2:].upper(), way) for way in in_json}
    in_json |= {way.replace("/", "\\/") for way in in_json}
    in_html = html.escape(secret)
    return {secret, *in_url, *in_json, in_html, in_html.replace("&quot;", "&#34;").replace("&#x27;", "&#39;"), repr(secret)[1:-1]}


def _in_base64(secret: str) -> set[str]:
    """What base64 of anything that holds the text holds: the characters that depend on it alone, for each of the three places it can begin at."""
    plain = secret.encode("utf-8", "surrogatepass")
    if len(plain) < _BASE64_FROM:
        return set()
    found = set()
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(plain)) // 6
        for encode in (b64encode, urlsafe_b64encode):
            found.add(encode(bytes(before) + plain).decode()[first:last])
    return found


def forms_of(secrets: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All that `hide` looks for: the values as texts are written, once or twice over, and as they look inside of base64."""
    values = {secret for secret in secrets if secret}
    written = {again for secret in values for way in _ways(secret) for again in _ways(way)}
    return tuple(written), tuple(set().union(*map(_in_base64, values)) - written)


def hide(text: str, forms: tuple[tuple[str, ...], tuple[str, ...]]) -> str:
    """The text with ``***`` for each of the forms; the very same text where there is none."""
    written, encoded = forms
    found = []
    for way in written:
        start = text.find(way)
        while start >= 0:
            found.append((start, start + len(way)))
            start = text.find(way, start + 1)
    for way in encoded:
        start = text.find(way)
        while start >= 0:
            end = start + len(way)
            while start and text[start - 1] in _BASE64:
                start -= 1
            while end < len(text) and (text[end] in _BASE64 or text[end] == "="):
                end += 1
            found.append((start, end))
            start = text.find(way, end)
    if not found:
        return text
    # All are found before any is replaced: where two overlap, neither may leave a piece behind.
    shown, end = [], 0
    for start, stop in sorted(found):
        if start >= end:
            shown += [text[end:start], "***"]
        end = max(end, stop)
    return "".join(shown) + text[end:]


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret value replaced, in whatever way it is written, once or twice over: servers echo what they were sent."""
    return hide(text, forms_of(secrets))
