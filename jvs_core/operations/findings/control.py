"""Findings about the control folders, and about a check that could not be carried out."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

FOLDER_LOST = Kind(
    "E_FOLDER_MISSING",
    "error",
    "a control folder that is never empty is missing",
    None,
    "restore it from a backup",
)
FOLDER_MISSING = Kind(
    "W_FOLDER_MISSING",
    "info",
    "a control folder is missing; some ways of moving a repository lose empty folders",
    "clean_tmp",
    "creates it; so does the next command that needs it",
)
FOLDER_REPLACED = Kind(
    "E_FOLDER_REPLACED",
    "error",
    "something else, such as a symbolic link, is in the place of a control folder; JVS can write nothing",
    None,
    "put the folder back in its place",
)
CHECK_FAILED = Kind(
    "E_CHECK_FAILED",
    "error",
    "a check failed, so JVS does not know what else it would find",
    None,
    "repair what the message names, then run `jvs doctor` again",
)
CONFIG_MISSING = Kind(
    "W_CONFIG_MISSING",
    "warning",
    "`config.toml` is missing; defaults apply",
    None,
    "write a new one, or restore it from a backup",
)
LEFTOVER = Kind(
    "W_LEFTOVER",
    "warning",
    "a temporary file or folder that belongs to no running operation",
    "clean_tmp",
    "removes it",
)
KEPT_DAMAGED = Kind(
    "W_KEPT_DAMAGED",
    "warning",
    "the record of a kept copy of a file cannot be read, so JVS does not use the copy",
    None,
    "look at the file beside the record, then remove the folder with both of them",
)
