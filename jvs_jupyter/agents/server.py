"""The tools over the Model Context Protocol, on standard input and output."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ToolDescription
from pydantic import ValidationError

from jvs_core import JvsError, Repository, __version__
from jvs_jupyter.agents import resources
from jvs_jupyter.agents.bounds import bounded
from jvs_jupyter.agents.calls import Calls
from jvs_jupyter.agents.tool import Desk, Tool
from jvs_jupyter.server.progress import Cancelled, Receiver

R = TypeVar("R")
_TELL_EVERY_S = 0.25
INSTRUCTIONS = """\
Snapshots of one JVS repository at {root}. Take a snapshot before risky work; try things in a sandbox; restore makes a
new worktree, or with path copies one file to a place where nothing is, and destroys nothing. Look into files with ls and read.
Snapshots are named by id, unique prefix, ref, HEAD or HEAD~N, by tag (tag:NAME) or by time (@2026-11-28T18:00,
@yesterday, @2h: the newest taken then or before)."""


def build(
    repository: Repository,
    tools: Sequence[Tool[Any]],
    calls: Calls,
    *,
    withheld: Mapping[str, str] = MappingProxyType({}),
) -> Server[Any]:
    """Return a server that offers ``tools`` on ``repository`` and on nothing else. ``calls`` must be finished at its end.

    ``withheld`` are tools that are not, each with the option of ``jvs mcp`` that offers it. A refusal is a tool result
    with ``isError`` whose structured content is the command line's error object.
    """
    known = {tool.name: tool for tool in tools}

    async def list_tools(
        _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_describe(tool) for tool in tools])

    async def call_tool(context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
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
        return await _called(context, repository, calls, tool, given)

    async def list_resources(
        _context: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        return await _asked(partial(resources.listing, repository, params.cursor if params else None))

    async def list_templates(
        _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=[resources.TEMPLATE])

    async def read_resource(
        _context: ServerRequestContext[Any], params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        return await _asked(partial(resources.reading, repository, params.uri))

    return Server(
        "jvs",
        version=__version__,
        title="JVS",
        instructions=INSTRUCTIONS.format(root=repository.root),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


def serve(server: Server[Any]) -> None:
    """Serve on standard input and output until the input ends."""

    async def run() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(run)


async def _called(
    context: ServerRequestContext[Any], repository: Repository, calls: Calls, tool: Tool[Any], given: Any
) -> CallToolResult:
    """Carry one call out in a thread, tell how far it is meanwhile, and have it end when it is cancelled."""
    receiver = Receiver(lambda: None)
    desk = Desk(repository, receiver, receiver.leaving)
    result: CallToolResult | None = None
    async with anyio.create_task_group() as meanwhile:
        meanwhile.start_soon(_tell, context, receiver)
        try:
            call = partial(calls.carry_out, partial(tool.call, desk, given))
            result = _answer(await anyio.to_thread.run_sync(call, abandon_on_cancel=True))
        except JvsError as error:
            result = _refused(error.code, error.message, error.hint)
        except Cancelled:
            result = _refused("E_CANCELLED", f"{tool.name} was cancelled and left nothing", None)
        except anyio.get_cancelled_exc_class():
            receiver.cancel()
            raise
        finally:
            meanwhile.cancel_scope.cancel()
    assert result is not None
    return result


async def _tell(context: ServerRequestContext[Any], receiver: Receiver) -> None:
    """Send what is done, in entries or bytes of all steps so far, a few times a second, to a caller who asked for it."""
    last = 0
    while True:
        await anyio.sleep(_TELL_EVERY_S)
        now = receiver.to_json()
        if now is not None and receiver.all_done > last:
            last = receiver.all_done
            of = f" of {now['total']:,}" if now["total"] else ""
            await context.session.report_progress(last, None, f"{now['step']}: {now['done']:,}{of}")


async def _asked(ask: Callable[[], R]) -> R:
    """Answer a question about resources. Raises MCPError, as the protocol has it for them."""
    try:
        return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
    except JvsError as error:
        described = {"code": error.code, "message": error.message, "hint": error.hint}
        told = bounded({"error": described})
        raise MCPError(INVALID_PARAMS, told["error"]["message"], told) from error


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
        content=[TextContent(type="text", text=text)],
        structured_content=_sendable(json.loads(text)),
        is_error=is_error,
    )


def _sendable(value: Any) -> Any:
    """Return a value with lone surrogates, of names that are not UTF-8, written out: the SDK can send none."""
    if isinstance(value, dict):
        return {key: _sendable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_sendable(part) for part in value]
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def _refused(code: str, message: str, hint: str | None) -> CallToolResult:
    return _answer({"error": {"code": code, "message": message, "hint": hint}}, is_error=True)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'arguments'}: {first['msg']}"
