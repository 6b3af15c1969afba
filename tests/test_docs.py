"""The documentation against the code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from jvs_core import __version__
from jvs_core.cli.main import build
from jvs_core.errors import error_classes

ROOT = Path(__file__).parent.parent

# The contract's table: exit status and codes.
CONTRACT = {
    1: "E_INTERNAL",
    2: "E_USAGE E_NAME_INVALID E_PATH_ESCAPE E_SNAPSHOT_AMBIGUOUS E_UNTRUSTED_REPOSITORY E_OUTSIDE_ROOT",
    3: "E_NOT_A_REPOSITORY E_WORKTREE_NOT_FOUND E_SNAPSHOT_NOT_FOUND E_REF_NOT_FOUND E_RUN_NOT_FOUND"
    " E_PLAN_NOT_FOUND E_PIN_NOT_FOUND E_PATH_NOT_FOUND E_SNAPSHOT_EXPIRED",
    4: "E_ALREADY_EXISTS E_LOCK_CONFLICT E_LOCK_EXPIRED E_LOCK_NOT_HELD E_FENCING_MISMATCH E_CLOCK_SKEW_EXCEEDED"
    " E_GC_PLAN_MISMATCH E_UNSAVED_CHANGES E_CONSISTENCY_UNAVAILABLE E_NOTHING_TO_UNDO",
    5: "E_DESCRIPTOR_CORRUPT E_PAYLOAD_HASH_MISMATCH E_LINEAGE_BROKEN E_PARTIAL_SNAPSHOT E_AUDIT_CHAIN_BROKEN"
    " E_REF_BROKEN",
    6: "E_FORMAT_UNSUPPORTED",
    7: "E_ENGINE_UNAVAILABLE E_ENGINE_FAILED E_NO_SPACE E_UNSUPPORTED_FILE",
}


def test_the_error_classes_are_the_contracts_table() -> None:
    assert {error.code: error.exit_status for error in error_classes()} == {
        code: status for status, codes in CONTRACT.items() for code in codes.split()
    }


def test_the_reference_pages_are_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_file_named_in_the_readme_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target


def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", "docs/site/mkdocs.yml", "-d", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 20
    loads = re.compile(
        r"<(?:script|img|iframe)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b[^>]*\bhref=[\"']?(?:https?:)?//"
    )
    for page in pages:
        assert not loads.search(page.read_text(encoding="utf-8")), page
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "docs" / "site" / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        if page.parent.name != "design":
            assert f"{name}\n" in navigation, name


def test_completion_is_installed_by_the_line_of_the_readme() -> None:
    line = 'eval "$(jvs completion bash)"'
    assert line in (ROOT / "README.md").read_text(encoding="utf-8")
    script = f"""
{line}
compopt() {{ :; }}
COMP_LINE="jvs work" COMP_POINT=8 COMP_WORDS=(jvs work) COMP_CWORD=1
_jvs_completion jvs work jvs
echo "${{COMPREPLY[@]}}"
COMPREPLY=() COMP_LINE="jvs gc pl" COMP_POINT=9 COMP_WORDS=(jvs gc pl) COMP_CWORD=2
_jvs_completion jvs pl gc
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["worktree", "plan"], done.stdout + done.stderr


def test_the_version_is_stated_once_and_all_else_agrees() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.search(rf"^## \[{re.escape(__version__)}\] - (\d{{4}}-\d\d-\d\d)$", changes, re.MULTILINE)
    assert released is not None
    lab = ROOT / "jvs_jupyter" / "lab"
    lock = json.loads((lab / "package-lock.json").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {
        json.loads((lab / "package.json").read_text(encoding="utf-8"))["version"],
        lock["version"],
        lock["packages"][""]["version"],
        citation["version"],
    } == {__version__}
    assert citation["date-released"] == released[1]


def test_the_citation_says_what_the_package_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["license"] == project["license"]
    assert [each["name"] for each in citation["authors"]] == [each["name"] for each in project["authors"]]


def test_every_error_has_a_part_in_the_page_on_messages() -> None:
    page = (ROOT / "docs" / "guides" / "troubleshooting.md").read_text(encoding="utf-8")
    explained = [
        code for line in page.splitlines() if line.startswith("## ") for code in line[3:].split(", ")
    ]
    assert sorted(explained) == sorted({error.code for error in error_classes()})


@pytest.mark.parametrize(
    "reader",
    [
        ("mandoc", "-Tlint", "-Wwarning"),
        ("groff", "-ww", "-man", "-Kutf8", "-Tutf8"),
        ("man", "--warnings", "-l"),
    ],
)
def test_manual_pages_render_without_a_warning(reader: tuple[str, ...]) -> None:
    if shutil.which(reader[0]) is None:
        pytest.skip(f"no {reader[0]} here")
    pages = sorted((ROOT / "docs" / "man").glob("*.1"))
    assert {"jvs.1", "jvs-snapshot.1", "jvs-mcp.1"} <= {page.name for page in pages}
    done = subprocess.run([*reader, *map(str, pages)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert reader[0] != "mandoc" or done.stdout == ""


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_the_forms_for_issues_name_commands_that_there_are(form: Path) -> None:
    said = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert form.stem == "config" or {"name", "description", "body"} <= said.keys()
    root = build()
    for command, rest in re.findall(r"`jvs ([a-z]+)([^`]*)`", form.read_text(encoding="utf-8")):
        found = root.get_command(click.Context(root), command)
        assert found is not None, command
        options = {name for each in found.params for name in each.opts}
        assert {word for word in rest.split() if word.startswith("--")} <= options, command


def test_a_bundled_package_without_a_licence_or_with_a_foreign_one_fails_the_build(tmp_path: Path) -> None:
    sound = {"name": "one", "versionInfo": "1", "licenseId": "MIT", "extractedText": "Permission " * 50}
    listing = tmp_path / "licenses.json"
    for packages, said in (
        ([sound], None),
        ([sound, {**sound, "name": "two", "licenseId": "GPL-3.0"}], "two 1: the licence 'GPL-3.0' is not on"),
        ([{**sound, "licenseId": ""}], "one 1: the licence 'unknown' is not on"),
        ([{**sound, "extractedText": ""}], "one 1: the text of its licence is not in the panel"),
        ([], "names no package"),
    ):
        listing.write_text(json.dumps({"packages": packages}))
        done = subprocess.run(
            [sys.executable, ".ci/sbom.py", "--check", "--licenses", str(listing)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, said is None or said in done.stderr) == (0 if said is None else 1, True), (
            done
        )


def test_every_licence_of_the_panel_is_in_it_and_allowed() -> None:
    if not (ROOT / "jvs_jupyter" / "labextension").is_dir():
        pytest.skip("the panel is not built")
    done = subprocess.run(
        [sys.executable, ".ci/sbom.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
