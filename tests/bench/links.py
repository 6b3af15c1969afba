"""What Python costs in a snapshot after few changes: ``python -m tests.bench.links FOLDER [FILES]``.

Prints as JSON the processor time in ms, median and least of fifteen, in one process each, of the same system calls by JVS and
by thirty lines of C (``cc`` must be installed): the walk, a link to each file of the snapshot before, and two looks at it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from jvs_core import Repository
from jvs_core.payload.copy.linking import LinkJob, batches
from jvs_core.payload.copy.replication import make_folders
from jvs_core.payload.tree.entry import FILE
from jvs_core.payload.tree.walk import scan
from tests.bench.start import here, process, repository

_LINKS = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW, differing;
static void again(int from, int old, int new) {
    DIR *folder = fdopendir(from);
    struct dirent *e;
    struct stat seen, made, now;
    while ((e = readdir(folder))) {
        const char *n = e->d_name;
        if (!strcmp(n, ".") || !strcmp(n, "..") || fstatat(from, n, &seen, AT_SYMLINK_NOFOLLOW)) continue;
        if (S_ISDIR(seen.st_mode)) {
            mkdirat(new, n, 0700);
            int to = openat(new, n, flags), at = openat(old, n, flags);
            again(openat(from, n, flags), at, to);
            close(at), close(to);
        } else if (linkat(old, n, new, n, 0) || fstatat(new, n, &made, AT_SYMLINK_NOFOLLOW) ||
                   fstatat(from, n, &now, AT_SYMLINK_NOFOLLOW) || now.st_ctime != seen.st_ctime ||
                   made.st_size != now.st_size || made.st_mtime != now.st_mtime)
            differing++;
    }
    closedir(folder);
}
int main(int argc, char **argv) {
    mkdir(argv[3], 0700);
    again(open(argv[1], flags), open(argv[2], flags), open(argv[3], flags));
    return differing != 0;
}
"""


def main(folder: Path, files: int) -> None:
    """Measure and print it."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        repo = repository(place / "repository", files)
        worktree, target = repo.root / "main", place / "target"
        payload = _payload(repo)
        (place / "links.c").write_text(_LINKS)
        program = place / "links"
        subprocess.run(["cc", "-O2", "-o", program, program.with_suffix(".c")], check=True)

        def clear() -> None:
            shutil.rmtree(target, ignore_errors=True)

        found = {
            "walk, links and looks of JVS": here(lambda: _link(worktree, payload, target), clear),
            "the same in C": process([str(program), str(worktree), str(payload), str(target)], before=clear),
        }
    print(json.dumps(found, indent=2))


def _payload(repo: Repository) -> Path:
    head = repo.status().head_snapshot_id
    assert head is not None
    return repo.root / ".jvs" / "snapshots" / head / "payload"


def _link(worktree: Path, payload: Path, target: Path) -> None:
    found = scan(worktree)
    target.mkdir(mode=0o700)
    make_folders(target, found.entries)
    job = LinkJob(*map(os.fsencode, (worktree, target, payload)))
    chosen = [position for position, entry in enumerate(found.entries) if entry.kind == FILE]
    with job.open() as work:
        for batch in batches(found.entries, found.stamps, {}, chosen):
            assert work(batch) == []


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20_000)
