"""What may stand on the left and on the right, and how it can be read: as pages of records, batches of columns, or in its database."""

__all__ = []
