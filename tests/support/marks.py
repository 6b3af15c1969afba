"""Marks that tests share."""

from __future__ import annotations

import pytest


def on(*kinds: str) -> pytest.MarkDecorator:
    """Run a test that uses ``filesystem`` or ``workdir`` on these kinds only; "local" is one too."""
    return pytest.mark.parametrize("filesystem", kinds, indirect=True)
