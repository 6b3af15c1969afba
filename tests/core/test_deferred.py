"""Packages whose modules are imported on first use: what types see under ``TYPE_CHECKING`` is what there is."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import jvs_core

ROOT = Path(jvs_core.__file__).parent
ATTACHED = [path for path in sorted(ROOT.rglob("__init__.py")) if "attached(" in path.read_text()]


def declared(path: Path) -> set[str]:
    """Return the names that a package imports for type checkers only."""
    blocks = [
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    assert len(blocks) == 1, path
    imports = [node for node in blocks[0].body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


@pytest.mark.parametrize("path", ATTACHED, ids=lambda path: str(path.parent.relative_to(ROOT.parent)))
def test_a_package_has_at_run_time_what_type_checkers_see(path: Path) -> None:
    package = import_module(".".join(path.parent.relative_to(ROOT.parent).parts))
    seen = declared(path)
    assert [name for name in seen if not hasattr(package, name)] == []
    modules = {inner.stem for inner in path.parent.iterdir() if inner.suffix == ".py" or inner.is_dir()}
    named = {name for name in dir(package) if not name.startswith("_")} - {
        "TYPE_CHECKING",
        "annotations",
        "attached",
    }
    assert named - modules - seen - {"models", "sys"} == set()


def test_a_name_that_a_package_does_not_have_is_an_attribute_error() -> None:
    package = import_module("jvs_core.operations")
    with pytest.raises(AttributeError, match=r"'jvs_core.operations' has no attribute 'no_such'"):
        package.no_such  # noqa: B018
    assert not hasattr(package, "_private")


def test_a_module_that_cannot_be_imported_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "for_a_test").mkdir()
    (tmp_path / "for_a_test/__init__.py").write_text(
        "from jvs_core.deferred import attached\n__getattr__, __dir__ = attached(__name__)\n"
    )
    (tmp_path / "for_a_test/broken.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        import_module("for_a_test").broken  # noqa: B018
