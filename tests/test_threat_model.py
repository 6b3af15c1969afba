"""The threat model names a test for each line that claims something; each is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PAGE = (TOP / "docs" / "reference" / "threat-model.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_the_threat_model_names_is_there(named: str) -> None:
    file, _, function = named.partition("::")
    source = (TOP / file).read_text(encoding="utf-8")
    assert not function or f"\ndef {function}(" in source


def test_the_threat_model_names_tests() -> None:
    assert len(NAMED) >= 15
