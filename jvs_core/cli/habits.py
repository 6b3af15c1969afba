"""Commands of other tools, and what does their work here."""

from __future__ import annotations

_REPLICATED = "JVS sends nothing: the storage replicates itself"
_HABITS = {
    "add": 'you do not have to add files, a snapshot has the whole worktree: jvs snapshot "note" --lock',
    "archive": "jvs export SNAPSHOT -o FILE.tar.zst",
    "backup": 'jvs snapshot "note" --lock',
    "blame": "jvs history --path PATH lists the snapshots that changed a file",
    "branch": "jvs worktree create NAME --from SNAPSHOT, and: jvs worktree list",
    "check": "jvs verify --all, and: jvs doctor",
    "checkout": "jvs restore SNAPSHOT makes a new worktree; with --path PATH it brings one file back; with --inplace it changes this one",
    "cherry-pick": "jvs restore SNAPSHOT --path PATH brings a file or folder of it here",
    "clean": "jvs compare lists what is new; jvs restore HEAD --inplace --force --reason TEXT removes it, and keeps it in a snapshot",
    "commit": 'jvs snapshot "note" --lock',
    "compact": "jvs gc plan, then: jvs gc run --plan-id ID",
    "create": 'jvs init NAME makes a repository, jvs snapshot "note" --lock a snapshot',
    "delete": "jvs gc plan --drop SNAPSHOT, then: jvs gc run --plan-id ID",
    "describe": "jvs show HEAD",
    "diff": "jvs compare --patch",
    "du": "jvs stats, or: jvs stats SNAPSHOT --by path",
    "dump": "jvs cat SNAPSHOT PATH",
    "extract": "jvs restore SNAPSHOT --path PATH",
    "fetch": f"{_REPLICATED}; jvs history --all shows what others took",
    "filter-branch": "jvs gc plan --drop SNAPSHOT drops the snapshots that hold a file; jvs find PATTERN --all names them",
    "forget": "jvs gc plan --keep-last N, or jvs gc plan --drop SNAPSHOT, then: jvs gc run --plan-id ID",
    "fsck": "jvs verify --all, and: jvs doctor",
    "grep": "jvs find PATTERN looks for names of files, jvs history --grep TEXT in notes",
    "key": "jvs audit keygen FILE; files are not encrypted by JVS",
    "list": "jvs history --all",
    "log": "jvs history",
    "ls-files": "jvs ls HEAD -r",
    "ls-tree": "jvs ls SNAPSHOT -r",
    "merge": "jvs compare A B shows what differs, jvs restore SNAPSHOT --path PATH brings a file here; JVS does not merge",
    "mount": "jvs view SNAPSHOT makes a read-only folder with its files",
    "mv": "move files with mv; jvs compare shows what moved. To rename a worktree: jvs worktree rename OLD NEW",
    "prune": "jvs gc plan, then: jvs gc run --plan-id ID",
    "pull": f"{_REPLICATED}; jvs restore SNAPSHOT makes a worktree of what others took",
    "push": f"{_REPLICATED}; jvs snapshot is enough",
    "rebase": "JVS does not rewrite history; jvs restore SNAPSHOT makes a worktree that continues from another snapshot",
    "reflog": "jvs audit log",
    "remote": _REPLICATED + "; jvs info shows the repository",
    "rename": "jvs worktree rename OLD NEW",
    "repair": "jvs doctor shows what is wrong, and which --repair repairs it",
    "reset": "jvs restore SNAPSHOT --inplace --force --reason TEXT",
    "revert": "jvs undo takes back an in-place restore; jvs restore SNAPSHOT --inplace --force --reason TEXT goes back to any",
    "rewrite": "jvs gc plan --drop SNAPSHOT drops the snapshots that hold a file; jvs find PATTERN --all names them",
    "rm": "remove files with rm; jvs find --deleted '*' finds them again. To remove a snapshot: jvs gc plan --drop SNAPSHOT",
    "rollback": "jvs restore SNAPSHOT --inplace --force --reason TEXT",
    "save": 'jvs snapshot "note" --lock',
    "snapshots": "jvs history --all",
    "stash": "jvs snapshot --lock, then: jvs restore HEAD~1 --inplace --force --reason TEXT; jvs undo brings it back",
    "switch": 'cd "$(jvs worktree path NAME)"; jvs worktree list shows their names',
    "tag": "jvs ref create NAME SNAPSHOT, or: jvs annotate SNAPSHOT --add-tag TAG",
    "tags": "jvs ref list, or: jvs history --tag TAG",
    "unlock": "jvs lock release; the lock of a dead process expires by itself, jvs lock status says when",
    "gc prune": "jvs gc plan, then: jvs gc run --plan-id ID",
    "worktree add": "jvs worktree create NAME --from SNAPSHOT",
    "worktree delete": "jvs worktree remove NAME",
    "worktree move": "jvs worktree rename OLD NEW",
    "worktree prune": "jvs worktree remove NAME; jvs doctor names what others left behind",
}
_OPTIONS = {
    "gc --prune": "jvs gc plan, then: jvs gc run --plan-id ID",
    "snapshot -a": 'you do not have to add files, a snapshot has the whole worktree: jvs snapshot "note" --lock',
    "snapshot --amend": "jvs annotate HEAD --note NOTE changes the note; the files of a snapshot never change",
    "history --oneline": "jvs history has one line for each snapshot",
    "worktree -b": "jvs worktree create NAME --from SNAPSHOT",
}


def answer(path: str) -> str | None:
    """Return what to type here instead of the other tool's command ``path``, such as ``log`` or ``worktree add``."""
    return _HABITS.get(path)


def answer_option(path: str) -> str | None:
    """Return what to type here instead of the other tool's option at the end of ``path``, such as ``gc --prune``."""
    return _OPTIONS.get(path)


def every() -> dict[str, str]:
    """Return all of them, commands and options."""
    return {**_HABITS, **_OPTIONS}
