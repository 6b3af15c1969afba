"""``runs``: recorded runs of notebooks and commands."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from jupyter_core.utils import ensure_async

from jvs_jupyter.runs import comparison
from jvs_jupyter.server.errors import bad_input, forbidden
from jvs_jupyter.server.handlers.base import Handler, encode, route
from jvs_jupyter.server.handlers.content import disposition
from jvs_jupyter.server.pages import cursor, key_of
from jvs_jupyter.server.paths import Place, Root
from jvs_jupyter.server.progress import Receiver
from jvs_jupyter.server.reproducing import reproduce

_MANY = 500
_FILES_LISTED = 1_000
_LONGEST_RECORD = 1 << 16
_SHOWN = 100


class RunsHandler(Handler):
    """All runs of a repository."""

    @route("listRuns")
    async def get(self) -> None:
        """Page through them, chosen and sorted here."""
        query = self.query()
        place = await self.place(query["path"])
        many = len(await self.call(place.repository.runs.ids)) > _MANY
        if many and _chooses(query):  # reading them all holds this process up
            self.answer(await self.services.reader.run(page_of, place.root, place.path, query))
        else:
            self.answer(await self.call(page_of, place.root, place.path, query))


class RunTableHandler(Handler):
    """Runs as a table."""

    @route("runTable")
    async def get(self) -> None:
        """Give it as CSV, to be kept."""
        query = self.query()
        place = await self.place(query["path"])
        many = len(await self.call(place.repository.runs.ids)) > _MANY
        made = self.services.reader.run if many else self.call
        data = await made(csv_of, place.root, place.path, query)
        self.set_header("Content-Disposition", disposition(f"{place.repository.root.name}-runs.csv"))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.finish(data, set_content_type="text/csv; charset=utf-8")


class RunCompareHandler(Handler):
    """Several runs beside each other."""

    @route("compareRuns")
    async def get(self) -> None:
        """Compare them."""
        query = self.query()
        place = await self.place(query["path"])
        names = [query["a"], query["b"], *(query["c"] or ())]
        self.answer(await self.services.look(compared, place, names))


class WorksHandler(Handler):
    """What was run."""

    @route("listRunWorks")
    async def get(self) -> None:
        """List the notebooks and commands that have runs."""
        place = await self.place(self.query()["path"])
        many = len(await self.call(place.repository.runs.ids)) > _MANY
        if many:
            self.answer(await self.services.reader.run(works_of, place.root, place.path))
        else:
            self.answer(await self.call(works_of, place.root, place.path))


class RunHandler(Handler):
    """One run."""

    @route("getRun")
    async def get(self, run: str) -> None:
        """Show it."""
        place = await self.place(self.query()["path"])
        self.answer(await self.call(_seen, place, run))

    @route("annotateRun")
    async def patch(self, run: str) -> None:
        """Give it a name and a note."""
        body = self.body()
        if body["name"] is None and body["note"] is None:
            raise bad_input("give a name or a note")
        place = await self.place(body["path"] or self.query()["path"])
        edited = await self.call(place.repository.runs.annotate, run, name=body["name"], note=body["note"])
        self.changed("runs", place)
        self.answer(await self.call(_seen, place, edited.run_id))

    @route("removeRun")
    async def delete(self, run: str) -> None:
        """Remove its record; the snapshots stay."""
        place = await self.place(self.query()["path"])
        removed = await self.call(place.repository.runs.remove, run)
        self.changed("runs", place)
        self.answer(removed.to_json())


class RunCancelHandler(Handler):
    """Stopping a run under way."""

    @route("cancelRun")
    async def post(self, run: str) -> None:
        """Ask its process to stop it."""
        place = await self.place(self.body()["path"])
        told = await self.call(place.repository.runs.cancel, run)
        self.answer({"run_id": told.run_id}, HTTPStatus.ACCEPTED)


class RunReproduceHandler(Handler):
    """Running it again."""

    @route("reproduceRun")
    async def post(self, run: str) -> None:
        """Begin that; for whoever may run code on this server."""
        body = self.body()
        key = self.key()
        may = self.authorizer.is_authorized(self, self.current_user, "execute", "kernels")
        if not await ensure_async(may):
            raise forbidden(
                "to repeat a recorded run executes code, and you may not execute code on this server"
            )
        place = await self.place(body["path"])
        found = await self.call(place.repository.runs.get, run)
        root = place.repository.root

        def work(progress: Receiver) -> dict[str, Any]:
            return reproduce(root, found.run_id, body["times"], progress)

        self.accept(self.start("reproduce", place, work, exclusive=False, key=key))


def csv_of(root: Root, path: str, query: dict[str, Any]) -> bytes:
    """Return the table of the runs of the repository around a contents path, as ``jvs run list --csv`` prints it."""
    runs = root.place(path).repository.runs
    names = [name for given in query["columns"] or () for name in given.split(",") if name]
    table = runs.rows(
        names or None,
        where=query["where"] or (),
        text=query["q"],
        sort=query["sort"],
        unreadable=[],
    )
    return table.to_csv().encode("utf-8", "backslashreplace")


def compared(root: Root, path: str, names: Sequence[str]) -> dict[str, Any]:
    """Return how runs differ, as ``jvs run compare --json`` does; of the files of each kind the first 1,000."""
    repository = root.place(path).repository
    if len(names) > 2:
        return comparison.of_many(repository, names)
    one, two = (comparison.whole(repository, name) for name in names)
    changes = repository.compare(comparison.after(one), comparison.after(two))
    value = comparison.of_two(repository, one, two, changes)
    cut = {kind: list(value[kind])[:_FILES_LISTED] for kind in ("added", "modified", "removed")}
    truncated = any(len(value[kind]) > _FILES_LISTED for kind in cut)
    return {**value, **cut, "truncated": truncated}


def _bounded(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as a list shows it: of what is beyond all reason only the beginning, which ``truncated`` says."""
    if len(encode(record)) <= _LONGEST_RECORD:
        return record
    cut = {name: _cut(value) for name, value in record.items()}
    return {**cut, "progress": record["progress"], "truncated": True}  # that is bounded by itself


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:_SHOWN]: _short(item) for key, item in list(value.items())[:_SHOWN]}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value[:_SHOWN]]
    return _short(value)


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else encode(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _seen(place: Place, run: str) -> dict[str, Any]:
    runs = place.repository.runs
    return runs.seen(runs.get(run)).to_json()


def works_of(root: Root, path: str) -> dict[str, Any]:
    """Return what was run in the repository around a contents path; records that cannot be read are left out."""
    return {"items": [work.to_json() for work in root.place(path).repository.runs.works(unreadable=[])]}


def page_of(root: Root, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """Return one page of the runs of the repository around a contents path, and how many there are on all pages.

    The cursor is the last run of the page before and how many came up to it: where that run has another place by now, or
    is gone, this goes on there, and rather shows one twice than leaves one out.
    """
    runs = root.place(path).repository.runs
    start, last = _start(query["after"])
    unreadable: list[str] = []
    limit = query["limit"]
    if not _chooses(query):
        ids = runs.ids()
        start = next((at for at, run_id in enumerate(ids) if run_id < last), len(ids)) if last else 0
        shown, total = runs.find(skip=start, limit=limit, unreadable=unreadable), len(ids)
    else:
        found = runs.find(
            where=query["where"] or (),
            text=query["q"],
            sort=query["sort"],
            together=query["group"] == "sweep",
            unreadable=unreadable,
        )
        if start and not (start <= len(found) and found[start - 1].run_id == last):
            start = next((at + 1 for at, run in enumerate(found) if run.run_id == last), start - 1)
        shown, total = found[start : start + limit], len(found)
    end = start + limit
    following = cursor(f"{end} {shown[-1].run_id}") if shown and end < total else None
    return {
        "items": [_bounded(runs.seen(run).to_json()) for run in shown],
        "next": following,
        "total": total,
        "unreadable": unreadable,
    }


def _chooses(query: dict[str, Any]) -> bool:
    """Return whether answering takes a look at every run."""
    return bool(query["where"] or query["q"] or query["sort"] or query["group"])


def _start(after: str | None) -> tuple[int, str]:
    """Return how many runs came before, and the last of them."""
    if after is None:
        return 0, ""
    number, _, last = key_of(after).partition(" ")
    return (int(number), last) if number.isascii() and number.isdigit() and len(number) < 10 else (0, "")
