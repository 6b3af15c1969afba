"""The papermill engine ``jvs``: papermill's own, between a snapshot before and a snapshot after.

papermill imports this module while it is being imported itself, for everybody who has it installed: what is needed to
record a run is imported when a run is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from papermill.engines import NBClientEngine

if TYPE_CHECKING:
    from jvs_jupyter.papermill.request import Kernel
    from jvs_jupyter.runs.request import RunRequest


class PapermillEngine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
    """Runs a notebook as papermill does and records what became of it.

    Outside any repository it is papermill's own engine, with one warning; ``JVS_REQUIRE=1`` makes that an error.
    """

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        jvs_run: RunRequest | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the notebook and return it.

        Raises what papermill's engine raises, LockConflict before anything happened, and the error of a snapshot that
        could not be taken.
        """
        from jvs_jupyter.papermill.request import Kernel, of_papermill

        wanted = nb.metadata.papermill.get("output_path", output_path)
        request = jvs_run or of_papermill(wanted, kwargs)
        execute = super().execute_notebook
        if request is None:
            return execute(nb, kernel_name, output_path, **kwargs)

        from jvs_jupyter.papermill.notebook_run import NotebookRun

        kernel = Kernel()
        run = NotebookRun(request, nb, kernel_name, wanted, kwargs)
        return run.execute(lambda: execute(nb, kernel_name, output_path, jvs_kernel=kernel, **kwargs), kernel)

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, jvs_kernel: Kernel | None = None, **kwargs: Any
    ) -> Any:
        """Run the cells, noting when the kernel is being started."""
        if jvs_kernel is not None:
            jvs_kernel.starting = True
            begin, between = nb_man.cell_start, jvs_kernel.between_cells

            def begin_cell(*args: Any, **more: Any) -> None:
                between()
                begin(*args, **more)

            nb_man.cell_start = begin_cell
        return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)
