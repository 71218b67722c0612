"""Testing what one cannot call: simulators of other people's services, faults, and virtual time. For the tests of users and for our own."""

from integrakit.testing.clocks import VirtualClock
from integrakit.testing.exchange import RecordedRequest
from integrakit.testing.faults import Faults
from integrakit.testing.simulation import simulate
from integrakit.testing.simulator import Simulator

__all__ = ["Faults", "RecordedRequest", "Simulator", "VirtualClock", "simulate"]
