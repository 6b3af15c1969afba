from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jvs_jupyter.agents.bounds import CHARACTERS, ITEMS, WHOLE, bounded

_LONG = st.integers(0, 3000).map(lambda size: "x" * (size * 20))
_PATHS = st.integers(0, 2000).map(lambda size: [f"folder/file-{number}" for number in range(size)])
_ANSWERS = st.dictionaries(
    st.sampled_from(["added", "note", "items"]), _LONG | _PATHS | st.lists(_LONG, max_size=50), max_size=3
)


@given(_ANSWERS)
def test_an_answer_is_short_and_says_of_each_list_and_text_what_was_left_out(answer: dict[str, Any]) -> None:
    found = bounded(answer)
    assert len(json.dumps(found)) <= WHOLE
    left_out = found.pop("left_out", {})
    assert found.keys() == answer.keys()
    for key, whole in answer.items():
        assert len(found[key]) + left_out.get(key, 0) == len(whole)
        if isinstance(whole, str):
            assert whole.startswith(found[key])
            continue
        for number, (part, original) in enumerate(zip(found[key], whole, strict=False)):
            assert len(part) + left_out.get(f"{key}[{number}]", 0) == len(original)


def test_a_short_answer_is_the_whole_answer() -> None:
    answer = {"added": ["f"] * ITEMS, "note": "n" * CHARACTERS, "ok": True, "none": None, "deep": {"a": [1]}}
    assert bounded(answer) == answer
