"""Finding what is wrong with a repository. It changes nothing; ``repair`` mends what it finds."""

from __future__ import annotations

from jvs_core.operations.doctor.examination.locks import MANY_LEASES
from jvs_core.operations.doctor.examination.whole import examine
from jvs_core.operations.doctor.examination.worktrees import without_folder

__all__ = ["MANY_LEASES", "examine", "without_folder"]
