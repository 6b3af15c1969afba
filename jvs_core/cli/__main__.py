"""``python -m jvs_core.cli``: the ``jvs`` command."""

import sys

from jvs_core.cli.main import run

sys.exit(run())
