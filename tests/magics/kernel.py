"""A real IPython kernel of the test's own, spoken to as a front end does."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.support.source import PYTHONPATH

SOURCE = Path(__file__).parents[2]
PATIENCE_S = 60


@dataclass
class Ran:
    """What came of one cell: its status, its displayed bundles in order, its text, and its error."""

    status: str = ""
    ename: str | None = None
    result: dict[str, Any] | None = None
    displays: list[dict[str, Any]] = field(default_factory=list)
    out: str = ""
    err: str = ""
    traceback: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The result as text."""
        assert self.result is not None, self
        return str(self.result["text/plain"])

    @property
    def html(self) -> str:
        """The result as HTML."""
        assert self.result is not None, self
        return str(self.result["text/html"])


class Kernel:
    """One kernel and its client."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str) -> Ran:
        """Run a cell to its end, whatever that is."""
        ran = Ran()

        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream" if content["name"] == "stdout":
                    ran.out += content["text"]
                case "stream":
                    ran.err += content["text"]
                case "execute_result":
                    ran.result = content["data"]
                case "display_data":
                    ran.displays.append(content["data"])
                case "error":
                    ran.traceback = content["traceback"]

        reply = self.client.execute_interactive(
            code, timeout=PATIENCE_S, output_hook=collect, allow_stdin=False
        )
        ran.status, ran.ename = reply["content"]["status"], reply["content"].get("ename")
        return ran

    def ok(self, code: str) -> Ran:
        """Run a cell that must not fail."""
        ran = self.run(code)
        assert ran.status == "ok", ran
        return ran

    def value(self, expression: str) -> str:
        """Return the text of an expression's value."""
        return self.ok(expression).text

    def fails(self, code: str) -> str:
        """Run a cell that must end as a user's mistake; return the one line that is shown."""
        ran = self.run(code)
        assert (ran.status, ran.ename, ran.traceback) == ("error", "UsageError", []), ran
        assert ran.err.startswith("UsageError: E_"), ran
        assert ran.err.count("\n") == 1, ran
        return ran.err.removeprefix("UsageError: ").strip()

    def complete(self, line: str) -> dict[str, str]:
        """Return the completions at the end of ``line`` with their hints."""
        message = self.client.complete(line, len(line), reply=True, timeout=PATIENCE_S)
        hints = message["content"]["metadata"].get("_jupyter_types_experimental", [])
        found = {hint["text"]: str(hint["type"]) for hint in hints}
        return {name: found.get(name, "") for name in message["content"]["matches"]}

    def kill(self) -> None:
        """End the kernel with SIGKILL."""
        self.manager.signal_kernel(signal.SIGKILL)
        while self.manager.is_alive():
            pass

    def restart(self) -> None:
        """Restart the kernel as a front end does."""
        self.manager.restart_kernel()
        self.client.wait_for_ready(timeout=PATIENCE_S)


@contextlib.contextmanager
def kernel(cwd: Path, **environment: str) -> Iterator[Kernel]:
    """Run a kernel in ``cwd`` with ``%jvs`` loaded; it is gone when the block ends."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(
        cwd=str(cwd),
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "IPYTHONDIR": str(cwd / ".ipython"), **environment},
    )
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE_S)
        running = Kernel(manager, client)
        running.ok("%load_ext jvs_magics")
        yield running
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=not manager.is_alive())
        manager.cleanup_resources()
        manager.context.destroy()
