"""``python -m tests.mutants``: run all mutants, print killed or survived and the score; fail on a survivor."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from types import FrameType

from tests.mutants.catalog import MUTANTS
from tests.mutants.mutant import selected
from tests.mutants.runner import BaselineFailed, run, summary
from tests.support.session import close_session, open_session


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; return 0 when every mutant ended as expected."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("text", nargs="?", default="", help="only those with this in name or file")
    parser.add_argument("--workers", type=int, default=2, help="so many at a time (2)")
    parser.add_argument("--seconds", type=float, default=90.0, help="the longest that one may take (90)")
    parser.add_argument("--list", action="store_true", help="name them and run nothing")
    asked = parser.parse_args(arguments)
    mutants = selected(iter(MUTANTS), asked.text)
    if asked.list:
        for mutant in mutants:
            _say(f"{mutant.file}: {mutant.name}")
        return 0
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    folder = open_session(in_memory=True)
    try:
        results = run(mutants, workers=asked.workers, seconds=asked.seconds, told=_say)
    except BaselineFailed as error:
        _say(f"the tests do not pass without any mutant:\n{error}")
        return 2
    finally:
        close_session(folder)
    for line in summary(results):
        _say(line)
    _say(f"{len(results)} mutants in {time.monotonic() - began:.0f} s")
    return 0 if results and all(result.as_expected for result in results) else 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
