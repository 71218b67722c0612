"""What a mapping tells people: its page, its picture, where each field comes from over several mappings, and what it makes of real records.

Everything here reads a mapping that is built already. Nothing here decides what a record becomes.
"""

__all__ = []
