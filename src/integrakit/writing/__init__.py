"""The writing engines: sinks of every kind, intents, what was written, dead letters, guards and plans."""

from integrakit.writing.dead_letters import DeadLetter, Letters, letter_id
from integrakit.writing.delivery import Delivery, Journal
from integrakit.writing.guard import Guard
from integrakit.writing.intents import Intent, Intents
from integrakit.writing.item import Item, Tally, idempotency_key, item_of
from integrakit.writing.noted import Noted
from integrakit.writing.plan import Plan
from integrakit.writing.remembered import Remember, Remembered, Written, differences, fingerprint, key_text
from integrakit.writing.sinks import SinkHandle, open_sink
from integrakit.writing.spool import Spool

__all__ = [
    "DeadLetter",
    "Delivery",
    "Guard",
    "Intent",
    "Intents",
    "Item",
    "Journal",
    "Letters",
    "Noted",
    "Plan",
    "Remember",
    "Remembered",
    "SinkHandle",
    "Spool",
    "Tally",
    "Written",
    "differences",
    "fingerprint",
    "idempotency_key",
    "item_of",
    "key_text",
    "letter_id",
    "open_sink",
]
