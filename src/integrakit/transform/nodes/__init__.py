"""The kinds of rule nodes: one file for each idea, with its parsing, its careful pass, its generated code and its words side by side.

A new kind is a class here and a line in `grammar`.
"""

__all__ = []
