"""What a kernel says to the person: one line, on standard error or in place of a traceback.

Nothing heavy is imported here: loading the extension must cost next to nothing.
"""

from __future__ import annotations

import re
import sys

from IPython.core.error import UsageError

from jvs_core import JvsError
from jvs_magics.folder import FolderRemoved

_COMMAND = re.compile(r"(?<![\w%/.-])jvs (?=[a-z[-])")


def usage_error(error: JvsError) -> UsageError:
    """Return the one line that a person sees in place of a traceback."""
    hint = error.hint
    if error.code == "E_NOT_A_REPOSITORY" and not isinstance(error, FolderRemoved):
        hint = "jvs init NAME, or to start from this folder's files: jvs init NAME --from ."
    text = error.message + (f" (hint: {hint})" if hint else "")
    return UsageError(f"{error.code}: {in_notebook(_one_line(text))}")


def in_notebook(text: str) -> str:
    """Return a text in which commands are magics."""
    return _COMMAND.sub("%jvs ", text)


def say(text: str) -> None:
    """Tell the person something that is no result."""
    sys.stderr.write(f"jvs: {in_notebook(_one_line(text))}\n")
    sys.stderr.flush()


def _one_line(text: str) -> str:
    from jvs_core.cli.text import safe

    return safe(" ".join(text.split("\n")))
