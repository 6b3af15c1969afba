"""Running again, and what of two runs counts as the same."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_jupyter import Reproduction, reproduce, run
from jvs_jupyter.runs.differences import in_bytes
from jvs_jupyter.runs.hints import about
from tests.jupyter.papermill.support import Workspace

Jvs = Callable[..., subprocess.CompletedProcess[str]]


def test_a_seeded_notebook_is_identical_and_one_that_writes_the_time_differs(
    workspace: Workspace, jvs: Jvs
) -> None:
    workspace.notebook(
        "seeded.ipynb",
        "import random\nrandom.seed(seed)\nopen('r.txt', 'w').write(str(random.random()))\nprint(random.random())\nobject()",
        parameters="seed = 1",
    )
    workspace.notebook("clock.ipynb", "import time\nopen('t.txt', 'w').write(str(time.time_ns()))")
    seeded, clock = run("seeded.ipynb", {"seed": 4}), run("clock.ipynb")
    Path("r.txt").write_text("changed since")
    same = json.loads(jvs("run", "reproduce", seeded.run_id, "--json").stdout)
    assert set(same) == {"run_id", "reproduces", "verdict", "paths"}
    assert (same["reproduces"], same["verdict"], same["paths"]) == (seeded.run_id, "identical", [])
    assert Path("r.txt").read_text() == "changed since"
    other = json.loads(jvs("run", "reproduce", clock.run_id, "--json", status=20).stdout)
    assert (other["verdict"], other["paths"]) == ("differs", ["t.txt"])
    shown = json.loads(jvs("run", "show", other["run_id"], "--json").stdout)
    assert (shown["reproduces"], shown["verdict"], shown["paths"]) == (clock.run_id, "differs", ["t.txt"])
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main"]


def test_a_notebook_that_takes_snapshots_of_its_own_reproduces(workspace: Workspace, jvs: Jvs) -> None:
    cells = [
        '%jvs snapshot "mid"',
        "made = %jvs snapshot --tag mine\nprint(made.snapshot_id)",
        "%%jvs around\nopen('r.txt', 'w').write('1')",
        "%jvs status",
        "%jvs history",
        "%jvs lock acquire",
        "%jvs lock status",
        "%jvs cat HEAD r.txt",
    ]
    workspace.notebook("in.ipynb", "%load_ext jvs_magics", *cells)
    first = run("in.ipynb")
    assert first.outcome == "ok"
    same = json.loads(jvs("run", "reproduce", first.run_id, "--json").stdout)
    assert (same["verdict"], same["paths"]) == ("identical", [])
    workspace.notebook(
        "in.ipynb",
        "%load_ext jvs_magics",
        "import time\nopen('r.txt', 'w').write(str(time.time_ns()))\nNone",
        "%jvs snapshot",
        "%jvs cat HEAD r.txt",
    )
    other = json.loads(jvs("run", "reproduce", run("in.ipynb").run_id, "--json", status=20).stdout)
    assert other["paths"] == ["in.out.ipynb", "r.txt"]


def test_a_run_that_ends_otherwise_is_not_reproduced(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    workspace.notebook("in.ipynb", f"open({str(outside)!r}, 'x').close()")
    first = run("in.ipynb")
    again = reproduce(first)
    assert (first.outcome, again.verdict, again.run.outcome) == ("ok", "failed", "cell_error")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python keep what it compiles, as it does unless it is told otherwise."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)


@pytest.mark.usefixtures("compiled")
def test_known_caches_make_no_run_differ(workspace: Workspace) -> None:
    Path("package").mkdir()
    Path("package", "__init__.py").write_text("x = 1")
    cells = [
        "from package import x",
        "import os, pathlib, time\nnow = str(time.time_ns())",
        "for name in ('.ipynb_checkpoints', 'a/node_modules/b', '.venv', 'own'):\n    os.makedirs(name)",
        "for name in ('.ipynb_checkpoints', 'a/node_modules/b', '.venv', 'own'):\n    pathlib.Path(name, now).touch()",
        "pathlib.Path('own/CACHEDIR.TAG').write_text('Signature: 8a477f597d28d172789f06886806bc55\\n' + now);",
    ]
    workspace.notebook("in.ipynb", *cells)
    made = run("in.ipynb")
    assert list(Path("package", "__pycache__").iterdir())
    found = reproduce(made)
    assert (found.verdict, found.paths) == ("identical", [])


def test_a_folder_that_only_looks_like_a_cache_counts(workspace: Workspace) -> None:
    cells = [
        "import os, pathlib, time\nnow = str(time.time_ns())",
        "os.mkdir('own'); pathlib.Path('own/CACHEDIR.TAG').write_text('mine' * 20); pathlib.Path('own/x').write_text(now)",
        "pathlib.Path('node_modules').write_text(now)",
        "pathlib.Path('CACHEDIR.TAG').write_text('Signature: 8a477f597d28d172789f06886806bc55' + now); None",
    ]
    workspace.notebook("in.ipynb", *cells)
    found = reproduce(run("in.ipynb"))
    assert found.paths == ["CACHEDIR.TAG", "node_modules", "own/x"]


FIGURE = """import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.plot([1, 2])
for kind in ("svg", "pdf", "png"):
    figure.savefig(f"a.{kind}")
