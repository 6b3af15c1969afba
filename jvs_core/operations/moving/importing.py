"""Making a repository of one of an older JVS: of JVS 0.1.0, or of JVS in Go. Nothing in that one is changed.

Its steps: ``read``, for each snapshot ``clone``, for many together ``settle`` and ``catalog``, ``worktrees``, ``records``,
``audit``, ``publish``. As a clone it lies in the hidden folder ``.NAME.unfinished`` until the last.
"""

from __future__ import annotations

import os
import uuid
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from jvs_core import regular
from jvs_core.control import trust
from jvs_core.control.audit import writer
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.errors import DescriptorCorrupt, FormatUnsupported, NotARepository
from jvs_core.interrupts import uninterrupted
from jvs_core.operations.context import Context, step
from jvs_core.operations.init import place_of
from jvs_core.operations.moving import configured, first_repository, go_repository, site
from jvs_core.operations.moving.first_import import FirstImport
from jvs_core.operations.moving.first_repository import FirstRepository
from jvs_core.operations.moving.go_import import GoImport
from jvs_core.operations.moving.go_repository import GoRepository
from jvs_core.operations.moving.old import OldImport
from jvs_core.payload.tree.entry import printable
from jvs_core.progress import Progress
from jvs_core.results import Imported
from jvs_core.settings import RepositoryConfig, Settings, render_config

_MOST_LINES = 200


def import_old(source: Path, path: Path, settings: Settings, progress: Progress) -> Imported:
    """Make the repository ``path`` of the one of JVS 0.1.0, or of JVS in Go, at ``source``.

    Snapshots keep their ids. One that is damaged is refused, by name; worktrees come as they lie there, changes that no
    snapshot has included.

    Raises
    ------
    NotARepository, UntrustedRepository, FormatUnsupported
        ``source`` is no repository of an older JVS that the caller may believe.
    NameInvalid, AlreadyExists, PathNotFound, InputError
        ``path`` cannot become a repository.
    LockConflict
        The same import is under way, or somebody works in the repository of JVS 0.1.0.
    """
    target = place_of(path)
    site.require_free(target)
    with step(progress, "read"):
        old = _old(source, settings)
        found: FirstRepository | GoRepository
        found = first_repository.read(old) if first_repository.is_first(old) else go_repository.read(old)
        config, data = _config(old, found)
    what = site.Undertaking(
        operation="import",
        source=printable(os.fsencode(old.root)),
        source_identity=found.repo_id,
        only=None,
        same_identity=False,
    )
    with site.site(target, config.shared, what) as layout, ExitStack() as undo:
        repo_id, lines = str(uuid.uuid4()), list(found.left_out)
        config = configured.take_over(layout, repo_id, data, config, lines)
        new = Context(layout, settings, config, repo_id)
        work: OldImport
        if isinstance(found, FirstRepository):
            work = FirstImport(old.root, new, progress, undo, lines=lines, found=found)
        else:
            work = GoImport(old.root, new, progress, undo, lines=lines, found=found)
        work.arriving.bring({key: partial(work.incoming, key) for key in work.wanted()})
        undo.close()
        with step(progress, "worktrees"):
            worktrees = dict(work.worktrees())
        records = work.records(worktrees)
        work.require_still()
        refused = {each.snapshot_id: each for each in (*found.refused.values(), *work.arriving.refused)}
        lines = [*work.lines, *work.arriving.losses]
        more = len(lines) - _MOST_LINES
        lines = lines[:_MOST_LINES] + ([f"and {more} more"] if more > 0 else [])
        imported = [work.came[key] for key in work.arriving.arrived]
        with step(progress, "records"):
            records.write(layout)
        with step(progress, "audit"):
            writer.append(
                layout,
                settings,
                "import",
                worktree=MAIN,
                worktree_id=worktrees[MAIN].worktree_id,
                target=target.name,
                details={
                    "source": {
                        "root": printable(os.fsencode(old.root)),
                        "repo_id": found.repo_id,
                        **work.describe(),
                    },
                    "imported": {each.snapshot_id: each.checked for each in imported},
                    "refused": [refused[key].to_json() for key in sorted(refused)],
                    **({"degraded": lines} if lines else {}),
                    **records.details(),
                },
            )
        with uninterrupted(), step(progress, "publish"):
            site.publish(layout, target)
    return Imported(
        repo_root=str(target),
        repo_id=repo_id,
        imported=imported,
        refused=[refused[key] for key in sorted(refused)],
        degraded=tuple(lines),
    )


def _old(path: Path, settings: Settings) -> Layout:
    """Return the layout of the repository of format 1 at ``path``.

    Raises NotARepository, UntrustedRepository, FormatUnsupported.
    """
    root = Path(os.path.realpath(path))
    if not (root / ".jvs").is_dir() or (root / ".jvs").is_symlink():
        raise NotARepository(
            f"no JVS repository at {path}", hint="give the folder that contains .jvs and main"
        )
    trust.require(root, settings)
    layout = Layout(root)
    try:
        said = regular.read_regular(layout.control / "format_version", most=4096).strip()
    except (FileNotFoundError, DescriptorCorrupt):
        said = b""
    if said == b"2":
        raise FormatUnsupported(
            f"{root} is a repository of this JVS", hint=f"jvs clone {root} NAME makes a copy of it"
        )
    if said != b"1":
        shown = said[:40].decode("utf-8", "replace") or "missing"
        raise FormatUnsupported(
            f"repository format {shown} at {root}; import reads format 1, of JVS 0.1.0 and of JVS in Go"
        )
    return layout


def _config(old: Layout, found: FirstRepository | GoRepository) -> tuple[RepositoryConfig, bytes]:
    """Return the configuration that the new repository begins with, and its file: that of JVS 0.1.0, else the usual one."""
    if isinstance(found, FirstRepository):
        return configured.of(old)
    config = RepositoryConfig()
    return config, render_config(config).encode()
