"""What the JupyterLab panel bundles: refuse what may not be in it, and write a bill of materials (CycloneDX).

``python .ci/sbom.py`` reads the list of licences that JupyterLab's builder wrote beside the panel. It fails where a package
has no licence text, or a licence that is not allowed, and writes ``jvs_jupyter/sboms/jvs-panel.cdx.json``, which ``make build`` puts
into the wheel. The same panel gives the same bytes. ``--check`` only says what is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LICENSES = ROOT / "jvs_jupyter/labextension/static/third-party-licenses.json"
WRITTEN = ROOT / "jvs_jupyter/sboms/jvs-panel.cdx.json"
# Licences that ask for their text and no more.
ALLOWED = {"0BSD", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}
_SHORTEST_TEXT = 200


def packages(listing: Path) -> list[dict[str, Any]]:
    """Return the bundled packages, by name. Raises ValueError, which names each that may not be in the panel."""
    found = json.loads(listing.read_text(encoding="utf-8")).get("packages", [])
    wrong = []
    if not found:
        wrong.append("the list of licences names no package")
    for each in found:
        called = f"{each.get('name')} {each.get('versionInfo')}"
        if each.get("licenseId") not in ALLOWED:
            wrong.append(
                f"{called}: the licence {each.get('licenseId') or 'unknown'!r} is not on the allowed list"
            )
        if len(each.get("extractedText") or "") < _SHORTEST_TEXT:
            wrong.append(f"{called}: the text of its licence is not in the panel")
    if wrong:
        raise ValueError("; ".join(wrong))
    return sorted(found, key=lambda each: (each["name"], each["versionInfo"]))


def bill(found: list[dict[str, Any]], version: str) -> str:
    """Return the bill of materials, valid by its schema."""
    from cyclonedx.model import AttachedText
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    panel = Component(
        name="jvs-snapshots",
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref="jvs-snapshots",
        licenses=[DisjunctiveLicense(id="MIT")],
    )
    components = []
    for each in found:
        scope, _, name = each["name"].rpartition("/")
        purl = PackageURL("npm", scope or None, name, each["versionInfo"])
        components.append(
            Component(
                name=name,
                group=scope or None,
                version=each["versionInfo"],
                type=ComponentType.LIBRARY,
                purl=purl,
                bom_ref=str(purl),
                licenses=[
                    DisjunctiveLicense(
                        id=each["licenseId"], text=AttachedText(content=each["extractedText"].strip() + "\n")
                    )
                ],
            )
        )
    made = Bom(components=components)
    made.metadata.component = panel
    made.register_dependency(panel, components)
    said = json.loads(JsonV1Dot6(made).output_as_string())
    # The same panel gives the same bytes: no moment, and a number made of what is in it.
    said["metadata"].pop("timestamp", None)
    said["serialNumber"] = (
        f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([version, found], sort_keys=True))}"
    )
    text = json.dumps(said, indent=2, sort_keys=True) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"the bill of materials is not valid: {error}")
    return text


def main() -> int:
    """Check the panel's licences, and write its bill of materials."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing")
    arguments.add_argument(
        "--licenses", type=Path, default=LICENSES, help="the list that JupyterLab's builder wrote"
    )
    asked = arguments.parse_args()
    try:
        found = packages(asked.licenses)
        if not asked.check:
            version = json.loads((ROOT / "jvs_jupyter/lab/package.json").read_text(encoding="utf-8"))[
                "version"
            ]
            text = bill(found, version)
            WRITTEN.parent.mkdir(parents=True, exist_ok=True)
            WRITTEN.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    names = ", ".join(f"{each['name']} {each['versionInfo']} ({each['licenseId']})" for each in found)
    print(f"the panel bundles {names}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
