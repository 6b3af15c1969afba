"""``python -m tests.support.program TEXT`` runs a program that a test wrote."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    exec(sys.argv[1], {"__name__": "__main__"})
