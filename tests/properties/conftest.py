"""The profiles of the properties: the same examples each time in CI, ten times as many and new ones at night."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FULL = os.environ.get("JVS_PROOF") == "full"

settings.register_profile(
    "proof",
    deadline=None,
    print_blob=True,
    derandomize=not FULL,
    max_examples=500 if FULL else 50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
PROOF = settings.get_profile("proof")
