"""The tools over the Model Context Protocol, on standard input and output."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import anyio
import anyio.to_thread
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ToolDescription
from pydantic import ValidationError

from jvs_core import JvsError, Repository, __version__
from jvs_jupyter.agents.bounds import bounded
from jvs_jupyter.agents.tools import Desk, Tool

INSTRUCTIONS = """\
Snapshots of one JVS repository at {root}. Take a snapshot before risky work; try things in a sandbox; restore makes a
new worktree and destroys nothing. Snapshots are named by id, unique prefix, ref, HEAD or HEAD~N,
by tag (tag:NAME) or by time (@2026-11-28T18:00, @yesterday, @2h: the newest taken then or before)."""


def build(
    repository: Repository, tools: Sequence[Tool[Any]], *, withheld: Mapping[str, str] = MappingProxyType({})
) -> Server[Any]:
    """Return a server that offers ``tools`` on ``repository`` and on nothing else.

    ``withheld`` are tools that are not, each with the option of ``jvs mcp`` that offers it. A refusal is a tool result
    with ``isError`` whose structured content is the command line's error object.
    """
    known = {tool.name: tool for tool in tools}

    async def list_tools(
        _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_describe(tool) for tool in tools])

    async def call_tool(_context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        tool = known.get(params.name)
        if params.name in withheld:
            return _refused(
                "E_USAGE",
                f"the tool {params.name!r} is not offered: it changes files that exist",
                f"start the server with: jvs mcp {withheld[params.name]}",
            )
        if tool is None:
            return _refused("E_USAGE", f"no tool {params.name!r}", "one of: " + ", ".join(known))
        try:
            given = tool.arguments.model_validate_json(json.dumps(params.arguments or {}))
        except ValidationError as error:
            return _refused("E_USAGE", _first(error), f"see the input schema of {tool.name}")
        desk = Desk(repository, threading.Event())
        try:
            answer = await anyio.to_thread.run_sync(partial(tool.call, desk, given), abandon_on_cancel=True)
        except JvsError as error:
            return _refused(error.code, error.message, error.hint)
        except anyio.get_cancelled_exc_class():
            desk.cancelled.set()
            raise
        return _answer(answer)

    return Server(
        "jvs",
        version=__version__,
        title="JVS",
        instructions=INSTRUCTIONS.format(root=repository.root),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def serve(repository: Repository, tools: Sequence[Tool[Any]], *, withheld: Mapping[str, str]) -> None:
    """Serve until standard input ends. See ``build``."""

    async def run() -> None:
        server = build(repository, tools, withheld=withheld)
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(run)


def _describe(tool: Tool[Any]) -> ToolDescription:
    return ToolDescription(
        name=tool.name,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        annotations=ToolAnnotations(
            read_only_hint=tool.reads, destructive_hint=tool.destroys, open_world_hint=tool.name == "sandbox"
        ),
    )


def _answer(value: dict[str, Any], *, is_error: bool = False) -> CallToolResult:
    text = json.dumps(bounded(value), indent=2, ensure_ascii=True)
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=json.loads(text), is_error=is_error
    )


def _refused(code: str, message: str, hint: str | None) -> CallToolResult:
    return _answer({"error": {"code": code, "message": message, "hint": hint}}, is_error=True)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'arguments'}: {first['msg']}"
