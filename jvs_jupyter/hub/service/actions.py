"""What an admin does on the page: each one a command of ``jvs`` in a process of its own; what is refused stays on the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath

from tornado.web import HTTPError, authenticated

from jvs_core import JvsError
from jvs_jupyter.hub import homes
from jvs_jupyter.hub.command import Refused, no_answer
from jvs_jupyter.hub.service import reading
from jvs_jupyter.hub.service.base import Page, said
from jvs_jupyter.hub.service.child import WORK_S, Place, run
from jvs_jupyter.hub.service.sites import own
from jvs_jupyter.hub.service.words import moment

_LONGEST_NAME = 100
_STOP = "stop the server first, on the hub's page Admin"


class Action(Page):
    """One action; it answers by leading back to a page that says what happened."""

    @authenticated
    async def post(self, name: str) -> None:
        """Do it."""
        if name not in ACTIONS:
            raise HTTPError(404, "There is no such action.")
        try:
            kind, text = "success", await ACTIONS[name](self)
        except (Refused, JvsError) as refused:
            kind, text = "danger", f"Nothing was changed: {said(refused)}"
        self.desk.watch.count(name, done=kind == "success")
        user = self.given("name")
        await self.desk.survey.anew(user)
        back = self.given("back")
        page = back if back in ("snapshots", "files") else ("user" if user in self.desk.survey.rows else "")
        keep = ("worktree", "snapshot", "folder")
        about = {one.replace("folder", "path"): self.given(one) for one in keep} if page == back else {}
        self.redirect(
            self.address(page, name=user, note=self.desk.note(self.admin, kind, text), **about), status=303
        )

    def given(self, name: str) -> str:
        """Return a value of the form; empty where it has none."""
        return str(self.get_body_argument(name, "", strip=False))

    async def place(self) -> Place:
        """Return where the worktree that the form names is. Raises Refused."""
        return await reading.place(
            self.desk.site, self.desk.survey, self.given("name"), self.given("worktree")
        )

    def require_name(self) -> str:
        """Return the user's name, which was typed to confirm. Raises Refused."""
        if self.given("confirm").strip() != self.given("name").strip():
            raise Refused("E_USAGE", "you typed another name than this user's", None, 2)
        return self.given("name")


async def reset(action: Action) -> str:
    """Start a worktree, or a home, over from a template."""
    user, template = action.require_name(), action.given("template")
    done = await _hub(action, "reset", user, "--template", template)
    called = "the newest snapshot" if template == "HEAD" else template
    if done["action"] == "unchanged":
        return f"{user} already has the files of {called}; JVS changed nothing."
    return f"{user} starts again from {called}. The old files are kept beside it as {done['kept_as']}."


async def archive(action: Action) -> str:
    """Put a worktree, or a home, away."""
    user = action.require_name()
    done = await _hub(action, "archive", user)
    if action.desk.site.homes is not None:
        return f"{user} is archived completely, as {done['kept_as']}."
    return f"{user} is archived: the last snapshot is {done['snapshot_id']}, pinned."


async def restore(action: Action) -> str:
    """Restore a snapshot beside the user's worktrees."""
    place, wanted = await action.place(), reading.known(action.given("snapshot"))
    name = f"{place.worktree}-restored-{wanted[-8:]}"[-_LONGEST_NAME:].lstrip("-")
    made = await run(place, "restore", "--name", name, "--", wanted, admin=action.admin, seconds=WORK_S)
    return f"Restored beside it, as {reading.facts(made, str(place.worktree)).get('worktree')}."


