"""What a process of a user's does for root: ``python -m jvs_jupyter.hub.within TASK REQUEST``.

Root starts it with that user's rights. The request is JSON of the task's own shape, and so is the answer, which root takes
for input: the user could have had a hand in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from pydantic_core import to_jsonable_python

from jvs_core import JvsError
from jvs_jupyter.hub import looking, making
from jvs_jupyter.hub.making import TEMPLATE, Request

__all__ = ["TASKS", "TEMPLATE", "main"]

Task = tuple[type[Request], Callable[[Any], Any]]
TASKS: dict[str, Task] = {
    "make": (making.Making, making.make),
    "clear": (making.Clearing, making.clear),
    "empty": (making.Emptying, making.empty),
    **looking.TASKS,
}


def main(task: str, request: str) -> int:
    """Do what is asked, print the answer, and return the exit status."""
    try:
        shape, do = TASKS[task]
        answer = do(shape.model_validate_json(request))
        status = 0
    except JvsError as error:
        answer = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        status = error.exit_status
    sys.stdout.write(json.dumps(to_jsonable_python(answer)))
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
