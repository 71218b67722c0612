"""How servers tell the state of their quotas: one small pure function a dialect, and the readers of numbers, times and fields that they share.

A dialect takes an answer and the time, and gives signals. Whatever stands in the answer, it raises nothing: what is malformed was not said. Which
dialects exist, and which of them an answer is written in, is decided in `integrakit.http.limiting.signals`.
"""

__all__ = []
