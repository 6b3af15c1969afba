"""Write the reference pages that are made from the code, and the measured figures that other pages quote.

``python docs/generate.py`` writes them, ``--check`` only says which ones are not up to date (exit status 1).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import interfaces
import manual
import measured
import schemas
from pydantic import TypeAdapter

from jvs_core.cli.main import build
from jvs_core.conformance import requirements
from jvs_core.differences.model import Differences
from jvs_core.errors import error_classes
from jvs_core.operations.findings import kinds
from jvs_jupyter.server.specification import document
from jvs_magics.call import COMMANDS
from jvs_magics.magics import JvsMagics

_KINDS = ("xfs", "btrfs", "ext4", "juicefs")
DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"
MANUAL = DOCS / "man"
EXPLANATIONS = DOCS.parent / "jvs_core/cli/explanations.md"
_QUOTING = ("../README.md", "index.md", "concepts/engines.md", "concepts/scale.md")
_MADE = "<!-- Made by docs/generate.py; do not edit. -->"
_MAGICS = """\
Load the magics with `%load_ext jvs_magics`. `%jvs COMMAND …` takes the commands and options of [`jvs`](cli.md), with these
differences:

- The answer is an object. Jupyter displays it. It has the attributes of the result (`made.snapshot_id`) and `to_json()`.
  With `--json` you get plain Python lists and dictionaries.
- A command that changes the worktree takes the worktree's lock for that operation, and releases it afterwards. If another
  session holds the lock, the command waits up to 10 s. `%jvs lock acquire` keeps the lock and renews it until
  `%jvs lock release` or the end of the kernel.
- A snapshot is `quiesced` if no file changes. Otherwise JVS takes it again as `best_effort`, and names the files.
- With a snapshot, JVS keeps the cells that ran since the last one. `%jvs show HEAD --cells` displays them. JVS leaves out
  cells that begin with `# jvs: private`. It does not capture the kernel's memory. It also does not see unsaved edits of a
  notebook, because these are only in the browser.
- An in-place restore needs `--force` and `--reason`, because JVS does not ask in a notebook.
- If you make a mistake, the error is one line: `UsageError: CODE: what happened (hint: what to run)`.

`%%jvs NOTE` on a cell takes a snapshot, runs the cell and takes another snapshot. Both have the tag `cell-N` (N is the
execution count). The second also has the tag `after-ID` with the id of the first, and the tag `failed` if the cell raised
an exception.

