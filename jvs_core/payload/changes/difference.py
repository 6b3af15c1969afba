"""Comparing two trees: which paths people are told are new, different or gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from stat import S_ISGID, S_ISUID

from jvs_core.payload.tree.entry import FILE, FOLDER, Entry

Differ = Callable[[Entry, Entry], bool]


@dataclass(frozen=True)
class Changes:
    """The paths that differ, each list sorted; folders end in ``/``."""

    added: list[bytes] = field(default_factory=list)
    modified: list[bytes] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.removed)


def compare(before: Sequence[Entry], after: Sequence[Entry], *, differ: Differ | None = None) -> Changes:
    """Return what changed from ``before`` to ``after``, both sorted by path.

    Files, links and FIFOs count when their kind, content, target or mode differs; folders when they are new or gone
    and empty, or their mode differs. A time alone is no change, and the top folder is none of the payload's. Where a
    folder took the place of a file, or a file of a folder, the one is removed and the other added. ``differ`` is another
    judge of two entries of one path.
    """
    differ = differ or _differ
    changes = Changes()
    new_folders: list[bytes] = []
    old_folders: list[bytes] = []
    olds, news = iter(before), iter(after)
    old, new = next(olds, None), next(news, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old.path < new.path):
            assert old is not None
            _one_sided(old, changes.removed, old_folders)
            old = next(olds, None)
        elif old is None or new.path < old.path:
            _one_sided(new, changes.added, new_folders)
            new = next(news, None)
        else:
            if old is not new and differ(old, new) and new.path:
                if (old.kind == FOLDER) != (new.kind == FOLDER):
                    _one_sided(old, changes.removed, old_folders)
                    _one_sided(new, changes.added, new_folders)
                else:
                    changes.modified.append(new.path + b"/" if new.kind == FOLDER else new.path)
            old, new = next(olds, None), next(news, None)
    changes.removed.extend(_empty(old_folders, before))
    changes.added.extend(_empty(new_folders, after))
    for paths in (changes.added, changes.modified, changes.removed):
        paths.sort()
    return changes


def beyond_times(owner: Entry) -> Differ:
    """Return a comparison of all that a snapshot keeps but times: owner, attributes and hard links, too.

    That something belongs to whom the top folder ``owner`` belongs to is no change: whoever makes a worktree without the
    right to give files away becomes the owner of all of it.
    """

    def differ(old: Entry, new: Entry) -> bool:
        return (
            _differ(old, new)
            or new.uid not in (old.uid, owner.uid)
            or new.gid not in (old.gid, owner.gid)
            or (old.link_group, old.xattrs) != (new.link_group, new.xattrs)
        )

    return differ


def but_for_setuid(old: Entry, new: Entry) -> bool:
    """Compare an entry of a snapshot with one of a worktree, setuid and setgid left out: no restore gives them."""
    if old.kind == new.kind == FILE and new.mode == old.mode & ~(S_ISUID | S_ISGID):
        return old.sha256 != new.sha256
    return _differ(old, new)


def _differ(old: Entry, new: Entry) -> bool:
    return (
        old.sha256 != new.sha256 or old.mode != new.mode or old.kind != new.kind or old.target != new.target
    )


def _one_sided(entry: Entry, paths: list[bytes], folders: list[bytes]) -> None:
    if entry.kind == FOLDER:
        folders.append(entry.path)
    else:
        paths.append(entry.path)


def _empty(folders: list[bytes], entries: Sequence[Entry]) -> list[bytes]:
    """Return those of ``folders`` that hold nothing, with a trailing slash."""
    if not folders:
        return []
    parents = {entry.path.rpartition(b"/")[0] for entry in entries if entry.path}
    return [path + b"/" for path in folders if path and path not in parents]