"""
FIXED = "import os, matplotlib\nos.environ['SOURCE_DATE_EPOCH'] = '0'\nmatplotlib.rcParams['svg.hashsalt'] = 'mine'"


def test_figures_that_differ_say_where_and_what_would_make_them_alike(workspace: Workspace, jvs: Jvs) -> None:
    workspace.notebook("in.ipynb", FIGURE)
    made = run("in.ipynb")
    told = jvs("run", "reproduce", made.run_id, status=20)
    lines = told.stdout.splitlines()[1:]
    assert any(line.startswith("~ a.svg: from byte ") for line in lines), lines
    assert "SOURCE_DATE_EPOCH" in told.stderr
    assert "svg.hashsalt" in told.stderr
    workspace.notebook("in.ipynb", FIXED, FIGURE)
    found = reproduce(run("in.ipynb"))
    assert (found.verdict, list(about(found))) == ("identical", [])


def described(found: Reproduction) -> dict[str, str]:
    """Return where each file differs, by its path."""
    return {difference.path: difference.where for difference in found.differences}


def test_every_kind_of_difference_is_told(workspace: Workspace) -> None:
    Path("runs").write_text("")
    script = """import os, pathlib
here = pathlib.Path.cwd().name
first = here == "main"
pathlib.Path("data").write_bytes(b"x" * 3000 + (b"one" if first else b"two") + b"y" * 3000)
pathlib.Path("mode").write_text("")
os.chmod("mode", 0o644 if first else 0o600)
os.symlink(here, "link")
os.mkdir("kind") if first else pathlib.Path("kind").write_text("")
pathlib.Path("only-" + ("first" if first else "second")).write_text("")"""
    workspace.notebook("in.ipynb", "1", script, "first")
    found = described(reproduce(run("in.ipynb")))
    assert (
        found["data"]
        == f"from byte 3000 on, {'x' * 12 + 'one' + 'y' * 37!r}, then {'x' * 12 + 'two' + 'y' * 37!r}"
    )
    assert found["mode"] == "mode 0644, then 0600"
    assert found["link"] == "another symlink"
    assert found["only-first"] == "only the first run left it"
    assert found["only-second"] == "only the second run left it"
    assert found["in.out.ipynb"] == "cell 2"
    assert "kind" in found


def test_rows_columns_and_pixels_that_differ_are_named(workspace: Workspace) -> None:
    script = """import io, pathlib
from IPython.display import Image as Shown, display
from PIL import Image
first = pathlib.Path.cwd().name == "main"
pathlib.Path("t.csv").write_text("id,price,city\\n1,2,x\\n2," + ("3" if first else "4") + ",x\\n")
drawn = Image.new("L", (10, 10), 255)
drawn.putpixel((3, 4), 0 if first else 255)
drawn.save("p.png")
display(Shown("p.png"))"""
    workspace.notebook("in.ipynb", "1", script)
    found = described(reproduce(run("in.ipynb")))
    assert found["t.csv"] == "1 row (in price)"
    assert found["p.png"] == "1 % of the pixels"
    assert found["in.out.ipynb"] == "cell 1 (1 picture, up to 1.00% of the pixels)"


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        (b"ab", b"a", "from byte 1 on, 'ab', then 'a'"),
        (b"", b"\x00", "from byte 0 on, the end, then '\\x00'"),
        (b"a" * (1 << 20), b"a" * (1 << 20) + b"b", f"from byte {1 << 20} on, the end, then 'b'"),
    ],
    ids=["shorter", "empty", "longer by a piece"],
)
def test_the_first_byte_that_differs_is_found(one: bytes, other: bytes, where: str) -> None:
    assert in_bytes(io.BytesIO(one), io.BytesIO(other)) == where
