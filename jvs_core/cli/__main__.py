"""The ``jvs`` command as a process: ``jvs`` and ``python -m jvs_core.cli`` begin here."""

import sys


def main() -> int:
    """Run the command line; Ctrl-C while it is still being imported ends like any other, without a traceback."""
    try:
        from jvs_core.cli.main import run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
