"""Running the checks of a profile in a scratch folder, which is gone afterwards whatever happens."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from jvs_core.conformance.engines import engines
from jvs_core.conformance.gc import removal
from jvs_core.conformance.guarantees import writing
from jvs_core.conformance.integrity import integrity, recovery
from jvs_core.conformance.requirement import NotHere, Profile, Requirement, Scene, Unmet
from jvs_core.conformance.storage import storage
from jvs_core.errors import JvsError
from jvs_core.faults import translated
from jvs_core.payload.engines import select
from jvs_core.progress import SILENT, Progress
from jvs_core.results import ConformanceReport, RequirementResult
from jvs_core.settings import Settings

SCRATCH_PREFIX = ".jvs-conformance-"


def requirements(profile: Profile = "release") -> list[Requirement]:
    """Return the requirements of a profile; ``release`` has all of them."""
    every = [found for chapter in _CHAPTERS for found in chapter.requirements]
    return [found for found in every if profile == "release" or found.profile == "dev"]


@translated
def run(
    folder: Path,
    settings: Settings,
    *,
    profile: Profile = "dev",
    engine: str | None = None,
    progress: Progress = SILENT,
) -> ConformanceReport:
    """Hold the file system of ``folder`` against the requirements of ``profile``.

    The checks work on repositories of their own in a scratch folder in ``folder``, with a user state of their own, and
    ask for ``engine`` (None: the best one). One that fails never stops the others.
    """
    remover = select.choose(None, folder)
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=folder))
    results: list[RequirementResult] = []
    try:
        progress.started("conformance", len(requirements(profile)))
        for number, requirement in enumerate(requirements(profile)):
            place = scratch / str(number)
            place.mkdir()
            own = replace(
                settings,
                session="conformance",
                engine=None,
                state_dir=scratch / "user" / "state",
                cache_dir=scratch / "user" / "cache",
            )
            results.append(_held(requirement, Scene(place, own, engine)))
            remover.remove(place)
            progress.advanced()
        progress.finished("conformance")
    finally:
        remover.remove(scratch)
    return ConformanceReport(
        profile=profile,
        passed=sum(result.status == "PASS" for result in results),
        failed=sum(result.status == "FAIL" for result in results),
        results=results,
    )


def _held(requirement: Requirement, scene: Scene) -> RequirementResult:
    facts = {}
    status, reason = "PASS", None
    try:
        facts = requirement.check(scene) or {}
    except NotHere as why:
        status, reason = "SKIP", str(why)
    except Unmet as why:
        status, reason = "FAIL", str(why)
    except JvsError as error:
        status, reason = "FAIL", f"{error.code}: {error.message}"
    except Exception as error:  # noqa: BLE001 - whatever a file system makes of a check is an answer
        status, reason = "FAIL", f"{type(error).__name__}: {error}"
    return RequirementResult.model_validate(
        {
            "id": requirement.id,
            "title": requirement.title,
            "status": status,
            "reason": reason,
            "facts": facts,
        }
    )


_CHAPTERS = (storage, engines, writing, integrity, recovery, removal)
