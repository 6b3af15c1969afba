"""What the guide says about operating a hub, run as it stands there in other folders."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from jvs_core import Repository
from jvs_jupyter.hub.homes import make_home
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.report import usage
from tests.jupyter.hub.service.conftest import serve as serve  # noqa: PLC0414 - fixture of another folder
from tests.jupyter.hub.service.test_survey import Many, Serve

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "hub-operations.md").read_text()
ANN = Person("ann", "", "7@2026-01-01")
AGAIN = Person("ann", "", "1@2026-09-09")


@pytest.fixture
def place(team: Repository, tmp_path: Path) -> Path:
    """Return a folder that has what the guide has in ``/srv``, and Ann's home."""
    place = tmp_path / "srv"
    for name in ("homes", "templates", "hub"):
        (place / name).mkdir(parents=True)
    os.rename(team.root, place / "templates" / "course")
    source = Repository(place / "templates" / "course", settings=team.settings)
    make_home(place / "homes", source, ANN, template=None, owner=None)
    return place


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}[^\n]*\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


def run(line: str, place: Path, folder: Path | None = None) -> str:
    """Run a line of the guide and return what it prints."""
    jvs = f"{shlex.quote(sys.executable)} -m jvs_core.cli"
    line = re.sub(r"(/opt/hub/bin/|\b(?<![/-]))jvs (?=hub)", f"{jvs} ", line)
    line = line.replace("/srv", str(place)).replace("/backup", str(place.parent / "backup"))
    done = subprocess.run(
        ["sh", "-ec", line],
        cwd=folder or place,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, (line, done.stdout)
    return done.stdout


def test_what_cron_runs_is_silent_where_all_is_well(place: Path) -> None:
    lines = blocks("text")[0].splitlines()
    assert len(lines) == 5
    for line in lines:
        schedule, command = line[: line.index(" root ")], line[line.index(" root ") + 6 :]
        assert len(schedule.split()) == 5
        assert run(command, place) == "", command


def test_what_systemd_runs_ends_well(place: Path) -> None:
    service, timer = blocks("ini")
    (folder,) = re.findall(r"^WorkingDirectory=(.*)$", service, flags=re.MULTILINE)
    commands = re.findall(r"^ExecStart=(.*)$", service, flags=re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        run(command, place, Path(folder.replace("/srv", str(place))))
    assert "OnCalendar=" in timer


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    for name, text in zip(("jvs-hub.service", "jvs-hub.timer"), blocks("ini"), strict=True):
        (tmp_path / name).write_text(text.replace("/opt/hub/bin/jvs", "/bin/true"))
    command = ["systemd-analyze", "verify", *map(str, sorted(tmp_path.glob("jvs-hub.*")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "jvs-hub" not in done.stderr, done.stderr


def test_a_hub_from_a_backup_has_every_home_with_or_without_its_database(place: Path) -> None:
    (place.parent / "backup").mkdir()
    keep, back, adopt = blocks("bash")
    home = make_home(
        place / "homes", Repository(place / "templates" / "course"), ANN, template=None, owner=None
    )
    (home / "main" / "mine.txt").write_text("mine")
    run(keep, place)
    shutil.rmtree(place)
    place.mkdir()
    assert run(back, place) == ""
    source = Repository(place / "templates" / "course")
    assert make_home(place / "homes", source, ANN, template=None, owner=None) == home
    assert (home / "main" / "mine.txt").read_text() == "mine"

    run(adopt, place, place / "templates" / "course")
    again = make_home(place / "homes", source, AGAIN, template=None, owner=None)
    assert (again / "main" / "mine.txt").read_text() == "mine"
    assert [one.user for one in usage(Repository(again))] == ["ann"]


def test_every_alert_is_a_rule_that_prometheus_reads() -> None:
    """``promtool check rules`` looks at the same; its parser's grammar is that of the library."""
    (rules,) = [found for block in blocks("yaml") if "groups" in (found := yaml.safe_load(block))]
    for rule in (one for group in rules["groups"] for one in group["rules"]):
        assert set(rule) == {"alert", "expr", "for"}
        assert re.fullmatch(r"[0-9]+(s|m|h|d)", rule["for"]), rule
        promql_parser.parse(rule["expr"])
    with pytest.raises(ValueError, match="promql"):
        promql_parser.parse("a > > b")


def test_every_metric_of_an_alert_or_of_the_table_is_told(serve: Serve) -> None:
    many: Any = Many()
    served = serve(site=many)
    served.get()
    told = served.get("metrics")
    (rules,) = [found for block in blocks("yaml") if "groups" in (found := yaml.safe_load(block))]
    alerts = " ".join(rule["expr"] for group in rules["groups"] for rule in group["rules"])
    table = re.findall(r"^\| (`.*?) \|", GUIDE, flags=re.MULTILINE)
    named = {f"jupyterhub_jvs_{name}" for row in table for name in re.findall(r"`([a-z_]+)", row)}
    for name in {*re.findall(r"jupyterhub_jvs_\w+", alerts), *named}:
        assert re.search(rf"^# TYPE {name.removesuffix('_total')}(_total)? ", told, flags=re.MULTILINE), name
