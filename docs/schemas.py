"""The JSON schemas of what each command prints with ``--json``, from the types that it prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema

from jvs_core.cli.explain import Explained
from jvs_core.control.trust import Trusted
from jvs_core.differences.model import Differences
from jvs_core.model import (
    Annotation,
    AuditRecord,
    Checkpoint,
    Descriptor,
    LeaseRecord,
    Pin,
    Ref,
    Run,
)
from jvs_core.results import (
    Bisection,
    Comparison,
    ConformanceReport,
    DoctorReport,
    Exported,
    Extracted,
    FoundFile,
    GcPlan,
    GcRun,
    Initialized,
    LockStatus,
    ProofReport,
    PutBack,
    RepositoryInfo,
    Restored,
    RestoredInPlace,
    SeenRun,
    Setting,
    Stats,
    Status,
    SubsetReport,
    TimelineState,
    TreeEntry,
    Unchanged,
    VerifyReport,
    View,
    WorktreeCreated,
    WorktreeInfo,
    WorktreeRemoved,
)
from jvs_core.results.moving import Cloned, Imported
from jvs_core.settings import TimelineConfig
from jvs_core.validated import Field

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What ``to_json`` leaves out of a model.
_HIDDEN = {
    "LeaseRecord": {"released_at", "secret_sha256"},
    "Run": {"owner", "point", "setup"},
}


def _object(name: str, about: str, /, **fields: Any) -> type[BaseModel]:
    made: type[BaseModel] = create_model(
        name,
        __doc__=about,
        **{key: kind if isinstance(kind, tuple) else (kind, ...) for key, kind in fields.items()},
    )
    return made


class Snapshot(Descriptor):
    """A descriptor with its edited note and tags; `expired` if gc removed its files."""

    expired: Literal[True] | None = None
    annotations: tuple[Annotation, ...] = Field(default=None)


class SnapshotDetails(Snapshot):
    """One snapshot in full."""

    refs: list[str]
    path: str


class Extracts(Extracted):
    """Files or folders that were copied out of a snapshot; `path` is the first of them."""

    paths: list[str]


class RunChanges(Comparison):
    """What a run changed."""

    run_id: str


Steps = list[dict[str, Any]]
RunOf = dict[str, list[Any]]
Problem = _object("Problem", "The error.", code=str, message=str, hint=str | None)
Outcome = _object(
    "Sweep", "The results of the points of a sweep.", notebook=(str | None, None), command=(list[str] | None, None),
    before_snapshot_id=str, ok=int, failed=int, skipped=int, points=Steps,
)  # fmt: skip
TwoRuns = _object(
    "TwoRuns", "How two runs differ.", **{"from": str}, to=str, parameters=RunOf, metrics=RunOf,
    deltas=dict[str, float], circumstances=RunOf, added=list[str], modified=list[str], removed=list[str],
)  # fmt: skip
ManyRuns = _object("ManyRuns", "Several runs, compared with the first.", baseline=str, runs=Steps)
Once = _object(
    "Reproduction", "One repetition of a run.", run_id=str, reproduces=str, verdict=str, paths=list[str]
)
Often = _object(
    "Reproductions", "Several repetitions of one run.", reproduces=str, verdict=str, times=int, flaky=dict[str, int], runs=Steps
)  # fmt: skip

RESULTS: Mapping[str, Any] = {
    "error": _object("Failure", "What every command prints if it fails.", error=Problem),
    "init": Initialized,
    "info": RepositoryInfo,
    "status": Status,
    "snapshot": Descriptor | Unchanged,
    "annotate": Snapshot,
    "history": list[Snapshot],
    "find": list[FoundFile],
    "stats": Stats,
    "show": SnapshotDetails
    | _object(
        "ExecutedCells", "A notebook with the cells that a kernel executed.", cells=Steps, metadata=dict[str, Any], nbformat=int, nbformat_minor=int
    ),
    "ls": list[TreeEntry],
    "cat": _object("FileContent", "A file of a snapshot.", path=str, size=int, sha256=str, content_base64=str),
    "compare": Comparison | Differences,
    "clone": Cloned,
    "import": Imported,
    "export": Exported,
    "view": list[View]
    | _object("ViewOpened", "The path of the view.", path=str)
    | _object("ViewsClosed", "The views that were closed.", closed=list[str]),
    "completion": _object("Completion", "The completion script of a shell.", shell=str, script=str),
    "restore": Restored | RestoredInPlace | Extracted | Extracts | PutBack,
    "undo": RestoredInPlace | _object("UndoForgotten", "The number of undo and redo steps that were given up.", worktree=str, forgotten=int),
    "redo": RestoredInPlace,
    "timeline status": TimelineState,
    "timeline on": TimelineConfig,
    "timeline off": TimelineConfig,
    "timeline run": _object("TimelineEnded", "The automatic history ended.", ended=Literal[True]),
    "sandbox run": _object(
        "SandboxResult", "The result of the command in the sandbox.", worktree=str, path=str, base_snapshot_id=str,
        snapshot_id=str | None, exit_status=int, kept=bool,
    ),
    "bisect run": Bisection,
    "lock acquire": LeaseRecord,
    "lock status": LockStatus,
    "lock renew": LeaseRecord,
    "lock release": _object("LockReleased", "The lock was released.", released=Literal[True]),
    "lock run": _object(
        "LockRun", "The command and its exit status.", worktree=str, command=list[str], exit_status=int
    ),
    "worktree create": WorktreeCreated,
    "worktree list": list[WorktreeInfo],
    "worktree path": _object("WorktreePath", "The path of a worktree.", worktree=str, path=str),
    "worktree rename": WorktreeInfo,
    "worktree remove": WorktreeRemoved,
    "ref create": Ref,
    "ref list": list[Ref],
    "ref delete": Ref,
    "gc plan": GcPlan,
    "gc run": GcRun,
    "gc pin": Pin,
    "gc unpin": Pin,
    "gc pins": list[Pin],
    "verify": SubsetReport | VerifyReport | ProofReport,
    "doctor": DoctorReport,
    "config show": list[Setting],
    "config get": Setting,
    "config set": Setting,
    "trust": list[Trusted] | Trusted,
    "explain": list[Explained] | Explained,
    "audit log": list[AuditRecord],
    "audit checkpoint": Checkpoint,
    "audit keygen": _object("KeyPair", "The two files of a new key.", private_key=str, public_key=str),
    "conformance run": ConformanceReport,
    "demo": _object("Demo", "The steps of the demonstration.", ok=bool, steps=Steps),
    "run exec": Run,
    "run list": list[SeenRun] | Steps,
    "run show": Run,
    "run name": Run,
    "run note": Run,
    "run remove": list[Run],
    "run cancel": _object("RunCancelled", "The run that JVS asked to stop.", run_id=str),
    "run compare": RunChanges | TwoRuns | ManyRuns,
    "run reproduce": Once | Often,
    "run sweep": Outcome,
    "run export": _object("Export", "The crate that was written.", path=str, runs=list[str], files=int, bytes=int),
    "hub tidy": _object("Tidied", "What was removed.", removed=list[str], failed=list[str]),
    **dict.fromkeys(
        (f"hub {name}" for name in ("list", "report", "verify", "doctor", "gc", "thin", "provision", "reset", "archive", "put-back")),
        Steps,
    ),
}  # fmt: skip
# They print no JSON of their own.
WITHOUT = {"mcp", "hub serve"}


class _Printed(GenerateJsonSchema):
    """What is printed: by alias, without the fields that are left out."""

    def model_schema(self, schema: Any) -> Any:
        """Return a model's schema without hidden fields; descriptions are the first sentence of the docstring."""
        made = super().model_schema(schema)
        for name in _HIDDEN.get(made.get("title", ""), ()):
            made.get("properties", {}).pop(name, None)
            if name in made.get("required", ()):
                made["required"].remove(name)
        if "description" in made:
            made["description"] = made["description"].split("\n\n")[0].replace("\n", " ").strip()
        return made


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON schema of one command."""
    made = TypeAdapter(RESULTS[name]).json_schema(
        mode="serialization", by_alias=True, schema_generator=_Printed, union_format="any_of"
    )
    while unused := [each for each in made.get("$defs", {}) if f'/$defs/{each}"' not in json.dumps(made)]:
        for each in unused:  # of fields that are hidden
            del made["$defs"][each]
    title = "jvs: a command that failed" if name == "error" else f"jvs {name} --json"
    return {"$schema": DIALECT, **made, "title": title}


def files() -> dict[str, str]:
    """Return the text of each schema file by its name."""
    return {
        f"{name.replace(' ', '.')}.json": json.dumps(schema_of(name), indent=1, sort_keys=False) + "\n"
        for name in RESULTS
    }


def page() -> Iterator[str]:
    """Yield the lines of the page that lists them."""
    yield from ("# JSON results", "", _ABOUT, "")
    yield from ("| command | result |", "|---|---|")
    for name in RESULTS:
        if name != "error":
            yield f"| `jvs {name}` | {_words(RESULTS[name])} |"


_ABOUT = """\
With `--json` each command prints exactly one JSON document. The package has its JSON schema, one file for each command:

```python
from jvs_core.schemas import names, schema

assert "gc plan" in names()
assert schema("gc plan")["required"][0] == "plan_id"
```

For programs in other languages, the files are at `importlib.resources.files("jvs_core.schemas") / "gc.plan.json"`.
`error.json` is the schema of what a command prints if it fails. A later version may add fields; it renames and removes
none. The tests run all commands and check their output against these schemas."""


def _words(kind: Any) -> str:
    if hasattr(kind, "__args__"):
        parts = [_words(each) for each in kind.__args__]
        if getattr(kind, "__origin__", None) is list:
            return f"array of {parts[0]}"
        if getattr(kind, "__origin__", None) is dict:
            return "object"
        return " or ".join(dict.fromkeys(parts))
    about = (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ").replace("``", "`")
    return f"{kind.__name__}: {about}" if about else str(kind.__name__)
