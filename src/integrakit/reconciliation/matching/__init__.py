"""Entries of two ledgers that belong together though no key says so: payments and invoices, bank and books."""

from integrakit.reconciliation.matching.results import Ambiguity, Match, Matching, Remainder
from integrakit.reconciliation.matching.running import amatch_ledgers, match_ledgers

__all__ = ["Ambiguity", "Match", "Matching", "Remainder", "amatch_ledgers", "match_ledgers"]
