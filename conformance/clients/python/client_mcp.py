"""The Python SDK `mcp` 2.x, in both eras: the initialize handshake, and the probe that finds 2026-07-28."""

from __future__ import annotations

import asyncio
import sys
import warnings
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
import mcp_types as types
from checks import Driver, Refused, Report, Target, run
from mcp import Client, MCPError, StdioServerParameters


class SdkDriver(Driver):
    def __init__(self, client: Client) -> None:
        self.client = client
        self.revision = client.protocol_version

    async def list_tools(self) -> list[str]:
        return [tool.name for tool in await pages(self.client.list_tools, "tools")]

    async def call(self, name: str, arguments: dict[str, object]) -> tuple[str, bool]:
        with refusals():
            result = await self.client.call_tool(name, arguments)
        return result.content[0].text, bool(result.is_error)

    async def call_with_progress(self, name: str, arguments: dict[str, object], seen: list[float]) -> None:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            seen.append(progress)

        with refusals():
            await self.client.call_tool(name, arguments, progress_callback=note)

    async def call_and_cancel(self, name: str, arguments: dict[str, object], after_s: float) -> None:
        with anyio.move_on_after(after_s):
            await self.client.call_tool(name, arguments)

    async def list_resources(self) -> list[str]:
        return [str(resource.uri) for resource in await pages(self.client.list_resources, "resources")]

    async def list_templates(self) -> list[str]:
        found = await pages(self.client.list_resource_templates, "resource_templates")
        return [template.uri_template for template in found]

    async def read(self, uri: str) -> str:
        with refusals():
            return (await self.client.read_resource(uri)).contents[0].text

    async def list_prompts(self) -> list[str]:
        return [prompt.name for prompt in await pages(self.client.list_prompts, "prompts")]

    async def get_prompt(self, name: str, arguments: dict[str, str]) -> int:
        with refusals():
            return len((await self.client.get_prompt(name, arguments)).messages)

    async def complete_prompt(self, prompt: str, argument: str, typed: str) -> list[str]:
        reference = types.PromptReference(name=prompt)
        with refusals():
            return (await self.client.complete(reference, {"name": argument, "value": typed})).completion.values

    async def ping(self) -> None:
        with refusals():
            await self.client.send_ping()


class refusals:
    """Turns the library's error into ours."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MCPError):
            raise Refused(error.code, error.message) from error


async def pages(method, field: str) -> list:
    found, cursor = [], None
    while True:
        with refusals():
            page = await method(cursor=cursor)
        found.extend(getattr(page, field))
        cursor = page.next_cursor
        if cursor is None:
            return found


@asynccontextmanager
async def connect(target: Target, mode: str):
    server = target.url
    if target.transport == "stdio":
        server = StdioServerParameters(command=target.command[0], args=target.command[1:])
    async with Client(server, mode=mode) as client:
        yield SdkDriver(client)


async def main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)
    target, report = Target(sys.argv[1:]), Report()
    for mode, revision in (("legacy", "2025-11-25"), ("auto", "2026-07-28")):
        label = f"mcp {version('mcp')} {target.transport} {revision}"
        await run(report, label, connect(target, mode), revision)
    report.done()


if __name__ == "__main__":
    asyncio.run(main())
