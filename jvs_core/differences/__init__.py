"""What changed inside the paths of a comparison: cells, lines, rows, pixels, tensors. A view; nothing can be applied."""

from __future__ import annotations
