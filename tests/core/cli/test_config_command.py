from __future__ import annotations

from pathlib import Path

from tests.core.cli.conftest import Jvs


def test_the_command(jvs: Jvs, repo: Path) -> None:
    assert jvs("config", "get", "lease.duration_ms").out == "30000\n"
    assert (
        jvs("config", "set", "lease.duration_ms", "20000").out == "lease.duration_ms = 20000  (config.toml)\n"
    )
    assert jvs("config", "get", "lease.duration_ms", "--json").json == {
        "key": "lease.duration_ms",
        "value": 20000,
        "default": 30000,
        "source": "config.toml",
        "variable": None,
    }
    jvs("config", "set", "exclude.patterns", "*.tmp", "/scratch/")
    assert jvs("config", "get", "exclude.patterns").out == "*.tmp\n/scratch/\n"
    assert "lease.duration_ms        20000 " in jvs("config", "show").out
    assert (
        jvs("config", "set", "lease.duration_ms", "--default").out == "lease.duration_ms = 30000  (default)\n"
    )
    assert jvs("config", "set", "lease.duration_ms", status=2).err.startswith("jvs: E_USAGE: give a value")
    assert "timeline.every_s" in jvs("config", "get", "timeline.every", status=2).err
    assert "info" not in jvs("config", "show", "--json").out
