"""The ``Link`` header (RFC 8288), as servers write it and as attackers would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrakit.model.links import parse_links


@pytest.mark.parametrize(
    ("header", "links"),
    [
        (None, {}),
        ("", {}),
        ('<https://x/2>; rel="next"', {"next": "https://x/2"}),
        ("<https://x/2>; rel=next", {"next": "https://x/2"}),
        ("<https://x/2>;rel=next,<https://x/9>;rel=last", {"next": "https://x/2", "last": "https://x/9"}),
        ('</2>; rel="next", </1>; rel="prev first"', {"next": "/2", "prev": "/1", "first": "/1"}),
        ('</2>; REL="Next"', {"next": "/2"}),
        ('<https://x/a;b=1?c=1,2;d>; rel="next"', {"next": "https://x/a;b=1?c=1,2;d"}),
        ('</2>; title="a, <b>; rel=x"; rel="next"', {"next": "/2"}),
        ('</2>; title="quote \\" inside"; rel="next"', {"next": "/2"}),
        ('</1>; rel="next"; rel="prev"', {"next": "/1"}),
        ('</1>; rel="next", </2>; rel="next"', {"next": "/1"}),
        ('</1>; rel="next"; anchor="/other"', {}),
        ("</1>", {}),
        ("</1>; rel", {}),
        ('</1>; rel=""', {}),
        ("< /1 > ; rel = next", {"next": "/1"}),
        ('<>; rel="next"', {"next": ""}),
        ("garbage", {}),
        ("</1; rel=next", {}),
        ('</1>; rel="next" garbage, </2>; rel="last"', {"next": "/1"}),
        (', </1>; rel="next"', {"next": "/1"}),
    ],
)
def test_reading(header: str | None, links: dict[str, str]) -> None:
    assert parse_links(header) == links


@given(st.text(alphabet='<>;,="\\ relnxt/?&', max_size=300))
def test_any_header_is_read_to_an_end(header: str) -> None:
    parse_links(header)


def test_a_long_hostile_header_takes_no_time() -> None:
    parse_links('<a>; x="' + "\\" * 60_000)
    parse_links("<" * 60_000)
    parse_links("<a>" + "; " * 60_000)
    parse_links('<a>; rel="' + "n " * 60_000)
