"""The random words and numbers of one run: what separates values, what stands for null, and what the digests are keyed by.

They are made anew for each run, so that no value in any table can have been made to look like them. Nothing is asked of a server here.
"""

from __future__ import annotations

from secrets import SystemRandom

from attrs import frozen

__all__ = ["Words"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@frozen(kw_only=True)
class Words:
    """Letters and digits only: they stand in statements as they are."""

    #: Between two values: 47 random bits.
    separator: str
    #: For a null among texts of any character: 119 random bits.
    null: str
    #: Of the two digests of 64 bits each.
    seeds: tuple[int, int]
    #: For nulls among numbers, floats and times: values of 60 random bits and more that no column is known to have.
    number: str
    double: str
    moment: str

    @classmethod
    def random(cls) -> Words:
        chance = SystemRandom()

        def word(length: int) -> str:
            return "".join(chance.choices(_LETTERS, k=length))

        digits = str(chance.randrange(10**30, 10**31))
        return cls(
            separator=word(8),
            null=word(20),
            seeds=(chance.randrange(1, 2**62), chance.randrange(1, 2**62)),
            number=f"{digits}.{chance.randrange(10**9)}",
            double=f"{chance.randrange(10**16, 10**17)}e-{chance.randrange(200, 290)}",
            moment=f"{chance.randrange(150000, 290000)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 28):02} "
            f"{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}.{chance.randrange(10**6):06}",
        )
