"""The compare tab's first paint: ``python -m tests.bench.paint [--cells 200] [--times 9]``; Chromium must be installed.

In one page, notebooks in which every cell was edited are compared with their snapshot, each for the first time. Prints the
milliseconds from the command until the first cell is drawn, and how long the server took of them for its answers.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import nbformat

from tests.bench import machine as here
from tests.browser.chromium import chromium, executable
from tests.browser.comparing import CompareTab, open_document
from tests.browser.server import jupyter_server
from tests.browser.versions import long_notebook, make

_PAINT = """async path => {
  performance.clearResourceTimings();
  const began = performance.now();
  await window.jupyterapp.commands.execute('jvs-snapshots:compare-tab', { path });
  for (;;) {
    const tab = document.querySelector('.jvs-Compare:not(.lm-mod-hidden)');
    if (tab && tab.querySelector('.jvs-Cell-head')) { break; }
    await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  const took = performance.now() - began;
  const asked = performance.getEntriesByType('resource').filter(one => one.name.includes('/jvs/'));
  return [took, Math.max(0, ...asked.map(one => one.responseEnd - one.requestStart))];
}"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--times", type=int, default=9)
    options = parser.parse_args()
    path = executable()
    assert path is not None, "Chromium is not installed"
    with tempfile.TemporaryDirectory() as folder, chromium(path) as browser:
        state = {"JVS_STATE_DIR": f"{folder}/state", "JVS_CACHE_DIR": f"{folder}/cache"}
        with jupyter_server(
            Path(folder), options=("--LabApp.expose_app_in_browser=True",), **state
        ) as server:
            repo = make(server, "paint")
            names = [f"n{number}.ipynb" for number in range(options.times + 1)]
            for newer in (False, True):
                for name in names:
                    nbformat.write(long_notebook(options.cells, newer=newer), repo.root / "main" / name)
                if not newer:
                    repo.snapshot("before", lock=True)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            open_document(page, server, f"{repo.root.name}/main/README.md")
            taken = []
            for name in names:
                taken.append(page.evaluate(_PAINT, f"{repo.root.name}/main/{name}"))
                CompareTab(page).node.page.evaluate(
                    "() => window.jupyterapp.commands.execute('application:close')"
                )
    first, *rest = taken
    print(here.described(), here.now())
    print(
        f"{options.cells} cells, the page's first compare tab: {first[0]:.0f} ms, of which the server {first[1]:.0f}"
    )
    paints, answers = ([one[part] for one in rest] for part in (0, 1))
    print(
        f"{options.cells} cells, the following {len(rest)}: median {statistics.median(paints):.0f} ms "
        f"({min(paints):.0f} to {max(paints):.0f}), of which the server {statistics.median(answers):.0f}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