`$name` and `{expression}` insert the values of Python variables. A value stays unchanged and within its word: quotes and
spaces in it have no special meaning, and it never becomes an option. The note of `%%jvs` needs no quotes: `%%jvs don't`."""


def pages() -> dict[Path, str]:
    """Return the generated pages, and those with generated parts."""
    made = {
        "cli.md": commands_page(),
        "errors.md": errors_page(),
        "conformance.md": conformance_page(),
        "doctor.md": doctor_page(),
        "magics.md": magics_page(),
        "python.md": _page(interfaces.python_page()),
        "configuration.md": _page(interfaces.configuration_page()),
        "rest-api.md": rest_page(),
        "difference.schema.json": difference_schema(),
        "json.md": _page(schemas.page()),
    }
    manuals = {MANUAL / name: text for name, text in manual.manual_pages().items()}
    printed = {DOCS.parent / "jvs_core/schemas" / name: text for name, text in schemas.files().items()}
    quoting = {DOCS / name: measured.filled((DOCS / name).read_text(encoding="utf-8")) for name in _QUOTING}
    explained = {DOCS / "guides/troubleshooting.md": f"{_MADE}\n\n{EXPLANATIONS.read_text(encoding='utf-8')}"}
    return {
        **{REFERENCE / name: text for name, text in made.items()},
        **manuals,
        **printed,
        **quoting,
        **explained,
    }


def _page(lines: Iterator[str]) -> str:
    return "\n".join([_MADE, "", *lines]).rstrip() + "\n"


def difference_schema() -> str:
    """Return the JSON schema of what ``compare --patch --json`` prints."""
    schema = TypeAdapter(Differences).json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def errors_page() -> str:
    """Return the page of all error codes."""
    rows = sorted(
        (error.exit_status, error.code, error.__name__, _first(error.__doc__)) for error in error_classes()
    )
    parts = _parts(EXPLANATIONS)
    lines = [
        _MADE,
        "",
        "# Errors",
        "",
        "Codes are never renamed or removed. In text mode an error is `jvs: CODE: what happened` and a hint on",
        'standard error. With `--json` it is `{"error": {"code", "message", "hint"}}` on standard output.',
        "Each code links to what you can do; `jvs explain CODE` prints it in your terminal. An error without a hint of its",
        "own has that as its hint.",
        "",
        "| exit status | code | class in `jvs_core.errors` | meaning |",
        "|---|---|---|---|",
        *(
            f"| {status} | [`{code}`](../guides/troubleshooting.md#{parts[code]}) | `{name}` | {meaning} |"
            for status, code, name, meaning in rows
        ),
        "",
        "If a signal ends a command, the exit status is as in a shell: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.",
        "The command releases its locks and leaves nothing half done. The exit status is 141 if the program that reads the",
        "output ends first. If the command cannot write its output (a full disk, a closed stdout), the error is `E_NO_SPACE`",
        "or `E_ENGINE_FAILED`. It appears on standard error, even with `--json`, and the message says what the command did.",
    ]
    return "\n".join(lines) + "\n"


def _parts(page: Path) -> dict[str, str]:
    """Return for each code in a page's headings the anchor of its part."""
    headings = [line[3:] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    return {
        code: heading.lower().replace(",", "").replace(" ", "-")
        for heading in headings
        for code in heading.split(", ")
    }


def doctor_page() -> str:
    """Return the page of all findings of ``jvs doctor``."""
    order = {"error": 0, "warning": 1, "info": 2}
    rows = sorted(kinds().values(), key=lambda kind: (order[kind.severity], kind.code, kind.meaning))
    lines = [
        _MADE,
        "",
        "# What `jvs doctor` finds",
        "",
        "`jvs doctor` changes nothing unless you ask for a repair. A finding of severity `error` makes the repository unhealthy",
        "(exit status 5). With `--strict` a `warning` does too. An `info` never does.",
        "",
        "`jvs doctor --repair ACTION` carries out one repair. `--repair-runtime` carries out `clean_tmp`, `clean_locks`,",
        "`clean_intents` and `finish_restore`. These are always safe, for example after a crash or a move.",
        "",
        "`payload_modes` repairs what `jvs verify` warns of: changed modes, owners, times, attributes and hard links in payloads.",
        "`jvs doctor` does not look for these changes, because that takes as long as `jvs verify`.",
        "",
        "No repair deletes the only copy of anything. The audit log has each repair that changed something. If you run the same",
        "repair again, it finds nothing to do.",
        "",
        "| code | severity | what doctor found | repair | what the repair does, or what you can do |",
        "|---|---|---|---|---|",
        *(
            f"| `{kind.code}` | {kind.severity} | {kind.meaning} | {f'`{kind.repair}`' if kind.repair else '–'} | {kind.action} |"
            for kind in rows
        ),
    ]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Return the page of all commands with their options."""
    lines = [_MADE, "", "# The `jvs` command", "", *_help(build(), "jvs")]
    return "\n".join(lines).rstrip() + "\n"


def magics_page() -> str:
    """Return the page of the magics: the shared commands, those of notebooks only, and the options."""
    tree = build(COMMANDS)
    context = click.Context(tree, info_name="jvs")
    shared = [name for name in tree.list_commands(context) if name not in COMMANDS]
    lines = [
        _MADE,
        "",
        "# The `%jvs` magics",
        "",
        _MAGICS,
        "",
        "## Commands",
        "",
        "| magic | does |",
        "|---|---|",
    ]
    for name in shared:
        command = tree.get_command(context, name)
        line = command.get_short_help_str(limit=100) if command else ""
        lines.append(f"| [`%jvs {name}`](cli.md#jvs-{name}) | {line} |")
    lines += ["", *_own_magics(tree), "## Options", "", "| option | default | meaning |", "|---|---|---|"]
    for name, trait in sorted(JvsMagics.class_own_traits(config=True).items()):
        lines.append(f"| `%config JvsMagics.{name}` | `{trait.default_value!r}` | {trait.help} |")
    return "\n".join(lines) + "\n"


def _own_magics(tree: click.Group) -> Iterator[str]:
    root = click.Context(tree, info_name="%jvs")
    for name in COMMANDS:
        command = tree.get_command(root, name)
        if command is not None:
            yield from _help(command, name, root)


def conformance_page() -> str:
    """Return the page of all requirements and of the faults that were tried."""
    rows = [
        f"| `{found.id}` | {found.title} | {'dev, release' if found.profile == 'dev' else 'release'} |"
        for found in requirements()
    ]
    lines = [
        _MADE,
        "",
        "# Conformance",
        "",
        "`jvs conformance run` checks a file system, and JVS on it, against these requirements. It works in a temporary",
        "folder beside `.jvs` (outside a repository: in the current folder). It removes that folder and changes nothing else.",
        "A requirement is met (`PASS`), is not met (`FAIL`, with what was found instead), or does not apply (`SKIP`, with the",
        "reason). The exit status is 5 if a requirement is not met. The profile `dev` takes seconds; `release` also tries the",
        "requirements that take longer.",
        "",
        "| requirement | what must hold | profiles |",
        "|---|---|---|",
        *rows,
        "",
        "## Faults tried",
        "",
        *_faults(),
    ]
    return "\n".join(lines) + "\n"


def _faults() -> Iterator[str]:
    """Yield the table of the faults that the crash tests counted in ``faults.json``."""
    path = REFERENCE / "faults.json"
    counts: dict[str, dict[str, int]] = json.loads(path.read_text()) if path.exists() else {}
    if not counts:
        yield "`tests/crash/` tries them; its counts have not been recorded yet."
        return
    kinds = [kind for kind in _KINDS if any(kind in tried for tried in counts.values())]
    kinds += sorted({kind for tried in counts.values() for kind in tried} - set(kinds))
    yield "The table says how often `tests/crash/` tried each fault on each file system. After every fault, all visible"
    yield "snapshots verify, and nothing unfinished is visible. `jvs doctor` repairs what the fault left, and no byte of the"
    yield "user is lost."
    yield ""
    yield f"| fault | {' | '.join(kinds)} |"
    yield f"|---|{'---:|' * len(kinds)}"
    for fault, tried in sorted(counts.items()):
        yield f"| {fault} | {' | '.join(f'{tried.get(kind, 0):,}' if tried.get(kind) else '–' for kind in kinds)} |"


def _help(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    yield from (f"## `{context.command_path}`", "", "```text", command.get_help(context).rstrip(), "```", "")
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _help(found, child, context)


def _first(docstring: str | None) -> str:
    return (docstring or "").strip().splitlines()[0]


def rest_page() -> str:
    """Return the page of the REST interface, from its OpenAPI file."""
    described = document()
    lines = [
        _MADE,
        "",
        "# REST interface",
        "",
        f"Below `{described['servers'][0]['url']}` of a Jupyter server with the JVS extension. The OpenAPI 3.1 file is",
        "`jvs_jupyter/server/openapi.yaml` in the package.",
        "",
        described["info"]["description"].rstrip(),
        "",
    ]
    for path, item in described["paths"].items():
        for method in ("get", "head", "post", "patch", "delete"):
            if method in item:
                lines += _rest_operation(method, path, item)
    lines += ["## Objects", ""]
    for name, schema in described["components"]["schemas"].items():
        lines += _rest_schema(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def _rest_operation(method: str, path: str, item: dict[str, Any]) -> Iterator[str]:
    operation = item[method]
    yield from (f"## `{method.upper()} {path}`", "", f"{operation['summary']}.", "")
    if "description" in operation:
        yield from (operation["description"].rstrip(), "")
    parameters = [_target(given) for given in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    if parameters:
        yield from ("| parameter | in | | meaning |", "|---|---|---|---|")
        for given in parameters:
            required = " (required)" if given.get("required") else ""
            meaning = " ".join(given.get("description", "").split())
            yield f"| `{given['name']}`{required} | {given['in']} | {_kind(given['schema'])} | {meaning} |"
        yield ""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        yield from (f"Body: {_kind(body['schema'])}.", "")
    for status, response in operation["responses"].items():
        if status == "default":
            continue
        found = _target(response)
        content = next(iter(found.get("content", {}).values()), {}).get("schema")
        what = f": {_kind(content)}" if content else ""
        yield f"- {status}: {found['description']}{what}"
    yield ""


def _rest_schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    parts = schema.get("allOf", [schema])
    properties = [(part, field) for part in parts for field in part.get("properties", {})]
    if not properties:
        return
    yield from (f"### {name}", "")
    if "description" in schema:
        yield from (schema["description"], "")
    above = [_kind(part) for part in parts if "$ref" in part]
    if above:
        yield from (f"All of {' and '.join(above)}, and:", "")
    yield from ("| field | | meaning |", "|---|---|---|")
    for part, field in properties:
        described = part["properties"][field]
        required = (
            " (required)" if field in part.get("required", ()) and "additionalProperties" in part else ""
        )
        meaning = described.get("description", "")
        yield f"| `{field}`{required} | {_kind(described)} | {meaning} |"
    yield ""


def _kind(schema: dict[str, Any]) -> str:
    """Return a schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = document()["components"]["schemas"][name]
        is_object = "properties" in target or "allOf" in target
        return f"[{name}](#{name.lower()})" if is_object else _kind(target)
    if "oneOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["oneOf"])
    if "enum" in schema:
        return _default(schema, ", ".join(f"`{word}`" for word in schema["enum"]))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kinds = schema.get("type", "anything")
    if kinds == "array":
        return f"list of {_kind(schema['items'])}"
    text = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if "minimum" in schema and "maximum" in schema:
        text = f"{text}, {schema['minimum']} to {schema['maximum']}"
    return _default(schema, text)


def _default(schema: dict[str, Any], text: str) -> str:
    return f"{text}; `{json.dumps(schema['default'])}`" if "default" in schema else text


def _target(value: dict[str, Any]) -> dict[str, Any]:
    found: Any = document() if "$ref" in value else value
    for part in value["$ref"].removeprefix("#/").split("/") if "$ref" in value else ():
        found = found[part]
    return dict(found)


def main(arguments: list[str]) -> int:
    """Write or check the pages."""
    stale = {path: text for path, text in pages().items() if not _is_current(path, text)}
    for path, text in stale.items():
        if "--check" in arguments:
            name = path.resolve().relative_to(DOCS.resolve().parent)
            sys.stderr.write(f"{name} is not up to date: run python docs/generate.py\n")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for page in set(MANUAL.glob("*")) - set(pages()):
        stale[page] = ""
        if "--check" in arguments:
            sys.stderr.write(f"docs/man/{page.name} is of no command: run python docs/generate.py\n")
        else:
            page.unlink()
    return 1 if stale and "--check" in arguments else 0


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
