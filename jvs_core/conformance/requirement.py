"""What a requirement is, how a check says that it is not met or not to be met here, and the scene it works in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from jvs_core.errors import JvsError
from jvs_core.repository import Repository
from jvs_core.settings import Settings

Profile = Literal["dev", "release"]
Facts = dict[str, Any]
SOURCE = Path(__file__).parents[2]


class Unmet(Exception):
    """The requirement is not met; the message says what was found instead."""


class NotHere(Exception):
    """The requirement does not concern this file system or machine; the message says why."""


@dataclass(frozen=True)
class Requirement:
    """One requirement and its check, which returns facts, or raises Unmet, NotHere or anything unforeseen."""

    id: str
    title: str
    profile: Profile
    check: Callable[[Scene], Facts | None]


class Chapter:
    """Requirements that belong together; ``chapter(id, title)`` marks a check."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requirements: list[Requirement] = []

    def __call__(
        self, name: str, title: str, profile: Profile = "dev"
    ) -> Callable[[Callable[[Scene], Facts | None]], Callable[[Scene], Facts | None]]:
        """Return the decorator that enters a check under ``name``."""

        def enter(check: Callable[[Scene], Facts | None]) -> Callable[[Scene], Facts | None]:
            self.requirements.append(Requirement(f"{self.name}.{name}", title, profile, check))
            return check

        return enter


@dataclass
class Scene:
    """An empty folder for one check, on the file system in question, and a caller with a state of its own."""

    folder: Path
    settings: Settings
    engine: str | None = None
    made: list[Repository] = field(default_factory=list)

    def repository(
        self, name: str = "repo", *, engine: str | None = None, lease: Mapping[str, int] | None = None
    ) -> Repository:
        """Return a new repository whose ``main`` holds two files; ``lease`` replaces lease times in milliseconds."""
        made = Repository.init(self.folder / name, engine=engine or self.engine, settings=self.settings)
        if lease:
            config = made.root / ".jvs" / "config.toml"
            lines = config.read_text().splitlines()
            for key, value in lease.items():
                lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
            config.write_text("\n".join(lines) + "\n")
            made = self.opened(made.root)
        (made.root / "main" / "notes.txt").write_text("notes\n")
        (made.root / "main" / "data").mkdir()
        (made.root / "main" / "data" / "a.csv").write_text("a,b\n1,2\n")
        return made

    def opened(self, root: Path, *, session: str | None = None) -> Repository:
        """Open a repository, as another session of the caller where one is named."""
        settings = self.settings if session is None else replace(self.settings, session=session)
        return Repository.open(root, settings=settings)

    def run_python(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program as a process of its own, with this JVS and the caller's state."""
        start = f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n"
        return subprocess.run(
            [sys.executable, "-c", start + program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={
                "PATH": "/usr/bin:/bin",
                "JVS_SESSION": self.settings.session,
                "JVS_STATE_DIR": str(self.settings.state_dir),
                "JVS_CACHE_DIR": str(self.settings.cache_dir),
                "LOGNAME": self.settings.user,
            },
        )


@contextmanager
def refused(*codes: str) -> Iterator[list[JvsError]]:
    """Demand that the block raises an error with one of ``codes``; the list holds it afterwards."""
    caught: list[JvsError] = []
    try:
        yield caught
    except JvsError as error:
        if error.code not in codes:
            raise Unmet(
                f"refused with {error.code} instead of {' or '.join(codes)}: {error.message}"
            ) from error
        caught.append(error)
        return
    raise Unmet(f"accepted, where {' or '.join(codes)} was expected")


def demand(holds: object, otherwise: str) -> None:
    """Raise Unmet with ``otherwise`` unless ``holds``."""
    if not holds:
        raise Unmet(otherwise)
