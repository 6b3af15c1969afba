"""``jvs run export``."""

from __future__ import annotations

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import RunName
from jvs_core.cli.text import safe, size
from jvs_core.wording import counted


@click.command(cls=Command)
@click.argument("runs", metavar="RUN...", type=RunName(), nargs=-1, required=True)
@click.option("-o", "--output", metavar="CRATE.zip", required=True, help="Write the crate here.")
@click.option("--key", metavar="FILE", help="Sign the checkpoint with this private key.")
@click.option("--license", "license_", metavar="TEXT", help="The license of its contents: a URL, or text.")
@click.pass_obj
def export(call: Call, runs: tuple[str, ...], output: str, key: str | None, license_: str | None) -> Outcome:
    """Write runs to an RO-Crate: their inputs and outputs, their records, and a proof.

    It is a Process Run Crate for commands, a Workflow Run Crate for notebooks. It contains the log from the first of
    these runs on, word for word.

    \b
    Example:
      jvs run export 1a2b3c4d -o run.zip
      jvs verify --export run.zip
    """
    from jvs_jupyter.crate.export import export as write

    repository = call.repository()
    found = [repository.runs.get(run) for run in dict.fromkeys(runs)]
    unique = list({run.run_id: run for run in found}.values())
    done = write(repository, unique, output, key=key, license_=license_)
    line = f"Exported {counted(len(done.runs), 'run')} to {safe(done.path)}: {counted(done.files, 'file')}, {size(done.bytes)}"
    return Outcome(done, [line], advice=[f"jvs verify --export {safe(done.path)}"])
