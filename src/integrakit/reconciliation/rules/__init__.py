"""What is the same: keys, fields, values, and why two values differ. Pure; the one place where it is decided, whichever engine runs."""

__all__ = []
