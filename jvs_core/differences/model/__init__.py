"""What a difference is, as a value: one model for every front end, and its JSON. Nothing in it can be applied.

Paths and texts come from files: they may hold anything, and whoever shows them escapes them. Sizes are bytes, times are left
out, rows and cells count from 0, lines from 1.
"""

from __future__ import annotations

from jvs_core.differences.model.archive import ArchiveDetail, MemberChange
from jvs_core.differences.model.difference import (
    BinaryDetail,
    Detail,
    Difference,
    Differences,
    Group,
    LinkDetail,
    More,
    Side,
)
from jvs_core.differences.model.image import ImageDetail, ImageFacts
from jvs_core.differences.model.notebook import (
    CellChange,
    FieldChange,
    MimeChange,
    NotebookCounts,
    NotebookDetail,
    OutputChange,
)
from jvs_core.differences.model.table import ColumnChange, RowChange, TableDetail
from jvs_core.differences.model.text import Hunk, Line, TextDetail
from jvs_core.differences.model.weights import FactChange, ModelDetail, TensorChange, TensorFacts
