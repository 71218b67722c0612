"""The texts a mapping can be written in, one file each: what stands in a text, and at which line. No file is opened here, and no rule is known."""

from integrakit.transform.locating.places import BrokenText, Locator, Place, line_column

__all__ = ["BrokenText", "Locator", "Place", "line_column"]
