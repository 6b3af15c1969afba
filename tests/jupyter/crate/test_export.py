"""Crates: what is in them, that a validator of the profiles accepts them, and that a proof notices every change."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import AlreadyExists, InputError, JvsError, Repository, Run
from jvs_core.errors import SnapshotExpired
from jvs_jupyter import run
from jvs_jupyter.crate.export import export
from tests.jupyter.papermill.support import Workspace
from tests.support.filesystems import loop_filesystem

Jvs = Callable[..., subprocess.CompletedProcess[str]]
TRAIN = "import sys\nfrom jvs_magics import metric\nmetric('score', float(sys.argv[1]))\nopen('out/model.txt', 'w').write('m')\n"


@pytest.fixture
def command(workspace: Workspace) -> Run:
    Path("out").mkdir()
    Path("train.py").write_text(TRAIN)
    return run([sys.executable, "train.py", "{alpha}"], {"alpha": 0.5, "when": (1, 2)})


@pytest.fixture
def notebook(workspace: Workspace) -> Run:
    workspace.notebook("in.ipynb", "print(alpha)", parameters="alpha = 1")
    return run("in.ipynb", {"alpha": 3})


def metadata(crate: Path) -> dict[str, Any]:
    """Return the entities of a crate by their ids."""
    with zipfile.ZipFile(crate) as archive:
        return {item["@id"]: item for item in json.loads(archive.read("ro-crate-metadata.json"))["@graph"]}


def test_a_command_is_a_process_run_with_what_it_was_given_and_made(
    workspace: Workspace, command: Run, tmp_path: Path
) -> None:
    repository = workspace.repository
    repository.runs.annotate(command.run_id, name="best", note="for the paper")
    done = export(repository, [repository.runs.get("best")], tmp_path / "best.zip", license_="CC0")
    found = metadata(tmp_path / "best.zip")
    root, action = found["./"], found[f"#{command.run_id}"]
    assert root["conformsTo"] == [{"@id": "https://w3id.org/ro/wfrun/process/0.5"}]
    assert root["mentions"] == [{"@id": action["@id"]}]
    assert (root["license"], action["name"], action["description"]) == ("CC0", "best", "for the paper")
    before, after = command.before_snapshot_id, command.after_snapshot_id
    script, model = f"snapshots/{before}/train.py", f"snapshots/{after}/out/model.txt"
    assert action["instrument"] == {"@id": script}
    assert {"@id": model} in action["result"]
    assert {"@id": script} in action["object"]
    assert found[script]["@type"] == ["File", "SoftwareSourceCode"]
    assert after is not None
    assert found[model]["sha256"] == repository.stat(after, "out/model.txt").sha256
    values = {item["name"]: item.get("value") for item in found.values() if item["@type"] == "PropertyValue"}
    assert (values["alpha"], values["score"], values["when"]) == (0.5, 0.5, "[1, 2]")
    assert (values["before_snapshot_id"], values["after_snapshot_id"]) == (before, after)
    assert action["subjectOf"] == {"@id": f"jvs/runs/{command.run_id}.json"}
    assert "environment.txt" in found
    with zipfile.ZipFile(done.path) as archive:
        assert archive.read(model) == b"m"
        assert len(archive.namelist()) == done.files + 1


def test_a_notebook_is_a_workflow_run(
    workspace: Workspace, notebook: Run, command: Run, tmp_path: Path
) -> None:
    export(workspace.repository, [notebook, command], tmp_path / "both.zip")
    found = metadata(tmp_path / "both.zip")
    main = found[found["./"]["mainEntity"]["@id"]]
    assert main["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert found[f"#{notebook.run_id}"]["instrument"] == {"@id": main["@id"]}
    formal = found[main["input"][0]["@id"] if isinstance(main["input"], list) else main["input"]["@id"]]
    assert (formal["@type"], formal["name"], formal["additionalType"]) == (
        "FormalParameter",
        "alpha",
        "Integer",
    )
    assert found["./"]["conformsTo"][1]["@id"].endswith("/workflow/0.5")
    assert len(found["./"]["mentions"]) == 2


def test_a_failed_run_says_so(workspace: Workspace, tmp_path: Path) -> None:
    failed = run(["bash", "-c", "exit 3"])
    export(workspace.repository, [failed], tmp_path / "failed.zip")
    action = metadata(tmp_path / "failed.zip")[f"#{failed.run_id}"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "exit status 3"


@pytest.mark.further
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_validator_of_the_profiles_accepts_crates(
    workspace: Workspace, notebook: Run, command: Run, tmp_path: Path
) -> None:
    rocrate = pytest.importorskip("rocrate")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "validator"], check=True)
    python = tmp_path / "validator" / "bin" / "python"
    made = subprocess.run(
        [python, "-m", "pip", "install", "-q", "roc-validator>=0.13"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"roc-validator cannot be installed: {made.stderr.strip().splitlines()[-1]}")
    context = Path(rocrate.__file__).with_name("data") / "ro-crate.jsonld"

    def validated(profile: str, crate: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, Path(__file__).with_name("validating.py"), context, profile, crate],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "", "HOME": str(tmp_path)},
        )

    export(workspace.repository, [command], tmp_path / "command.zip")
    export(workspace.repository, [notebook, command], tmp_path / "notebook.zip")
    for profile, name in (("process-run-crate", "command"), ("workflow-run-crate", "notebook")):
        done = validated(profile, tmp_path / f"{name}.zip")
        assert done.returncode == 0, done.stdout + done.stderr
        assert int(done.stdout.split()[0]) > 40
    damaged = changed(
        tmp_path / "command.zip",
        "ro-crate-metadata.json",
        lambda data: data.replace(b'"instrument"', b'"tool"'),
    )
    refused = validated("process-run-crate", damaged)
    assert refused.returncode == 1
    assert "instrument" in refused.stdout


def changed(crate: Path, name: str, change: Callable[[bytes], bytes | None]) -> Path:
    """Write a copy of a crate in which a member is changed, or left out."""
    target = crate.with_name(f"changed-{name.replace('/', '-')}.zip")
    with zipfile.ZipFile(crate) as source, zipfile.ZipFile(target, "w") as sink:
        for info in source.infolist():
            data = source.read(info)
            wanted = change(data) if info.filename == name else data
            if wanted is not None:
                sink.writestr(info.filename, wanted)
    return target


def test_a_proof_notices_whatever_was_changed(
    workspace: Workspace, command: Run, tmp_path: Path, jvs: Jvs
) -> None:
    crate = tmp_path / "a.zip"
    export(workspace.repository, [command], crate)
    report = Repository.check_proof(crate)
    assert report.ok, report.problems
    assert (report.runs, report.files, len(report.snapshots)) == (1, 2, 2)
    before, after = command.before_snapshot_id, command.after_snapshot_id
    for name, old, new, said in (
        (f"snapshots/{after}/out/model.txt", b"m", b"n", "differs from the manifest"),
        (f"jvs/runs/{command.run_id}.json", b"0.5", b"0.9", "differs from the log"),
        (f"jvs/snapshots/{before}/descriptor.json", b'"note"', b'"nope"', "descriptor"),
        (f"jvs/snapshots/{after}/manifest", b"model", b"modem", "manifest"),
        ("jvs/log.jsonl", b'"run_finish"', b'"run_finisj"', "was changed"),
        ("jvs/checkpoint.json", b'"seq":', b'"seq":1', "does not end at the checkpoint"),
    ):

        def edit(data: bytes, old: bytes = old, new: bytes = new) -> bytes:
            assert old in data
            return data.replace(old, new)

        found = Repository.check_proof(changed(crate, name, edit))
        assert not found.ok, name
        assert any(said in problem for problem in found.problems), (name, found.problems)
    shortened = changed(crate, "jvs/log.jsonl", lambda data: b"".join(data.splitlines(keepends=True)[:-1]))
    assert not Repository.check_proof(shortened).ok
    without = changed(crate, f"jvs/snapshots/{after}/manifest", lambda _: None)
    assert not Repository.check_proof(without).ok
    assert "DIFFERS" in jvs("verify", "--export", str(shortened), status=5).stdout
    assert json.loads(jvs("verify", "--export", str(crate), "--json").stdout)["ok"] is True


def test_a_signed_checkpoint_names_its_signer(
    workspace: Workspace, command: Run, tmp_path: Path, jvs: Jvs
) -> None:
    public = workspace.repository.audit.keygen(tmp_path / "key")
    other = workspace.repository.audit.keygen(tmp_path / "other")
    jvs("run", "export", command.run_id, "-o", str(tmp_path / "signed.zip"), "--key", str(tmp_path / "key"))
    assert Repository.check_proof(tmp_path / "signed.zip", key=public).ok
    assert not Repository.check_proof(tmp_path / "signed.zip", key=other).ok
    export(workspace.repository, [command], tmp_path / "plain.zip")
    assert not Repository.check_proof(tmp_path / "plain.zip", key=public).ok
    said = jvs("verify", "--export", str(tmp_path / "plain.zip"), "--key", str(public), status=5).stdout
    assert "the checkpoint is not signed" in said


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # rocrate leaves its zip file open
def test_a_full_disk_leaves_no_part_of_a_crate(workspace: Workspace) -> None:
    made = run(["bash", "-c", "head -c 8000000 /dev/urandom > big.bin"])
    with loop_filesystem("ext4", size=8 << 20) as small:
        with pytest.raises(JvsError) as refused:
            export(workspace.repository, [made], small.mount / "crate.zip")
        assert refused.value.code == "E_NO_SPACE"
        del refused
        gc.collect()
        assert [name for name in os.listdir(small.mount) if name != "lost+found"] == []


def test_a_killed_export_leaves_no_crate_of_that_name(
    workspace: Workspace, command: Run, tmp_path: Path
) -> None:
    pid = os.fork()
    if pid == 0:
        from jvs_jupyter.crate import building

        write = building.Builder.write

        def killed(self: building.Builder, target: Path) -> None:
            write(self, target)
            os.kill(os.getpid(), signal.SIGKILL)

        building.Builder.write = killed  # type: ignore[method-assign]
        export(workspace.repository, [command], tmp_path / "crate.zip")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    left = [path.name for path in tmp_path.iterdir() if path.suffix == ".zip"]
    assert [name for name in left if not name.startswith(".crate.zip.")] == []
    export(workspace.repository, [command], tmp_path / "crate.zip")
    assert Repository.check_proof(tmp_path / "crate.zip").ok


def test_what_cannot_be_exported_is_refused_and_nothing_is_left(
    workspace: Workspace, command: Run, tmp_path: Path, jvs: Jvs
) -> None:
    repository = workspace.repository
    with pytest.raises(InputError, match=r"\.zip"):
        export(repository, [command], tmp_path / "crate.tar")
    (tmp_path / "there.zip").touch()
    with pytest.raises(AlreadyExists):
        export(repository, [command], tmp_path / "there.zip")
    with pytest.raises(InputError, match="no folder"):
        export(repository, [command], tmp_path / "none" / "crate.zip")
    jvs("run", "export", "nothing", "-o", str(tmp_path / "x.zip"), status=3)
    isolated = run(["touch", "made.txt"], isolate=True)
    run(["true"])
    repository.gc.run(repository.gc.plan().plan_id)
    with pytest.raises(SnapshotExpired):
        export(repository, [isolated], tmp_path / "x.zip")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".zip") == ["there.zip"]
    for name, data in (("text.zip", b"no zip"), ("empty.zip", b"")):
        (tmp_path / name).write_bytes(data)
        jvs("verify", "--export", str(tmp_path / name), status=2)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "a")
    assert "no proof" in jvs("verify", "--export", str(tmp_path / "other.zip"), status=2).stderr
    jvs("verify", "--export", str(tmp_path / "other.zip"), "--all", status=2)
