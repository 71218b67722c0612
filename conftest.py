"""How hard Hypothesis tries. ``quick`` is the default and the same every time in CI; ``pytest --hypothesis-profile=sweep`` takes its time.

It stands here and not under tests/, so that profiles exist before Hypothesis reads its command-line option.
"""

import os

from hypothesis import HealthCheck, settings

IN_CI = bool(os.environ.get("CI"))
# The machine decides how long an example takes, not the code under test: no deadline.
settings.register_profile("quick", deadline=None, max_examples=60, derandomize=IN_CI, database=None, print_blob=True)
settings.register_profile("sweep", deadline=None, max_examples=3000, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quick")
