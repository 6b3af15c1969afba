"""Where processes that tests start find this source tree."""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = Path(__file__).parents[2]
# The value of PYTHONPATH; the second folder holds what takes the place of libraries that are slow to import.
PYTHONPATH = os.pathsep.join([str(SOURCE), str(Path(__file__).parent / "light")])
