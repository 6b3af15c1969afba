"""The entities of a crate, by the library rocrate."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from jvs_core import Run
from jvs_core import __version__ as jvs_version
from jvs_jupyter.runs import provenance
from jvs_jupyter.runs.values import TAG, as_word, decoded

_VERSION = "1.1"
_PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
_WORKFLOW = "https://w3id.org/ro/wfrun/workflow/0.5"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_SOURCES = {".py": "Python", ".R": "R", ".jl": "Julia", ".sh": "Bash", ".pl": "Perl", ".rb": "Ruby"}
_NOTEBOOKS = {
    "@type": ["ComputerLanguage", "SoftwareApplication"],
    "name": "Jupyter Notebook",
    "identifier": {"@id": "https://jupyter.org/"},
    "url": {"@id": "https://jupyter.org/"},
    "version": "4",
}
_KINDS = {bool: "Boolean", int: "Integer", float: "Float", str: "Text"}


class Builder:
    """A crate under construction. Files lie in it as ``snapshots/SNAPSHOT/PATH``; ``count`` is how many there are."""

    def __init__(self, scratch: Path, license_: str) -> None:
        self._scratch = scratch
        self._crate = ROCrate(version=_VERSION)
        self._crate.metadata.extra_contexts.append(_TERMS)
        self._crate.root_dataset["license"] = license_
        self._files: dict[tuple[str, str], Any] = {}
        self._entities: dict[str, Any] = {}
        self._actions: list[Any] = []
        self._names: list[str] = []
        self._last = ""
        self._notebooks = False
        self.count = 0

    def file(self, snapshot_id: str, path: str, local: Path, sha256: str, types: Sequence[str]) -> None:
        """Add a file of a snapshot, whose bytes lie at ``local``; ``types`` say what it is beside a file."""
        if (snapshot_id, path) in self._files:
            return
        properties = {
            "@type": ["File", *types] if types else "File",
            "name": path,
            "sha256": sha256,
            "contentSize": str(local.stat().st_size),
        }
        dest = f"snapshots/{snapshot_id}/{path}"
        self._files[snapshot_id, path] = self._crate.add_file(str(local), dest, properties=properties)
        self.count += 1

    def run(self, run: Run) -> None:
        """Add a run, the files of which were added before."""
        instrument = self._notebook(run) if run.command is None else self._program(run)
        parameters = [
            self._value(f"{run.run_id}/parameter/{name}", name, value)
            for name, value in run.parameters.items()
        ]
        if run.command is None:
            self._formal(instrument, parameters)
        metrics = [
            self._value(f"{run.run_id}/metric/{name}", name, value) for name, value in run.metrics.items()
        ]
        given = [
            self._files[key] for path in run.inputs if (key := (run.before_snapshot_id, path)) in self._files
        ]
        after = str(run.after_snapshot_id)
        made = [entity for (snapshot_id, _), entity in self._files.items() if snapshot_id == after]
        ends = [
            self._value(f"{run.run_id}/{when}", f"{when}_snapshot_id", snapshot_id)
            for when, snapshot_id in (("before", run.before_snapshot_id), ("after", after))
        ]
        environment = [
            self._value(f"{run.run_id}/environment/{name}", name, value)
            for name, value in (
                ("environment_digest", run.environment_digest),
                ("git_commit", run.git_commit),
            )
            if value is not None
        ]
        good = run.outcome == "ok"
        properties: dict[str, Any] = {
            "@type": "CreateAction",
            "name": run.name or f"Run of {run.subject}"[:200],
            "description": run.note or f"{run.subject}: {run.outcome}",
            "identifier": run.run_id,
            "startTime": run.started_at,
            "endTime": run.finished_at,
            "actionStatus": f"http://schema.org/{'Completed' if good else 'Failed'}ActionStatus",
        }
        if not good:
            properties["error"] = run.error or run.outcome
        action = self._crate.add(ContextEntity(self._crate, f"#{run.run_id}", properties=properties))
        action["instrument"] = instrument
        action["object"] = [*given, *parameters, ends[0]]
        action["result"] = [*made, *metrics, ends[1]]
        action["agent"] = self._person(run.owner.holder_id)
        action["environment"] = environment
        self._actions.append(action)
        self._names.append(str(properties["name"]))
        self._last = max(self._last, str(run.finished_at or run.started_at))
        self._packages(run)

    def proof(self, name: str, data: bytes) -> None:
        """Add a file of the proof."""
        local = self._scratch / "proof" / name
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(data)
        entity = self._crate.add_file(str(local), name, properties={"name": name})
        self.count += 1
        for action in self._actions:
            if name.endswith(f"/{action.id.lstrip('#')}.json"):
                action["subjectOf"] = entity

    def write(self, target: Path) -> None:
        """Write the crate as a zip file."""
        root = self._crate.root_dataset
        root["name"] = "; ".join(self._names)[:300]
        root["description"] = (
            f"Recorded runs, exported by JVS {jvs_version}. The folder jvs holds the proof of what is in snapshots: "
            "jvs verify --export checks it."
        )
        root["datePublished"] = self._last
        root["mentions"] = self._actions
        profiles = [self._profile(_PROCESS, "Process Run Crate", "0.5")]
        if self._notebooks:
            profiles.append(self._profile(_WORKFLOW, "Workflow Run Crate", "0.5"))
            profiles.append(self._profile(_WORKFLOW_CRATE, "Workflow RO-Crate", "1.0"))
            self._crate.metadata["conformsTo"] = [
                {"@id": f"https://w3id.org/ro/crate/{_VERSION}"},
                {"@id": _WORKFLOW_CRATE},
            ]
        root["conformsTo"] = profiles
        self._crate.write_zip(str(target))

    def _notebook(self, run: Run) -> Any:
        """Return the notebook of a run as a workflow; that of the first run is the crate's main one."""
        path = run.inputs[0] if run.inputs else ""
        entity = self._files.get((run.before_snapshot_id, path))
        if entity is None:  # it came out of a snapshot, a pipe or the network
            identity = f"#notebook-{run.notebook_sha256}"
            entity = self._entity(identity, {"@type": ["SoftwareSourceCode", "ComputationalWorkflow"]})
        else:
            entity["encodingFormat"] = "application/x-ipynb+json"
        entity["name"] = run.notebook or "a notebook"
        entity["version"] = run.notebook_sha256
        entity["programmingLanguage"] = self._entity("#jupyter-notebook", _NOTEBOOKS)
        if not self._notebooks and run.inputs and (run.before_snapshot_id, path) in self._files:
            self._crate.mainEntity = entity
            self._notebooks = True
        return entity

    def _formal(self, workflow: Any, parameters: Iterable[Any]) -> None:
        """Declare the parameters of a notebook as its inputs, each with the value that a run had as an example."""
        inputs = {entity.id: entity for entity in _many(workflow.get("input"))}
        for value in parameters:
            identity = f"#{workflow.id.lstrip('#')}/parameter/{value['name']}"
            formal = self._entity(
                identity,
                {
                    "@type": "FormalParameter",
                    "name": value["name"],
                    "additionalType": value["additionalType"],
                },
            )
            formal["workExample"] = [*_many(formal.get("workExample")), value]
            value["exampleOfWork"] = formal
            inputs[formal.id] = formal
        workflow["input"] = list(inputs.values())

    def _program(self, run: Run) -> Any:
        """Return the script that a command names as its first input, else the program that it begins with."""
        source = source_of(run)
        entity = None if source is None else self._files.get((run.before_snapshot_id, source))
        if source is not None and entity is not None:
            entity["version"] = entity["sha256"]
            entity["programmingLanguage"] = _SOURCES[os.path.splitext(source)[1]]
            return entity
        name = os.path.basename((run.command or ("",))[0])
        return self._entity(
            f"#program-{name}",
            {"@type": "SoftwareApplication", "name": name, "softwareVersion": "unknown"},
        )

    def _packages(self, run: Run) -> None:
        """Add the list of packages where this environment is still the run's."""
        if run.environment_digest != provenance.environment_digest() or "environment" in self._entities:
            return
        local = self._scratch / "environment.txt"
        local.write_text("".join(f"{line}\n" for line in provenance.environment_lines()), encoding="utf-8")
        self._entities["environment"] = self._crate.add_file(
            str(local),
            "environment.txt",
            properties={
                "name": f"Python {platform.python_version()} and its packages",
                "identifier": run.environment_digest,
            },
        )
        self.count += 1

    def _value(self, identity: str, name: str, value: Any) -> Any:
        plain = decoded(value)
        kind = _KINDS.get(type(plain), "PropertyValue")
        entity = self._entity(
            f"#{identity}", {"@type": "PropertyValue", "name": name, "additionalType": kind}
        )
        is_plain = isinstance(value, bool | int | float | str) and not isinstance(value, dict)
        entity["value"] = value if is_plain else as_word(plain)
        if isinstance(value, dict) and TAG in value:
            entity["valueReference"] = str(value[TAG])
        return entity

    def _person(self, holder: str) -> Any:
        return self._entity(f"#{holder}", {"@type": "Person", "name": holder})

    def _profile(self, identity: str, name: str, version: str) -> Any:
        return self._entity(identity, {"@type": "CreativeWork", "name": name, "version": version})

    def _entity(self, identity: str, properties: dict[str, Any]) -> Any:
        if identity not in self._entities:
            self._entities[identity] = self._crate.add(
                ContextEntity(self._crate, identity, properties=properties)
            )
        return self._entities[identity]


def source_of(run: Run) -> str | None:
    """Return the file that is the program of a run: its notebook, else the first source that the command names."""
    if run.command is None:
        return run.inputs[0] if run.inputs else None
    return next((path for path in run.inputs if os.path.splitext(path)[1] in _SOURCES), None)


def types_of(run: Run, path: str) -> tuple[str, ...]:
    """Return what an input of a run is beside a file."""
    if path != source_of(run):
        return ()
    return ("SoftwareSourceCode", "ComputationalWorkflow") if run.command is None else ("SoftwareSourceCode",)


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
