"""A command as the work of a recorded run."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field

from jvs_core import InputError, Repository, Run
from jvs_core.cli.watched import Exit, Watched
from jvs_jupyter.runs import isolate, measures
from jvs_jupyter.runs.deliver import deliver_all
from jvs_jupyter.runs.endings import Signals, Told, short, stopped
from jvs_jupyter.runs.place import Place, at, within
from jvs_jupyter.runs.recorded import Done, RecordedRun
from jvs_jupyter.runs.request import Finished, RunRequest
from jvs_jupyter.runs.spec import Spec
from jvs_jupyter.runs.telling import Seen
from jvs_jupyter.runs.values import as_word, encoded_all

PATIENCE_S = 30.0
_LOOK_EVERY_S = 0.2
_MOST_INPUTS = 100
_TAIL = 1_000
_NO_PROGRAM = 126
_LOG = "output.log"
_PLACE = re.compile(r"\{([^{}]+)\}")


class CommandSpec(Spec):
    """One run of a command.

    In its words ``{name}`` stands for the parameter of that name; any other braces stay. ``metrics`` names a file that the
    command writes, as seen from its folder. ``quiet`` keeps its output from this process's streams: of a command that
    fails the last of it stands in the record.
    """

    command: Annotated[list[str], Field(min_length=1)]
    metrics: str | None = None
    quiet: bool = False

    @property
    def subject(self) -> str:
        """The command's first word."""
        return self.command[0]

    def filled(self) -> list[str]:
        """Return the command's words with the parameters in their places. Raises InputError for one with a NUL."""
        words = {name: as_word(value) for name, value in self.parameters.items()}
        filled = [_PLACE.sub(lambda match: words.get(match[1], match[0]), word) for word in self.command]
        for word in filled:
            if "\0" in word:
                raise InputError(f"a word of the command holds a NUL: {word[:80]!r}")
        return filled

    def settled(self, here: Path, worktree: str) -> Self:
        """Return the spec with absolute paths."""
        return self.model_copy(update={"cwd": os.path.abspath(self.cwd or ".")})

    def identity(self, here: Path) -> str:
        """Return the command's words, its folder and the file that gives its metrics."""
        return json.dumps([self.command, within(here, self.cwd or "."), self.metrics])

    def repeats(self, run: Run, here: Path) -> bool:
        """Return whether a run is one of this command."""
        return run.setup.get("template") == self.command

    def result(self, folder: Path, label: str) -> Path:
        """Return the folder for the files that a point made or changed."""
        return folder / label

    def hand_over(self, repository: Repository, run: Run, target: Path) -> None:
        """Write every file that a run made or changed."""
        if run.after_snapshot_id is not None:
            deliver_all(repository, run, target)


def execute(spec: CommandSpec, *, to_stderr: bool = False, reads_input: bool = False) -> Finished:
    """Run what ``spec`` says. Raises JvsError when the run could not begin.

    ``to_stderr`` keeps standard output free; ``reads_input`` lets the command read this process's standard input.
    """
    repository = Repository.open(spec.repo or spec.cwd or ".")
    worktree = spec.worktree or repository.worktree
    streams = {"to_stderr": to_stderr, "reads_input": reads_input}
    if spec.isolated:
        with isolate.worktree_of(spec, repository, worktree) as isolated:
            finished = _run(spec, isolated.request(), **streams)
            isolated.collect(finished.run)
        return finished
    cwd = Path(os.path.abspath(spec.cwd or "."))
    place = at(repository, worktree, cwd)
    if place.relative(cwd) is None:
        place = at(repository, worktree, place.root)
    return _run(spec, RunRequest(place, wait_s=spec.wait_s, reproduces=spec.reproduces), **streams)


def _run(spec: CommandSpec, request: RunRequest, **streams: bool) -> Finished:
    work = CommandRun(spec, request.place, **streams)
    try:
        failure = RecordedRun(request, work).execute()
    except (KeyboardInterrupt, SystemExit) as error:
        if request.result is None:
            raise
        failure = error
    assert request.result is not None
    return Finished(request.result, failure)


