"""One implementation, three worlds: all I/O logic is ``async def`` on these verbs, and written once.

The package is not called ``runtime`` because ``integrakit.runtime`` is the function that users call.
"""

from integrakit.runtimes.ambient import WorldClock, drive, enter, leave, runtime
from integrakit.runtimes.clocked import clocked
from integrakit.runtimes.flight import SingleFlight
from integrakit.runtimes.protocol import Background, Runtime, Waiter, Wire
from integrakit.runtimes.simulated import SimulatedRuntime

__all__ = [
    "Background",
    "Runtime",
    "SimulatedRuntime",
    "SingleFlight",
    "Waiter",
    "Wire",
    "WorldClock",
    "clocked",
    "drive",
    "enter",
    "leave",
    "runtime",
]
