"""``jvs explain``: what an error code means, where it comes from, and what to do."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from importlib.resources import files

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import columns
from jvs_core.errors import InputError, error_classes

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Explained:
    """One error code: its exit status, its meaning in one sentence, and what to do about it."""

    code: str
    exit_status: int
    meaning: str
    text: str

    def to_json(self) -> dict[str, str | int]:
        """Return the fields by name."""
        return asdict(self)


def explanations() -> dict[str, Explained]:
    """Return every error code, in the order of the page "Troubleshooting by message", which has the same texts."""
    page = files("jvs_core.cli").joinpath("explanations.md").read_text(encoding="utf-8")
    classes = {error.code: error for error in error_classes()}
    found = {}
    for part in page.split("\n## ")[1:]:
        heading, _, text = part.partition("\n")
        for code in heading.split(", "):
            meaning = (classes[code].__doc__ or "").partition("\n")[0]
            found[code] = Explained(code, classes[code].exit_status, meaning, _LINK.sub(r"\1", text).strip())
    return found


@click.command(cls=Command)
@click.argument("code", required=False)
@click.pass_obj
def explain(call: Call, code: str | None) -> Outcome:
    """Explain the error CODE: what it means, where it usually comes from, and what to do. Without CODE, list all codes.

    \b
    Example:
      jvs explain E_LOCK_NOT_HELD
      jvs explain lock_not_held
    """
    if call.repo is not None or call.worktree is not None:
        raise InputError("explain needs no repository: leave out --repo and --worktree")
    known = explanations()
    if code is None:
        rows = [(each.code, f"exits with {each.exit_status}", each.meaning) for each in known.values()]
        return Outcome(list(known.values()), columns(rows), advice=["jvs explain CODE"])
    wanted = code.strip().rstrip(":").upper().replace("-", "_")
    found = known.get(wanted) or known.get(f"E_{wanted}")
    if found is None:
        raise InputError(f"no error has the code {code}", hint="jvs explain lists all codes")
    return Outcome(found, [f"{found.code}, exit status {found.exit_status}", "", *_plain(found.text)])


def _plain(text: str) -> list[str]:
    """Return a text as lines for a terminal."""
    return click.formatting.wrap_text(text.replace("`", ""), width=80, preserve_paragraphs=True).splitlines()
