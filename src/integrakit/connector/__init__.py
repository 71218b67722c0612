"""One system with names: connectors, resources, endpoints."""

from integrakit.connector.connector import Connector
from integrakit.connector.endpoint import Endpoint
from integrakit.connector.resource import Resource

__all__ = ["Connector", "Endpoint", "Resource"]
