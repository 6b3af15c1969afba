"""The metrics that a notebook's outputs hold: those of ``jvs_magics.metric`` and scrapbook's ``glue``."""

from __future__ import annotations

from typing import Any

from jvs_jupyter.runs.provenance import plain

METRIC = "application/vnd.jvs.metric+json"
_SCRAP_JSON = "application/scrapbook.scrap.json+json"
_SCRAP_TEXT = "application/scrapbook.scrap.text+json"
_OLD_GLUE = "application/papermill.record+json"


def of_notebook(nb: Any) -> dict[str, Any]:
    """Return the metrics by name; of several values under one name the last."""
    found: dict[str, Any] = {}
    for cell in nb.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            for kind in (METRIC, _SCRAP_JSON, _SCRAP_TEXT):
                scrap = data.get(kind)
                if isinstance(scrap, dict) and isinstance(scrap.get("name"), str) and "data" in scrap:
                    found[scrap["name"]] = plain(scrap["data"])
            if isinstance(data.get(_OLD_GLUE), dict):
                found.update(plain(data[_OLD_GLUE]))
    return found
