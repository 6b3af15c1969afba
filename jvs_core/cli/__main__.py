"""The ``jvs`` command as a process: ``jvs`` and ``python -m jvs_core.cli`` begin here."""

import gc
import os
import sys
from types import ModuleType

_RARELY = 100_000


def _without_plugins_of_pydantic() -> None:
    """Have pydantic find no plugins: it would read what every installed package says of itself, and run their code."""
    none = ModuleType("pydantic.plugin._loader")
    none.get_plugins = tuple  # type: ignore[attr-defined]  # a module made here
    sys.modules[none.__name__] = none


def main() -> int:
    """Run the command line; Ctrl-C while it is still being imported ends like any other, without a traceback."""
    gc.set_threshold(_RARELY)  # else it goes over all modules again and again while they are loaded
    try:
        if (
            sys.getfilesystemencoding() != "utf-8"
        ):  # names, notes and output are UTF-8, whatever the locale says
            os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
        from jvs_core.cli.main import run
        from jvs_core.cli.stopping import heed
        from jvs_core.cli.streams import occupy

        _without_plugins_of_pydantic()
        occupy()
        heed()
        return run()
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()  # else the interpreter goes over all objects once more on its way out, a tenth of a short command


if __name__ == "__main__":
    sys.exit(main())
