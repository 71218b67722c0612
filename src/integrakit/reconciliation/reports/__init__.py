"""The findings as people and programs read them: text, JSON, a table, one page of HTML. Nothing is compared here."""

__all__ = []