async def put_back(action: Action) -> str:
    """Put a file or folder of a snapshot where it was; where something is there now, beside that, with the time."""
    place, wanted = await action.place(), reading.known(action.given("snapshot"))
    path = PurePosixPath(action.given("path").strip("/"))
    command = ("restore", "--path", str(path))
    try:
        await run(place, *command, "--", wanted, admin=action.admin, seconds=WORK_S)
    except Refused as refused:
        if refused.code != "E_ALREADY_EXISTS":
            raise
    else:
        return f"{path} is back in {place.worktree}."
    taken = moment((await reading.snapshot(place, action.admin, wanted)).created_at)
    beside = path.with_name(f"{path.stem} ({taken:%Y-%m-%d %H.%M}){path.suffix}")
    await run(place, *command, "--to", str(beside), "--", wanted, admin=action.admin, seconds=WORK_S)
    return f"There already is a {path}, which did not change; the old version is beside it, as {beside.name}."


async def pin(action: Action) -> str:
    """Keep a snapshot whatever a policy says."""
    place, wanted = await action.place(), reading.known(action.given("snapshot"))
    reason = action.given("reason").strip() or f"by {action.admin}"
    await run(place, "gc", "pin", "--reason", reason, "--", wanted, admin=action.admin)
    return f"{wanted} is kept, whatever a policy says."


async def unpin(action: Action) -> str:
    """Take a pin from a snapshot."""
    await run(await action.place(), "gc", "unpin", "--", action.given("pin"), admin=action.admin)
    return "The pin is removed; the snapshot stays until a policy removes it."


async def remove(action: Action) -> str:
    """Remove what stands beside a user's worktrees; its snapshots stay."""
    name = action.given("worktree")
    if action.given("home"):
        return await _remove_home(action, name)
    row = await action.desk.survey.row(action.given("name"))
    if row is None or name == "main" or any(one.worktree == name for one in row.has):
        raise Refused("E_USAGE", f"{name} is in use by its user; archive it instead", None, 2)
    place = await action.place()
    force = ["--force"] if action.given("force") else []
    main = Place(place.repository, place.owner)
    await run(main, "worktree", "remove", *force, "--", name, admin=action.admin, seconds=WORK_S)
    return f"{name} is removed; its snapshots stay."


async def put_back_user(action: Action) -> str:
    """Give a user what was archived of them."""
    user = action.given("name").strip()
    done = await _hub(action, "put-back", user)
    beside = f" The files from before are beside it, as {done['kept_as']}." if done.get("kept_as") else ""
    return f"{user} has the archived files back.{beside}"


async def _remove_home(action: Action, name: str) -> str:
    """Remove a whole repository that a reset put aside, with the rights of its owner."""
    site, user = action.desk.site, action.given("name")
    home = site.place(user, None).repository
    if site.homes is None or name not in reading.aside(site.homes, home.name):
        raise Refused("E_PATH_NOT_FOUND", f"{user} has nothing with the name {name}", None, 3)
    if not action.given("force"):
        raise Refused("E_USAGE", "confirm that its snapshots are removed too", None, 2)
    await asyncio.to_thread(homes.remove, site.homes / name)
    return f"{name} is removed with all its snapshots."


async def _hub(action: Action, command: str, user: str, *options: str) -> dict[str, str]:
    """Run a command of ``jvs hub`` for one user and return what it did. Raises Refused."""
    site, server = action.desk.site, action.given("server")
    where = () if site.homes is None else ("--homes", str(site.homes))
    which = ("--server", server) if server else ()
    rows = await run(
        own(site.root), "hub", command, "--as", action.admin, *where, *which, *options, "--", user,
        admin=action.admin, seconds=WORK_S,
    )  # fmt: skip
    if not (isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict)):
        raise no_answer(str(site.root))
    done: dict[str, str] = rows[0]
    failure = rows[0].get("error")
    if failure:
        hint = _STOP if failure["code"] == "E_LOCK_CONFLICT" else failure.get("hint")
        raise Refused(failure["code"], failure["message"], hint, 1)
    return done


ACTIONS: dict[str, Callable[[Action], Awaitable[str]]] = {
    "reset": reset,
    "archive": archive,
    "restore": restore,
    "put-back": put_back,
    "pin": pin,
    "unpin": unpin,
    "remove": remove,
    "put-back-user": put_back_user,
}
