"""Commands of other tools, and what does their work here."""

from __future__ import annotations

_HABITS = {
    "add": "nothing need be added: jvs snapshot takes the whole worktree",
    "backup": 'jvs snapshot "note" --lock',
    "branch": "jvs worktree create NAME --from SNAPSHOT",
    "checkout": "jvs restore SNAPSHOT makes a new worktree; with --inplace it changes this one",
    "commit": 'jvs snapshot "note" --lock',
    "diff": "jvs compare --patch",
    "du": "jvs stats, jvs stats SNAPSHOT --by path",
    "forget": "jvs gc plan --keep-last N, then: jvs gc run --plan-id ID",
    "fsck": "jvs verify --all, and: jvs doctor",
    "log": "jvs history",
    "ls-tree": "jvs ls SNAPSHOT -r",
    "prune": "jvs gc plan, then: jvs gc run --plan-id ID",
    "reset": "jvs restore SNAPSHOT --inplace --force --reason TEXT",
    "revert": "jvs undo takes back an in-place restore",
    "snapshots": "jvs history --all",
    "stash": "jvs snapshot --lock, then: jvs restore SNAPSHOT",
    "switch": 'cd "$(jvs worktree path NAME)"',
    "tag": "jvs ref create NAME SNAPSHOT, or: jvs snapshot --tag TAG",
}


def answer(word: str) -> str | None:
    """Return what to type here instead of another tool's command ``word``."""
    return _HABITS.get(word)
