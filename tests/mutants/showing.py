"""Mutants of exports and views: what leaves the repository, and what is only to be looked at."""

from __future__ import annotations

from tests.mutants.mutant import Mutant, of

_EXPORT = "tests/core/operations/test_export.py"
_VIEWS = "tests/core/operations/test_views.py"
_place = of("jvs_core/operations/export/place.py", _EXPORT).mutant
_tar = of("jvs_core/payload/archive/tar.py", _EXPORT).mutant
_source = of("jvs_core/payload/archive/source.py", _EXPORT).mutant
_zip = of("jvs_core/payload/archive/zip.py", _EXPORT).mutant
_checking = of("jvs_core/operations/proof/checking.py", _EXPORT).mutant
_members = of("jvs_core/operations/proof/members.py", _EXPORT).mutant
_opening = of("jvs_core/operations/views/opening.py", _VIEWS).mutant
_closing = of("jvs_core/operations/views/closing.py", _VIEWS).mutant
_read_only = of("jvs_core/payload/engines/read_only.py", _VIEWS).mutant
_process = of("jvs_core/control/process.py", _VIEWS).mutant
_leftovers = of("jvs_core/operations/leftovers.py", _VIEWS).mutant

MUTANTS: tuple[Mutant, ...] = (
    _place(
        "an export that failed is left",
        "        with suppress(OSError, PathEscape):\n            files.unlink(temporary)\n",
        "        pass\n",
    ),
    _tar("data is taken for a hole", "        elif sparse.any_data(data):\n", "        elif False:\n"),
    _source("setuid goes to strangers", "return entry.mode & 0o1777", "return entry.mode & 0o7777"),
    _zip("a name with a backslash is in a zip file", "not _MISREAD.search(name)", "True"),
    _checking("what an export lacks is not noticed", "if name not in seen and", "if False and"),
    _checking(
        "what an export has beside its snapshot is not noticed",
        'if top not in tops and not beside and member.name != "snapshots":',
        'if top not in tops and not beside and member.name.startswith("snapshots/"):',
    ),
    _checking("a link to another file is right", "and other.sha256 == entry.sha256", ""),
    _members("a header of any length is read", "if not 0 <= count <= _LONGEST_READ:", "if count < 0:"),
    _members(
        "a proof of any length is copied",
        "                    if left < 0:\n",
        "                    if False:\n",
    ),
    _opening(
        "a view that was spoilt is shared",
        '        check_some(ctx.layout.views(intent.details["tree"]), chosen.entries, Depth.SUSPECT).require_content()\n',
        "        pass\n",
    ),
    _closing("a view that others hold is removed", "        if others:\n", "        if False:\n"),
    _closing(
        "a view of the living is closed",
        "        if not journal.is_dead(ctx.layout, ctx.settings, intent):\n            return False\n",
        "        pass\n",
        equivalent="doctor asks only for those of the dead; this looks once more, in the critical section",
    ),
    _closing(
        "a view of a running program is closed by others",
        'or (name is not None and (intent.details["by_hand"] or journal.state(intent, ctx.settings) is False))',
        "or name is not None",
    ),
    _read_only("everybody may write to a view", "        _close(target, part)\n", "        pass\n"),
    _process(
        "a view by hand elsewhere is taken for dead", "return silent or seen_ms >=", "return seen_ms >="
    ),
    _leftovers(
        "a view that is open is a leftover", "for name in there if name not in held)", "for name in there)"
    ),
)
