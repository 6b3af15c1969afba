"""What is drawn while work takes long."""

from __future__ import annotations

import os
import pty
import time

import pytest

from jvs_core.cli.progress import Drawing


def test_a_long_step_shows_how_much_is_done_how_fast_and_how_long_it_will_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        drawing = Drawing(delay_s=0)
        drawing.started("verify", 1000)
        drawing.advanced(400)
        deadline = time.monotonic() + 20
        shown = ""
        while not ("400/1000" in shown and "/s" in shown and "left" in shown):
            drawing.advanced(0)
            shown += os.read(ours, 4096).decode("utf-8", "replace")
            assert time.monotonic() < deadline, shown
        drawing.finished("verify")
        drawing.close()
        assert "verify" in shown
    os.close(ours)
