"""A pytest plugin (``-p tests.jupyter.papermill.as_default``): papermill runs everything with the engine ``jvs``."""

from __future__ import annotations

from papermill.engines import papermill_engines

from jvs_jupyter.papermill.engine import PapermillEngine

papermill_engines.register(None, PapermillEngine)
papermill_engines.register("nbclient", PapermillEngine)
