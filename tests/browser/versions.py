"""A workspace of every kind of file in two versions, as people have them, and what the tests of the compare tab need around it."""

from __future__ import annotations

import base64
import io
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import nbformat
import numpy as np

from jvs_core import Repository
from jvs_core.settings import from_environment
from tests.browser.server import JupyterServer

mpl.use("Agg")
import matplotlib.pyplot as plt

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
LANGUAGE = {"name": "python", "file_extension": ".py"}


def make(server: JupyterServer, name: str) -> Repository:
    """Return a repository below the server's root, whose only snapshot is the older version and whose worktree is the newer."""
    folder = server.root.parent
    settings = replace(from_environment(), state_dir=folder / "state", cache_dir=folder / "cache")
    repo = Repository.init(server.root / name, settings=settings)
    write(repo.root / "main", newer=False)
    repo.snapshot("first model", lock=True, tags=["baseline"])
    write(repo.root / "main", newer=True)
    return repo


def write(main: Path, *, newer: bool) -> None:
    """Write either version of all files."""
    for folder in ("data", "figures", "models"):
        (main / folder).mkdir(exist_ok=True)
    nbformat.write(notebook(newer=newer), main / "train.ipynb")
    (main / "data" / "clean.csv").write_text(table(newer=newer))
    (main / "figures" / "roc.png").write_bytes(figure(0.9 if newer else 0.7))
    (main / "figures" / "flow.svg").write_text(drawing("steelblue" if newer else "tomato"))
    (main / "features.py").write_text(code(newer=newer))
    (main / "README.md").write_text("# Churn\n\nThe " + ("second" if newer else "first") + " model.\n")
    rows = 64 if newer else 32
    np.savez(main / "models" / "weights.npz", bias=np.zeros(8), kernel=np.ones((rows, 8), dtype=np.float32))
    (main / "models" / "model.pkl").write_bytes(pickle.dumps({"rate": 0.25 if newer else 0.1}))
    (main / "report.zip").write_bytes(archive(newer=newer))
    (main / "raw.bin").write_bytes(bytes(range(256)) * (5 if newer else 4))
    if newer:
        (main / "figures" / "new.png").write_bytes(figure(0.8))
        (main / "old_notes.txt").unlink(missing_ok=True)
    else:
        (main / "old_notes.txt").write_text("what we thought first\n")


def notebook(*, newer: bool) -> nbformat.NotebookNode:
    """Return a notebook: among cells that stay one is edited, with its figure, one is new, one gone, and one printed other text."""
    cells = [
        nbformat.v4.new_markdown_cell("# Churn\n\nWho leaves, and why.", id="title"),
        *(nbformat.v4.new_code_cell(f"step_{n} = prepare({n})", id=f"same-{n}") for n in range(12)),
        nbformat.v4.new_code_cell(
            "import numpy as np\n\nrate = "
            + ("0.25" if newer else "0.1")
            + "\nmodel = fit(X, y, rate=rate)\nplot(model)",
            id="fit",
            execution_count=7 if newer else 5,
            outputs=[shown({"image/png": encoded(0.9 if newer else 0.7), "text/plain": "<Figure>"})],
        ),
        nbformat.v4.new_code_cell(
            "print(report(model))",
            id="report",
            execution_count=8 if newer else 6,
            outputs=[
                nbformat.v4.new_output(
                    "stream", name="stdout", text=f"rows 1200\naccuracy {0.91 if newer else 0.86}\ndone\n"
                )
            ],
        ),
        nbformat.v4.new_code_cell(
            "frame.describe()",
            id="describe",
            outputs=[shown({"text/html": html(newer=newer), "text/plain": "a b"})],
        ),
    ]
    if newer:
        cells.append(nbformat.v4.new_code_cell("evaluate(model, X_test)", id="evaluate"))
    else:
        cells.insert(3, nbformat.v4.new_markdown_cell("To do: look at the outliers", id="todo"))
    built: nbformat.NotebookNode = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": KERNEL, "language_info": LANGUAGE}
    )
    return built


def shown(data: dict[str, str]) -> nbformat.NotebookNode:
    """Return an output that displays."""
    built: nbformat.NotebookNode = nbformat.v4.new_output("display_data", data=data)
    return built


def html(*, newer: bool) -> str:
    """Return a table as pandas shows one."""
    value = "0.91" if newer else "0.86"
    return f"<table><tr><th>count</th><th>accuracy</th></tr><tr><td>1200</td><td>{value}</td></tr></table>"


def encoded(height: float) -> str:
    """Return a figure as a notebook holds it."""
    return base64.b64encode(figure(height)).decode()


def figure(height: float) -> bytes:
    """Return a curve, as PNG."""
    drawn, axes = plt.subplots(figsize=(4, 2.6))
    x = np.linspace(0, 1, 50)
    axes.plot(x, x ** (1 - height), label=f"area {height:.2f}")
    axes.plot(x, x, linestyle="--", color="grey")
    axes.legend()
    target = io.BytesIO()
    drawn.savefig(target, format="png", dpi=90)
    plt.close(drawn)
    return target.getvalue()


def drawing(colour: str) -> str:
    """Return an SVG whose script says that it ran."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 60" width="240" height="120">'
        "<script>parent.ran = 'svg'; window.ran = 'svg'</script>"
        f'<circle cx="30" cy="30" r="20" fill="{colour}"/><rect x="60" y="10" width="40" height="40"/></svg>'
    )


def table(*, newer: bool) -> str:
    """Return a table of which three rows changed, two went and one came."""
    rows = [[str(n), f"customer {n}", f"{n * 1.5:.1f}", "yes" if n % 3 else "no"] for n in range(60)]
    if newer:
        for n in (4, 9, 31):
            rows[n][2] = f"{n * 2.25:.2f}"
        del rows[50:52]
        rows.append(["99", "customer 99", "7.0", "no"])
    return "\n".join(["id,name,spend,stays", *(",".join(row) for row in rows)]) + "\n"


def code(*, newer: bool) -> str:
    """Return a module of which one function changed in its middle."""
    functions = [
        f"def feature_{n}(frame):\n    '''Return feature {n}.'''\n    return frame['c{n}'].rolling({n + 2}).mean()\n"
        for n in range(20)
    ]
    if newer:
        functions[10] = (
            "def feature_10(frame, window=30):\n    '''Return feature 10, smoothed.'''\n"
            "    smooth = frame['c10'].rolling(window).median()\n    return smooth.fillna(0)\n"
        )
    return "\n\n".join(functions)


def archive(*, newer: bool) -> bytes:
    """Return a zip of three files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("report.txt", "new text" if newer else "old text")
        packed.writestr("same.txt", "same")
        packed.writestr("added.txt" if newer else "gone.txt", "x")
    return target.getvalue()


def long_notebook(cells: int, *, newer: bool) -> nbformat.NotebookNode:
    """Return a notebook of so many cells, all of them edited, each tenth with a figure."""
    image = encoded(0.9 if newer else 0.7)
    made = [
        nbformat.v4.new_code_cell(
            "\n".join(f"value_{n}_{line} = {line * (2 if newer else 1)}" for line in range(n % 7 + 2)),
            id=f"cell-{n}",
            outputs=[shown({"image/png": image})] if n % 10 == 0 else [],
        )
        for n in range(cells)
    ]
    built: nbformat.NotebookNode = nbformat.v4.new_notebook(
        cells=made, metadata={"kernelspec": KERNEL, "language_info": LANGUAGE}
    )
    return built
