"""One system with names: connectors, their resources, and the endpoints these write to.

What a system is like is data here; how requests are made safe is the business of ``integrakit.http``.
"""

from integrakit.connector.connector import Connector
from integrakit.connector.endpoint import Endpoint
from integrakit.connector.resource import Resource

__all__ = ["Connector", "Endpoint", "Resource"]
