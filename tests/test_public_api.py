"""The names that front ends may use: pinned, typed and documented."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import jvs_core
from jvs_core import Repository
from jvs_core.cli.main import build


def members() -> list[tuple[str, object]]:
    """Return the public callables of ``Repository`` and of its registers."""
    found: list[tuple[str, object]] = []
    hints = Repository.__init__.__code__.co_names
    there = vars(inspect.getmodule(Repository))
    classes = [there[name] for name in hints if inspect.isclass(there.get(name))]
    registers = [cls for cls in classes if cls.__module__.startswith("jvs_core.")]
    for cls in (Repository, *registers):
        for name, member in vars(cls).items():
            function = getattr(member, "__func__", getattr(member, "fget", member))
            if not name.startswith("_") and callable(function):
                found.append((f"{cls.__name__}.{name}", inspect.unwrap(function)))
    return found


MEMBERS = members()

PUBLIC = (
    "AlreadyExists AnnotatedDescriptor AuditRecord Checkpoint Descriptor Difference Differences InputError JvsError Lease LeaseRecord LockConflict "
    "NotARepository OutsideRoot Pin Progress Ref Repository Run RunTable RunWork Sandbox Schedule SeenRun Settings SnapshotFile TimelineConfig Trusted UntrustedRepository "
    "Verdict Watch WorktreeInfo "
    "__version__ distrust known_summaries summary trust trusted what_changed what_changed_in"
)
# Each command, and what does the same in Python.
IN_PYTHON = {
    "init": "Repository.init",
    "clone": "Repository.clone",
    "import": "Repository.import_old",
    "info": "Repository.info",
    "status": "Repository.status",
    "snapshot": "Repository.snapshot Repository.snapshot_if_changed",
    "annotate": "Repository.annotate",
    "history": "Repository.history",
    "find": "Repository.find",
    "stats": "Repository.stats",
    "show": "Repository.show",
    "ls": "Repository.ls",
    "cat": "Repository.open_file",
    "compare": "Repository.compare Repository.changed_entries what_changed what_changed_in summary known_summaries",
    "restore": "Repository.restore Repository.suggest_name Repository.restore_path Repository.restore_inplace",
    "timeline status": "Timeline.state",
    "timeline run": "Timeline.run",
    "timeline on": "Timeline.switch",
    "timeline off": "Timeline.switch",
    "export": "Repository.export",
    "view": "Repository.view Views.open Views.all Views.close",
    "undo": "Repository.undo Repository.forget_undo",
    "redo": "Repository.redo",
    "sandbox run": "Repository.sandbox",
    "bisect run": "Repository.bisect",
    "lock acquire": "Locks.acquire",
    "lock status": "Locks.status",
    "lock renew": "Locks.renew",
    "lock release": "Locks.release",
    "lock run": "Repository.hold",
    "worktree create": "Worktrees.create",
    "worktree list": "Worktrees.all",
    "worktree path": "Worktrees.path",
    "worktree rename": "Worktrees.rename",
    "worktree remove": "Worktrees.remove",
    "ref create": "Refs.create",
    "ref list": "Refs.all",
    "ref delete": "Refs.delete",
    "gc plan": "Gc.plan",
    "gc run": "Gc.run",
    "gc pin": "Pins.create",
    "gc unpin": "Pins.delete",
    "gc pins": "Pins.all",
    "verify": "Repository.verify Repository.check_proof",
    "doctor": "Repository.doctor",
    "config show": "Config.all",
    "config get": "Config.get",
    "config set": "Config.set Config.reset",
    "trust": "trust trusted distrust",
    "audit log": "Audit.log",
    "audit checkpoint": "Audit.checkpoint",
    "audit keygen": "Audit.keygen",
}
COMMAND_LINE_ONLY = {
    "completion",
    "demo",
    "explain",
    "conformance run",
}  # completion is for shells, demo runs the command itself, explain reads a page, the last is jvs_core.conformance


def leaves(group: click.Group, names: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the words of every command."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from leaves(command, (*names, name))
        else:
            yield " ".join((*names, name))


def test_every_command_has_its_way_in_python() -> None:
    assert set(leaves(build())) == IN_PYTHON.keys() | COMMAND_LINE_ONLY
    ways = {way for found in IN_PYTHON.values() for way in found.split()}
    assert ways <= {name for name, _ in MEMBERS} | set(jvs_core.__all__)


def test_every_public_name_can_be_imported() -> None:
    assert list(jvs_core.__all__) == sorted(jvs_core.__all__)
    assert all(getattr(jvs_core, name) is not None for name in jvs_core.__all__)
    assert set(jvs_core.__all__) <= set(dir(jvs_core))
    with pytest.raises(AttributeError, match="no attribute 'repo'"):
        _ = jvs_core.repo


def test_the_public_names_are_these() -> None:
    assert jvs_core.__all__ == PUBLIC.split()


@pytest.mark.parametrize(("name", "function"), MEMBERS, ids=[name for name, _ in MEMBERS])
def test_every_public_method_is_typed_and_documented(name: str, function: object) -> None:
    assert callable(function)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(
        parameter.annotation is not inspect.Parameter.empty
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls")
    )
    assert (function.__doc__ or "").strip()


def test_one_repository_object_serves_many_threads(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main" / "a.txt").write_text("a")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            if number % 2:
                repo.snapshot(f"thread {number}", lock=True, wait_s=60)
            for item in repo.history():
                assert repo.show(item.descriptor.snapshot_id).descriptor.files == 1
            assert repo.status().worktree == "main"
        except BaseException as failure:  # noqa: BLE001 - the main thread looks at it
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(repo.history()) == 3
    assert repo.verify(every=True).ok
