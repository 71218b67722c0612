"""Money: exact amounts of a currency, shared out and rounded so that nothing gets lost. Values only, and nothing above the errors is imported here.

It stands this low because JSON, stores and everything above them must know the value when they meet it.
"""

from integrakit.money.allocating import allocate
from integrakit.money.currencies import CURRENCIES, WITHDRAWN, Currency
from integrakit.money.exact import ROUNDINGS
from integrakit.money.totals import Rounded, total
from integrakit.money.value import Money

__all__ = ["CURRENCIES", "ROUNDINGS", "WITHDRAWN", "Currency", "Money", "Rounded", "allocate", "total"]
