"""What a test does when a service is away: it skips with the reason, or fails where services are required (``INTEGRAKIT_REQUIRE_SERVICES=1``)."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

__all__ = ["away"]


def away(reason: str) -> NoReturn:
    if os.environ.get("INTEGRAKIT_REQUIRE_SERVICES") == "1":
        pytest.fail(f"a service is required and away: {reason}")
    pytest.skip(reason)
