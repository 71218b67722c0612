"""Conditions: the text of ``when`` and ``where``, what its words mean, and what compares with what."""

from integrakit.transform.conditions.condition import FUNCTIONS, parse_condition

__all__ = ["FUNCTIONS", "parse_condition"]
