"""Building a wheel and a source distribution where there is no Node.js, one that is too old, and one that works."""

from __future__ import annotations

import os
import runpy
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PANEL = ".data/data/share/jupyter/labextensions/jvs-snapshots/package.json"
WHY_NOT = "jvs_jupyter/server/panel_missing.txt"
COPIED = ("jvs_core", "jvs_magics", "jvs_jupyter", "docs/man", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return the files of a checkout without what is made in it: the panel is not built there."""
    top = tmp_path / "checkout"
    left_out = shutil.ignore_patterns("__pycache__", "node_modules", "labextension", "lib")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, top / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, top / name)
    return top


def build(checkout: Path, path: Path, hook: str = "build_wheel", **environment: str) -> Path:
    """Build into ``out`` as pip does, with the programs in ``path``; return what was built."""
    out = checkout.parent / "out"
    out.mkdir(exist_ok=True)
    script = f"from hatchling import build; print(build.{hook}({str(out)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=checkout,
        env={**os.environ, "JVS_PANEL": "", "PATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out / done.stdout.split()[-1]


def programs(folder: Path, **scripts: str) -> Path:
    """Return a folder with these shell scripts, to be the whole PATH."""
    folder.mkdir()
    for name, script in scripts.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}


# What npm leaves behind, without a network.
NPM = 'case $1 in ci) ;; run) mkdir -p ../labextension && echo "{}" > ../labextension/package.json ;; esac'


def test_without_node_the_wheel_says_why_it_has_no_panel(checkout: Path, tmp_path: Path) -> None:
    before = files(checkout)
    wheel = build(checkout, programs(tmp_path / "none"))
    with zipfile.ZipFile(wheel) as archive:
        assert not any(name.endswith(PANEL) for name in archive.namelist())
        assert archive.read(WHY_NOT).decode().startswith("Node.js and npm were not there")
    assert files(checkout) == before


def test_why_a_panel_cannot_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = runpy.run_path(str(ROOT / "jvs_jupyter" / "lab" / "hatch_build.py"))

    def why_not(path: Path) -> str:
        monkeypatch.setenv("PATH", str(path))
        source = tmp_path / "source" / hook["SOURCES"]
        source.mkdir(parents=True, exist_ok=True)
        with pytest.raises(hook["NotBuiltError"]) as refused:
            hook["_build"](tmp_path / "source", tmp_path / "scratch" / path.name)
        return str(refused.value)

    node = "echo v22.1.0"
    assert "v12.22.9" in why_not(programs(tmp_path / "old", node="echo v12.22.9", npm=NPM))
    assert "did not run" in why_not(programs(tmp_path / "broken", node="exit 3", npm=NPM))
    failing = programs(tmp_path / "failing", node=node, npm="echo no network >&2; exit 1")
    assert why_not(failing).endswith("'npm ci' failed when the package was built: no network")
    assert "left no panel" in why_not(programs(tmp_path / "empty", node=node, npm="exit 0"))
    monkeypatch.setenv("JVS_PANEL", "skip")
    assert why_not(programs(tmp_path / "works", node=node, npm=NPM)).startswith("JVS_PANEL=skip was set")


def test_with_node_the_panel_is_built_beside_the_checkout(checkout: Path, tmp_path: Path) -> None:
    before = files(checkout)
    works = programs(tmp_path / "works", node="echo v22.1.0", npm=NPM)
    with zipfile.ZipFile(build(checkout, works)) as archive:
        names = archive.namelist()
    assert WHY_NOT not in names
    shared = [name.partition(".data/data/share/")[2] for name in names]
    assert {
        "jupyter/labextensions/jvs-snapshots/package.json",
        "man/man1/jvs.1",
        "bash-completion/completions/jvs",
        "zsh/site-functions/_jvs",
        "fish/vendor_completions.d/jvs.fish",
    } <= set(shared)
    with tarfile.open(build(checkout, works, "build_sdist")) as archive:
        assert any(name.endswith("jvs_jupyter/labextension/package.json") for name in archive.getnames())
    assert files(checkout) == before


def test_a_panel_that_is_built_already_is_used_without_node(checkout: Path, tmp_path: Path) -> None:
    built = checkout / "jvs_jupyter" / "labextension"
    built.mkdir()
    (built / "package.json").write_text('{"there": "already"}')
    wheel = build(checkout, programs(tmp_path / "none"), JVS_PANEL="build")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(PANEL))
        assert archive.read(name) == b'{"there": "already"}'


def test_who_wants_the_panel_gets_no_wheel_without_it(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(
        AssertionError, match=r"the JupyterLab panel is not built: Node\.js and npm were not there"
    ):
        build(checkout, programs(tmp_path / "none"), JVS_PANEL="build")


def test_only_what_is_to_be_built_needs_something_to_build_it(checkout: Path, tmp_path: Path) -> None:
    def needed(path: Path, **environment: str) -> str:
        script = "from hatchling import build; print(build.get_requires_for_build_wheel())"
        given = {**os.environ, "JVS_PANEL": "", "PATH": str(path), **environment}
        return subprocess.run(
            [sys.executable, "-c", script],
            cwd=checkout,
            env=given,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    works = programs(tmp_path / "works", node="echo v22.1.0", npm=NPM)
    assert "jupyter-builder" in needed(works)
    assert "jupyter-builder" not in needed(works, JVS_PANEL="skip")
    assert "jupyter-builder" not in needed(programs(tmp_path / "none"))
