"""What the chart of Zero to JupyterHub accepts of the values that the guide sets.

In the words of its ``jupyterhub/values.schema.yaml`` (repository jupyterhub/zero-to-jupyterhub-k8s), as far as the guide's
values go: a key that the chart does not know, at these places, is refused there as here.
"""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
OPTIONAL: dict[str, Any] = {"type": ["string", "null"]}
LIST: dict[str, Any] = {"type": "array", "items": {"type": "object"}}


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }


_IMAGE = _closed(
    {"name": TEXT, "tag": TEXT, "pullPolicy": {"enum": [None, "", "IfNotPresent", "Always", "Never"]}, "pullSecrets": {"type": "array"}},
    "name", "tag",
)  # fmt: skip
_STORAGE = _closed(
    {"type": {"enum": ["dynamic", "static", "none"]}, "capacity": OPTIONAL, "homeMountPath": TEXT, "dynamic": {"type": "object"},
     "static": {"type": "object"}, "extraLabels": {"type": "object"}, "extraVolumes": LIST, "extraVolumeMounts": LIST},
    "type",
)  # fmt: skip
_HUB = _closed(
    {"config": {"type": "object"}, "image": _IMAGE, "extraConfig": {"type": "object"}, "extraEnv": {}}
)
_SINGLEUSER = _closed(
    {
        "image": _IMAGE,
        "cmd": {"type": ["array", "string", "null"]},
        "fsGid": {"type": ["integer", "null"]},
        "uid": {"type": ["integer", "null"]},
        "startTimeout": {"type": ["integer", "null"]},
        "initContainers": {"type": "array"},
        "storage": _STORAGE,
    }
)
VALUES = _closed({"hub": _HUB, "singleuser": _SINGLEUSER})
