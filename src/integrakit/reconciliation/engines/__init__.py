"""Ways to bring the records of two sides together. All of them end in the same rules, so all of them give the same answer."""

__all__ = []
