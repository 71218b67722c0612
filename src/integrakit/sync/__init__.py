"""Moving: source → mapping → sink, with memory, proof and a way back."""

from integrakit.sync.letters import DeadLetters
from integrakit.sync.progress import Shown
from integrakit.sync.report import Report
from integrakit.sync.sync import Sync

__all__ = ["DeadLetters", "Report", "Shown", "Sync"]
