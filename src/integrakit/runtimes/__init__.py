"""One implementation, three worlds: all I/O logic is ``async def`` on these verbs, and written once.

The package is not called ``runtime`` because ``integrakit.runtime`` is the function that users call.
"""

from integrakit.runtimes.ambient import drive, runtime
from integrakit.runtimes.protocol import Runtime, Wire
from integrakit.runtimes.simulated import SimulatedRuntime

__all__ = ["Runtime", "SimulatedRuntime", "Wire", "drive", "runtime"]
