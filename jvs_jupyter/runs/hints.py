"""What would make two runs alike, where the bytes or the sources show it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jvs_core import JvsError, Repository, Run
from jvs_jupyter.runs.causes import Cause
from jvs_jupyter.runs.reproduce import Reproduction

_TEXTS: dict[Cause, str] = {
    "figure": "figures: matplotlib writes the time into SVG, PDF and PS, and random ids into SVG; set "
    "SOURCE_DATE_EPOCH for both runs (os.environ['SOURCE_DATE_EPOCH'] = '0') and "
    "matplotlib.rcParams['svg.hashsalt'] to a text of your own",
    "gzip": "gzip: its header holds the time; write it with mtime=0 (gzip.GzipFile(…, mtime=0)), or gzip -n",
    "zip": "zip: each member holds its time; set SOURCE_DATE_EPOCH if the program that writes it uses that, "
    "otherwise set date_time of zipfile.ZipInfo",
    "time": "the files differ only in times: do not write the time, or take it from a parameter",
}
_LARGEST = 4 << 20
_DRAWS = re.compile(rb"\b(random|np\.random|numpy\.random|torch|tensorflow|sklearn|shuffle)\b")
_SEEDED = re.compile(rb"seed|random_state|default_rng\(\s*\d")


def about(found: Reproduction) -> Iterator[str]:
    """Yield what would make the two runs alike, each once; nothing where they are, or where nothing shows it."""
    causes = dict.fromkeys(difference.cause for difference in found.differences if difference.cause)
    yield from (_TEXTS[cause] for cause in causes)
    if any(difference.cause is None for difference in found.differences):
        names = [
            path
            for path in _sources(found.original)
            if _draws_without_seed(found.repository, found.original, path)
        ]
        if names:
            yield f"{', '.join(names)}: random numbers, and JVS sees no seed; set a seed for each library that uses them"


def _sources(run: Run) -> list[str]:
    return [path for path in run.inputs if path.endswith((".py", ".ipynb", ".R", ".jl"))]


def _draws_without_seed(repository: Repository, run: Run, path: str) -> bool:
    try:
        with repository.open_file(run.before_snapshot_id, path) as stream:
            source = stream.read(_LARGEST)
    except JvsError:
        return False
    return _DRAWS.search(source) is not None and _SEEDED.search(source) is None
