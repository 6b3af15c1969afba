"""What changed inside the paths of a comparison: cells, lines, rows, pixels, tensors. A view; nothing can be applied."""

from __future__ import annotations

from jvs_core.differences.model import Difference, Differences
from jvs_core.differences.trees import what_changed, what_changed_in
