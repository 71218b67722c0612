"""A first mapping, proposed from samples of both sides: `suggest`. Deterministic, bounded, and only a proposal until a person confirms it."""

from integrakit.transform.suggesting.proposing import DEFAULT_THRESHOLD, suggest
from integrakit.transform.suggesting.suggestion import SuggestedField, Suggestion

__all__ = ["DEFAULT_THRESHOLD", "SuggestedField", "Suggestion", "suggest"]
