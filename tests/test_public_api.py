"""The names that front ends may use: pinned, typed and documented."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path

import pytest

import jvs_core
from jvs_core import Repository


def members() -> list[tuple[str, object]]:
    """Return the public callables of ``Repository`` and of its registers."""
    found: list[tuple[str, object]] = []
    hints = Repository.__init__.__code__.co_names
    there = vars(inspect.getmodule(Repository))
    registers = [there[name] for name in hints if inspect.isclass(there.get(name))]
    for cls in (Repository, *registers):
        for name, member in vars(cls).items():
            function = getattr(member, "__func__", getattr(member, "fget", member))
            if not name.startswith("_") and callable(function):
                found.append((f"{cls.__name__}.{name}", inspect.unwrap(function)))
    return found


MEMBERS = members()


def test_every_public_name_can_be_imported() -> None:
    assert list(jvs_core.__all__) == sorted(jvs_core.__all__, key=lambda name: (name.startswith("_"), name))
    assert all(getattr(jvs_core, name) is not None for name in jvs_core.__all__)
    assert {"Repository", "JvsError", "Progress", "Settings", "Descriptor"} <= set(jvs_core.__all__)


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