class CommandRun:
    """A command in a place. Its environment has ``JVS_RUN_ID`` and ``JVS_RUN_DIR``, a folder that goes after the run."""

    def __init__(self, spec: CommandSpec, place: Place, *, to_stderr: bool, reads_input: bool) -> None:
        self._spec = spec
        self._place = place
        self._to_stderr = to_stderr
        self._reads_input = reads_input
        self._command = spec.filled()
        self._parameters = encoded_all(spec.parameters)
        self._ended: Exit | None = None
        self._metrics: dict[str, Any] = {}
        self._so_far: measures.SoFar | None = None
        _require_program(self._command[0], place.cwd)

    @property
    def subject(self) -> str:
        """The command's first word."""
        return self._spec.subject

    def fields(self) -> dict[str, Any]:
        """Return what the record says of the command."""
        setup: dict[str, Any] = {"cwd": self._place.relative(self._place.cwd), "metrics": self._spec.metrics}
        if self._spec.point is not None or self._command != self._spec.command:
            setup["template"] = list(self._spec.command)
        return {
            "command": self._command,
            "inputs": _named_files(self._command, self._place),
            "parameters": self._parameters,
            "setup": setup,
        }

    def begun(self, run: Run) -> None:
        """Nothing is to be noted anywhere."""

    def perform(self, run: Run, signals: Signals) -> Done:
        """Run the command to its end, and end what it left behind."""
        folder = Path(tempfile.mkdtemp(prefix=f"jvs-{run.run_id}-"))
        try:
            (folder / "parameters.json").write_text(json.dumps(self._parameters))
            source = measures.source(self._place.cwd, self._spec.metrics)
            self._so_far = measures.SoFar(folder, source)
            done = self._perform(run, folder, signals)
            self._metrics = {**measures.named_file(source), **measures.of_run_folder(folder)}
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return done

    def seen(self) -> Seen:
        """Return the metrics so far."""
        return Seen() if self._so_far is None else Seen(metrics=self._so_far.look())

    def write(self, run: Run, told: Told, after: str | None, failure: BaseException | None) -> None:
        """What the command made lies there already."""

    def take_back(self, run: Run, told: Told) -> None:
        """Nothing speaks of the snapshot."""

    def results(self) -> dict[str, Any]:
        """Return metrics, exit status and what was left behind."""
        ended = self._ended
        return {
            "metrics": self._metrics,
            "exit_status": None if ended is None else ended.exit_status,
            "left_behind": () if ended is None else ended.behind,
        }

    def _perform(self, run: Run, folder: Path, signals: Signals) -> Done:
        log = (folder / _LOG).open("w+b") if self._spec.quiet else None
        try:
            with signals.allowed():
                child = Watched(
                    self._command,
                    folder=self._place.cwd,
                    environment=self._environment(run, folder),
                    reads_input=self._reads_input,
                    stdout=log or (_stderr() if self._to_stderr else None),
                    stderr=log,
                )
        except (KeyboardInterrupt, SystemExit) as error:
            told = stopped(error)
            assert told is not None
            return Done(error, told)
        except InputError as error:  # its words are too long, say
            return Done(error, Told("failed", error.message))
        try:
            failure = self._wait(child, signals)
        except InputError as error:  # it is no program, though it may be executed
            self._ended = Exit(_NO_PROGRAM)
            return Done(None, Told("failed", error.message))
        finally:
            child.close()
            said = "" if log is None else _tail(folder / _LOG)
            if log is not None:
                log.close()
        told = (None if failure is None else stopped(failure)) or self._told(said)
        return Done(failure, told)

    def _wait(self, child: Watched, signals: Signals) -> BaseException | None:
        """Wait for the end. A signal is passed on; what has not ended 30 seconds later, or at a second signal, is ended."""
        try:
            with signals.allowed():
                while self._ended is None:
                    self._ended = child.wait(_LOOK_EVERY_S)
                    signals.deliver()
        except (KeyboardInterrupt, SystemExit) as error:
            number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else int(error.code or 143) - 128
            child.pass_on(number)
            patience = PATIENCE_S
            while patience > 0 and not signals.waiting and self._ended is None:
                self._ended = child.wait(_LOOK_EVERY_S)
                patience -= _LOOK_EVERY_S
            child.stop()
            self._ended = self._ended or child.wait()
            return error
        return None

    def _told(self, said: str) -> Told:
        ended = self._ended
        assert ended is not None
        if ended.status == 0:
            return Told("ok", None)
        if ended.status < 0:
            return Told("killed", short(f"killed by {_signal(-ended.status)}{said}"))
        by = f" (128 + {_signal(ended.status - 128)})" if 128 < ended.status < 128 + signal.NSIG else ""
        return Told("failed", short(f"exit status {ended.status}{by}{said}"))

    def _environment(self, run: Run, folder: Path) -> dict[str, str]:
        return {
            **os.environ,
            "JVS_SESSION": self._place.repository.settings.session,
            "JVS_RUN_ID": run.run_id,
            "JVS_RUN_DIR": str(folder),
        }


def _require_program(name: str, cwd: Path) -> None:
    """Raise InputError for a program that there is not, or that may not be run."""
    place = str(cwd / name) if "/" in name else name
    if shutil.which(place) is None:
        there = "/" in name and os.path.isfile(place)
        why = "it is not executable" if there else "there is no such command"
        raise InputError(f"cannot run {name!r}: {why}", hint=f"chmod +x {name}" if there else None)


def _named_files(command: Sequence[str], place: Place) -> tuple[str, ...]:
    """Return the files of the worktree that the words of a command name, also after an ``=``."""
    found: dict[str, None] = {}
    for word in command:
        for text in (word, word.partition("=")[2]):
            if text and len(text) < 4096 and (place.cwd / text).is_file():
                inside = within(place.root, place.cwd / text)
                if inside is not None:
                    found[inside] = None
    return tuple(list(found)[:_MOST_INPUTS])


def _signal(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _tail(log: Path) -> str:
    data = log.read_bytes() if log.stat().st_size <= _TAIL else _end_of(log)
    text = data.decode("utf-8", "backslashreplace").strip()
    return f": {text}" if text else ""


def _end_of(log: Path) -> bytes:
    with log.open("rb") as file:
        file.seek(-_TAIL, os.SEEK_END)
        return file.read()


def _stderr() -> int:
    """Return the descriptor of standard error; a front end may have put something else in its place."""
    try:
        return 2 if sys.stderr is None else sys.stderr.fileno()
    except OSError:
        return 2
