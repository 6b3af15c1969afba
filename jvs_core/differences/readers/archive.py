"""Archives, by listing: zip with its checksums, tar by sizes and times. Nothing is unpacked to a file."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from typing import BinaryIO, Literal, NamedTuple

from jvs_core.differences.bounds import MB, Notes, Unreadable
from jvs_core.differences.model import ArchiveDetail, MemberChange
from jvs_core.differences.unpacking import PACKED_ERRORS, Unpacked, packing
from jvs_core.differences.version import Version
from jvs_core.wording import counted

_END = b"PK\x05\x06"
_LONGEST_END = 66_000
_LARGEST_DIRECTORY = 16 * MB
_BLOCK = 512
ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, struct.error, *PACKED_ERRORS)


class Member(NamedTuple):
    """What a listing says of one member: its unpacked size, and what tells whether its content is the same."""

    size: int
    mark: object


def read(old: Version | None, new: Version | None, notes: Notes) -> ArchiveDetail:
    """Return how an archive changed. Raises Unreadable for what is none."""
    kinds = {_kind(side) for side in (old, new) if side is not None}
    if len(kinds) > 1:
        raise Unreadable("the archive has another format now")
    kind = kinds.pop()
    listed = zip_members if kind == "zip" else tar_members
    before, after = ({} if side is None else listed(side, notes) for side in (old, new))
    changed = differing(before, after)
    if len(changed) > notes.bounds.members_shown:
        notes.stop(
            f"{counted(len(changed), 'member')} changed: the first {notes.bounds.members_shown:,} are shown"
        )
    return ArchiveDetail(
        format=kind,
        old_members=len(before),
        new_members=len(after),
        members=changed[: notes.bounds.members_shown],
        contents_compared=kind == "zip",
    )


def _kind(side: Version) -> Literal["zip", "tar"]:
    return "zip" if side.head(4)[:2] == b"PK" else "tar"


def differing(old: Mapping[str, Member], new: Mapping[str, Member]) -> list[MemberChange]:
    """Return the members that differ, by name."""
    return [
        MemberChange(
            path=path,
            change="added" if path not in old else "removed" if path not in new else "changed",
            old_size=old[path].size if path in old else None,
            new_size=new[path].size if path in new else None,
        )
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    ]


def zip_members(side: Version, notes: Notes) -> dict[str, Member]:
    """Return the members of a zip file, by name. Raises Unreadable."""
    with opened_zip(side, notes) as file:
        infos = file.infolist()
        if len(infos) > notes.bounds.members:
            notes.stop(
                f"it has {counted(len(infos), 'member')}: the first {notes.bounds.members:,} are compared"
            )
        return {info.filename: Member(info.file_size, info.CRC) for info in infos[: notes.bounds.members]}


def opened_zip(side: Version, notes: Notes) -> zipfile.ZipFile:
    """Open a zip file whose directory is of a size that can be read. Raises Unreadable."""
    stream = side.sought(notes.bounds.sought)
    try:
        _require_small_directory(stream, side.side.size)
        stream.seek(0)
        return zipfile.ZipFile(stream)
    except ZIP_ERRORS as error:
        stream.close()
        raise Unreadable(f"it is not a zip file: {str(error)[:200]}") from None
    except Unreadable:
        stream.close()
        raise


def _require_small_directory(stream: BinaryIO, size: int) -> None:
    stream.seek(max(size - _LONGEST_END, 0))
    tail = stream.read(_LONGEST_END)
    at = tail.rfind(_END)
    if at < 0:
        raise Unreadable("it is not a zip file")
    (directory,) = struct.unpack_from("<I", tail, at + 12)
    if directory > _LARGEST_DIRECTORY:
        raise Unreadable("its directory is too long")


def tar_members(side: Version, notes: Notes) -> dict[str, Member]:
    """Return the members of a tar file, packed or not, by name. Raises Unreadable."""
    how = packing(side.head(16))
    found: dict[str, Member] = {}
    with side.opened() if how else side.sought(notes.bounds.sought) as stream:
        source = io.BufferedReader(Unpacked(stream, how, notes.bounds.unpacked)) if how else stream
        try:
            with tarfile.open(fileobj=source, mode="r|" if how else "r:") as file:
                for member in file:
                    if len(found) >= notes.bounds.members:
                        notes.stop(f"its first {notes.bounds.members:,} members are compared")
                        break
                    name = member.name + ("/" if member.isdir() else "")
                    found[name] = Member(member.size, (member.type, member.mtime, member.linkname))
                    file.__dict__["members"] = []  # else it keeps them all
        except Unreadable as error:
            notes.stop(f"{error}: only its first {counted(len(found), 'member is', 'members are')} compared")
        except (tarfile.TarError, *PACKED_ERRORS) as error:
            raise Unreadable(f"it is not a tar file: {str(error)[:200]}") from None
        except (RecursionError, MemoryError, OverflowError):
            raise Unreadable("it is not a tar file") from None
    return {os.fsdecode(os.fsencode(name)): member for name, member in found.items()}
