"""What others wrote, in every command's words for people: it drives no terminal, and forges no line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jvs_core.cli.text import UNSAFE, shown
from tests.hostile import every_command
from tests.hostile.test_fuzz import Template, template  # noqa: F401

_NASTY = "\x1b]0;title\x07\x1b[2J\x9b5n\u202e\r\nforged  line"
_LOOKS = (
    "info", "status", "history --all -v", "show HEAD", "show HEAD --cells", "ls HEAD -r", "compare HEAD~1 HEAD",
    "lock status", "lock status --worktree theirs", "worktree list -v", "ref list", "gc pins", "audit log",
    "run list", "run show {run}", "run compare {run}", "hub list", "hub report", "verify --all", "doctor --strict",
    "gc plan --keep-last 1", "trust --list", "worktree create x --from name", "restore HEAD --name y", "annotate HEAD --note n",
)  # fmt: skip


def _nasty(value: Any, key: str = "") -> Any:
    """Return a record with every text in it that may say anything said otherwise; what has a form keeps it."""
    if isinstance(value, dict):
        return {name: _nasty(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_nasty(part, key) for part in value]
    return value + _NASTY if isinstance(value, str) and key in _FREE else value


_FREE = {
    "note", "tags", "reason", "holder_id", "created_by", "purpose", "host", "engine", "requested_engine", "notebook", "input_path",
    "output_path", "error", "actor", "session_id", "degraded", "source", "a", "owner", "title", "message", "metric", "git_commit",
    "status", "verdict", "environment_digest", "notebook_sha256",
}  # fmt: skip


def test_nothing_that_a_record_says_drives_a_terminal(template: Template, tmp_path: Path) -> None:  # noqa: F811
    victim = template.copy(tmp_path)
    known = {**template.known, "repo": str(tmp_path / "repo"), "own": str(tmp_path / "own")}
    changed = 0
    for path in (tmp_path / "repo/.jvs").rglob("*.json"):
        if "payload" in path.parts or path.is_symlink():
            continue
        before = json.loads(path.read_bytes())
        after = _nasty(before)
        changed += after != before
        path.write_text(json.dumps(after))
        with every_command.light(tmp_path, victim.environment()):
            for words in _LOOKS:
                for line in every_command.lines(words, **known):
                    ended = every_command.run(line, at=tmp_path / "repo/main")
                    said = ended.out + ended.err
                    assert not any(each.startswith("forged  line") for each in said.splitlines()), (
                        path,
                        line,
                    )
        path.write_text(json.dumps(before))
        if changed > 12:
            break
    assert changed > 5


def test_a_line_keeps_our_colours_and_nothing_else() -> None:
    assert shown("\x1b[33mid\x1b[0m \x1b[1mb\x1b[0m") == "\x1b[33mid\x1b[0m \x1b[1mb\x1b[0m"
    line = shown(f"\x1b[33m{_NASTY}\x1b[8mhidden\x1b[0m")
    assert line.startswith("\x1b[33m")
    assert not UNSAFE.search(line.replace("\x1b[33m", "").replace("\x1b[0m", ""))
