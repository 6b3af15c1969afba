from __future__ import annotations

import pytest

from jvs_core.errors import error_classes
from tests.core.cli.conftest import Jvs


def test_every_code_is_explained(jvs: Jvs) -> None:
    listed = jvs("--json", "explain").json
    assert sorted(each["code"] for each in listed) == sorted({error.code for error in error_classes()})
    for each in listed:
        assert each["meaning"].endswith(".")
        assert len(each["text"].split()) > 10
        assert "](" not in each["text"]
        assert jvs("--json", "explain", each["code"]).json == each


@pytest.mark.parametrize("written", ["E_NO_SPACE", "e_no_space", "no-space", "E_NO_SPACE:"])
def test_a_code_may_be_written_as_it_comes(jvs: Jvs, written: str) -> None:
    told = jvs("explain", written).out
    assert told.startswith("E_NO_SPACE, exit status 7\n")
    assert "quota is full" in " ".join(told.split())


def test_an_unknown_code_is_refused(jvs: Jvs) -> None:
    refused = jvs("explain", "E_NO_SUCH", status=2)
    assert refused.err.splitlines()[0] == "jvs: E_USAGE: no error has the code E_NO_SUCH"


def test_an_error_without_a_hint_of_its_own_leads_to_its_explanation(jvs: Jvs) -> None:
    words = ("explain", "E_USAGE", "--repo", ".")
    assert jvs(*words, status=2).err.splitlines()[1] == "hint: jvs explain E_USAGE"
    told = jvs("--json", *words, status=2).json
    assert told["error"]["hint"] == "jvs explain E_USAGE"
