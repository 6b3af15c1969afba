"""A person who works on a repository that somebody else wrote, and whose home is full of things that must not change."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import NoReturn

from jvs_core.cli.main import run
from tests.support.metadata import metadata_of

PROCESS = {"host": "elsewhere", "boot_id": "none", "pid_namespace": None, "pid": 1, "process_start": None}


@dataclass(frozen=True)
class Victim:
    """Run commands with a home of canaries."""

    home: Path

    @classmethod
    def living_in(cls, home: Path) -> Victim:
        """Fill a home: documents, settings, a database, a private folder."""
        (home / "Documents").mkdir(parents=True)
        (home / "Documents" / "thesis.tex").write_text("years of work")
        (home / "settings.json").write_text('{"precious": 1}')
        (home / ".ssh").mkdir(mode=0o700)
        (home / ".ssh" / "id").write_text("secret")
        database = sqlite3.connect(home / "catalogue.sqlite")
        database.execute("create table files (id int, name text)")
        database.execute("insert into files values (1, 'photo')")
        database.commit()
        database.close()
        return cls(home)

    def canaries(self) -> object:
        """Return all that must stay as it is: names, modes, times and content."""
        return metadata_of(self.home), {
            path: path.read_bytes() for path in sorted(self.home.rglob("*")) if path.is_file()
        }

    def environment(self) -> dict[str, str]:
        """Return the variables that make a process the victim's."""
        state = self.home.parent / "state"
        return {
            "HOME": str(self.home),
            "JVS_STATE_DIR": str(state),
            "JVS_CACHE_DIR": str(state / "cache"),
            "JVS_CONFIG_DIR": str(state / "config"),
        }

    def run(self, *command: str | Path, repo: Path) -> subprocess.CompletedProcess[str]:
        """Run a command in a process of its own; it ends, by the contract, within a minute.

        The process is a fork of this one, which has imported everything already.
        """
        with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            pid = os.fork()
            if not pid:
                self._act(
                    ["--repo", str(repo), *map(str, command)], repo / "main", out.fileno(), err.fileno()
                )
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            out.seek(0)
            err.seek(0)
            done = subprocess.CompletedProcess(command, status, out.read(), err.read())
        assert done.returncode in (0, 2, 3, 4, 5, 6, 7), done
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def _act(self, args: list[str], folder: Path, out: int, err: int) -> NoReturn:
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)
            os.environ.update(self.environment())
            os.chdir(folder)
            os.dup2(out, 1)
            os.dup2(err, 2)
            with (
                open(1, "w", closefd=False) as sys.stdout,
                open(2, "w", closefd=False) as sys.stderr,
                open(os.devnull) as sys.stdin,
            ):
                sys.argv = ["jvs", *args]
                status = run()
        except BaseException:  # noqa: BLE001 - the parent shows it
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status)
