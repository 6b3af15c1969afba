"""``jvs demo``: the whole story on a throw-away repository, told by the real command."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import safe
from jvs_core.errors import AlreadyExists


@click.command(cls=Command)
@click.option(
    "--dir", "directory", metavar="DIR", help="Make the repository in DIR, on its file system, and keep it."
)
@click.pass_obj
def demo(_call: Call, directory: str | None) -> Outcome:
    """Demonstrate JVS on a temporary repository, in under 20 seconds.

    It makes a repository from a folder with a notebook and data. Then it shows snapshots, a change, history,
    comparison, both kinds of restore and undo.

    \b
    Example:
      jvs demo
      jvs demo --dir /mnt/jfs/try
    """
    story = Demonstration(directory)
    return Outcome(story, story.lines())


@dataclass(frozen=True)
class Demonstration:
    """The story, told anew each time it is asked for; in ``directory``, which is kept, or in a temporary folder."""

    directory: str | None

    def lines(self) -> Iterator[str]:
        """Tell it in words while it happens. Raises JvsError at the first step that did not do what it says."""
        from jvs_core.cli.demo_story import Said

        for happened in self._tell():
            if isinstance(happened, Said):
                yield from ("", style(safe(happened.words), bold=True))
            else:
                yield style(f"$ {happened.command}", fg="cyan")
                yield from map(safe, happened.output.splitlines())

    def to_json(self) -> dict[str, Any]:
        """Carry it out and return the steps. Raises as ``lines``."""
        from jvs_core.cli.demo_story import Ran

        steps = [{"command": h.command, "output": h.output} for h in self._tell() if isinstance(h, Ran)]
        return {"ok": True, "steps": steps}

    def _tell(self) -> Iterator[Any]:
        from jvs_core.cli.demo_story import tell

        with self._folder() as folder:
            yield from tell(folder, kept=self.directory is not None)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        if self.directory is None:
            with tempfile.TemporaryDirectory(prefix="jvs-demo-") as temporary:
                try:
                    yield Path(temporary)
                finally:
                    _delete_subvolumes(Path(temporary))
            return
        folder = Path(self.directory).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise AlreadyExists(f"{folder} exists and is not a folder") from error
        if any(folder.iterdir()):
            raise AlreadyExists(f"{folder} is not empty", hint="give --dir an empty folder or a new name")
        yield folder


def _delete_subvolumes(folder: Path) -> None:
    """Delete the btrfs subvolumes below ``folder``, read-only ones included, which ``rmtree`` cannot."""
    from jvs_core.payload.engines import subvolume

    for path in subvolume.topmost(folder):
        subvolume.delete(path)
