"""``to = "country"``: codes and English names in, the form the target wants out."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all

from integrakit.transform.conversions import build

pycountry = pytest.importorskip("pycountry")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("DE", "DE"),
        (" de ", "DE"),
        ("DEU", "DE"),
        ("276", "DE"),
        (276, "DE"),
        ("036", "AU"),
        (36, "AU"),
        ("Germany", "DE"),
        ("FEDERAL REPUBLIC OF GERMANY", "DE"),
        ("Bolivia", "BO"),
        ("Bolivia, Plurinational State of", "BO"),
        ("South Korea", "KR"),
        ("Czech  Republic", "CZ"),
        ("Czechia", "CZ"),
        ("Russia", "RU"),
        ("Turkey", "TR"),
        ("TURKIYE", "TR"),
        ("Co\u0302te d\u2019Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("Great Britain", "GB"),
        ("Niger", "NE"),
        ("Guinea", "GN"),
    ],
)
def test_country(value: Any, code: str) -> None:
    assert convert(value, to="country") == code


@pytest.mark.parametrize(("write", "result"), [("alpha-2", "AT"), ("alpha-3", "AUT"), ("numeric", "040"), ("name", "Austria")])
def test_write(write: str, result: str) -> None:
    for value in ("AT", "AUT", "040", 40, "austria"):
        assert convert(value, to="country", write=write) == result


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Congo", "may be several countries: CG is Brazzaville, CD is Kinshasa"),
        ("korea", "may be several countries: KR is the South"),
        ("Virgin Islands", "may be several countries"),
        ("UK", "its code is GB"),
        ("EL", "its code is GR"),
        ("Deutschland", "is no country of ISO 3166-1"),
        ("XX", "is no country"),
        ("36", "is no country"),
        ("Germany and France", "is no country"),
        ("", "is no country"),
        (999, "is not the number of a country"),
        (-1, "is not the number of a country"),
        (True, "a bool is not a country"),
        (2.5, "a float is not a country"),
    ],
)
def test_not_a_country(value: Any, reason: str) -> None:
    assert reason in refuse(value, to="country")


def test_hostile() -> None:
    refuse_all(hostile(), to="country")


def test_every_country_in_every_form_comes_back() -> None:
    for write, attribute in (("alpha-2", "alpha_2"), ("alpha-3", "alpha_3"), ("numeric", "numeric"), ("name", "name")):
        written = build("country", {"write": write}).convert
        for country in pycountry.countries:
            # ISO gives the name "Congo" to one of two countries that people call so.
            names = [] if country.name == "Congo" else [country.name]
            for value in (country.alpha_2, country.alpha_3, country.numeric, int(country.numeric), *names):
                assert written(value) == getattr(country, attribute)


def test_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "did you mean 'alpha-2'?" in mistake(to="country", write="alpha2")
    monkeypatch.setitem(sys.modules, "pycountry", None)
    assert 'to = "country" needs pycountry: pip install "integrakit[countries]"' in mistake(to="country")
    assert 'needs pycountry: pip install "integrakit[countries]"' in mistake(to="currency", numeric=True)
