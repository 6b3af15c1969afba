"""Look into a wheel and a source distribution: all that belongs there is, and nothing else.

Usage: ``python .ci/wheel_contents.py WHEEL SDIST VERSION``. Whatever is wrong is named; the exit status is then 1.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import sbom

PANEL = "jvs_workspaces-{}.data/data/share/jupyter/labextensions/jvs-snapshots/"
INFO = "jvs_workspaces-{}.dist-info/"
NEEDED = (
    "jvs_core/py.typed",
    "jvs_magics/py.typed",
    "jvs_jupyter/py.typed",
    "{info}licenses/LICENSE",
    "{info}sboms/jvs-panel.cdx.json",
    "{panel}package.json",
    "{panel}static/third-party-licenses.json",
)
_UNWANTED = re.compile(
    r"(^|/)(tests?|node_modules|__pycache__|\.venv|\.git|\.hypothesis|\.\w+_cache)/|\.(pyc|map|tsbuildinfo|log)$|(^|/)test_[^/]*\.py$"
)
# The paths of this machine, as they would come in with what is built here.
_HERE = {str(Path.home()), str(sbom.ROOT), sys.prefix}


def wrong_in_wheel(place: Path, version: str, scratch: Path) -> Iterator[str]:
    """Yield what is wrong with the wheel."""
    parts = {"info": INFO.format(version), "panel": PANEL.format(version)}
    with zipfile.ZipFile(place) as wheel:
        names = set(wheel.namelist())
        for needed in (each.format(**parts) for each in NEEDED):
            if needed not in names:
                yield f"{needed} is missing"
        for name in sorted(names):
            if _UNWANTED.search(name):
                yield f"{name} does not belong there"
            data = wheel.read(name)
            yield from (
                f"{name} names {path}" for path in sorted(_HERE) if len(path) > 1 and path.encode() in data
            )
        licenses = f"{parts['panel']}static/third-party-licenses.json"
        if licenses not in names:
            return
        listing = scratch / "licenses.json"
        listing.write_bytes(wheel.read(licenses))
        try:
            found = sbom.packages(listing)
            if wheel.read(f"{parts['info']}sboms/jvs-panel.cdx.json").decode() != sbom.bill(found, version):
                yield "its bill of materials is not that of the panel"
        except (ValueError, KeyError) as error:
            yield str(error)
        about = json.loads(wheel.read(f"{parts['panel']}package.json"))
        if about["version"] != version:
            yield f"the panel says that it is {about['version']}"


def wrong_in_source(place: Path) -> Iterator[str]:
    """Yield what is wrong with the source distribution."""
    unwanted = re.compile(
        r"/(node_modules|__pycache__|\.venv|\.git|\.hypothesis|\.\w+_cache|dist|build)/|\.pyc$"
    )
    with tarfile.open(place) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers()}
    for name, member in members.items():
        if unwanted.search(f"/{name}"):
            yield f"{name} does not belong there"
        if member.uid or member.gid or member.uname or member.gname:
            yield f"{name} names a user"
    for needed in (
        "LICENSE",
        "jvs_jupyter/labextension/package.json",
        "jvs_jupyter/sboms/jvs-panel.cdx.json",
        "tests/conftest.py",
    ):
        if needed not in members:
            yield f"{needed} is missing"


def main() -> int:
    """Look into both."""
    import tempfile

    wheel, source, version = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory() as scratch:
        wrong = [f"{wheel.name}: {each}" for each in wrong_in_wheel(wheel, version, Path(scratch))]
    wrong += [f"{source.name}: {each}" for each in wrong_in_source(source)]
    for each in wrong:
        print(f"wheel_contents: {each}", file=sys.stderr)
    if not wrong:
        print(
            f"{wheel.name} and {source.name} hold what they should: no tests in the wheel, no paths of this machine, every licence"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
