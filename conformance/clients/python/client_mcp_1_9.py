"""The Python SDK `mcp` 1.9.4: what an application of mid-2025 still runs, on revision 2025-03-26."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version

import asking
from asking import Person
from checks import Driver, Refused, Report, Target, run
from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from pydantic import AnyUrl


class SdkDriver(Driver):
    def __init__(self, session: ClientSession, revision: str, person: Person | None) -> None:
        self.session = session
        self.person = person
        self.revision = revision

    async def list_tools(self) -> list[str]:
        return [tool.name for tool in await pages(self.session.list_tools, "tools")]

    async def call(self, name: str, arguments: dict[str, object]) -> tuple[str, bool]:
        with refusals():
            result = await self.session.call_tool(name, arguments)
        return result.content[0].text, bool(result.isError)

    async def call_with_progress(self, name: str, arguments: dict[str, object], seen: list[float]) -> None:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            seen.append(progress)

        with refusals():
            await self.session.call_tool(name, arguments, progress_callback=note)

    async def call_and_cancel(self, name: str, arguments: dict[str, object], after_s: float) -> None:
        # This version tells the server nothing when a call is given up, so the notification is sent by hand.
        request_id = self.session._request_id
        calling = asyncio.create_task(self.session.call_tool(name, arguments))
        await asyncio.sleep(after_s)
        params = types.CancelledNotificationParams(requestId=request_id, reason="changed my mind")
        note = types.CancelledNotification(method="notifications/cancelled", params=params)
        await self.session.send_notification(types.ClientNotification(note))
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)

    async def list_resources(self) -> list[str]:
        return [str(resource.uri) for resource in await pages(self.session.list_resources, "resources")]

    async def list_templates(self) -> list[str]:
        found = await pages(self.session.list_resource_templates, "resourceTemplates")
        return [template.uriTemplate for template in found]

    async def read(self, uri: str) -> str:
        with refusals():
            return (await self.session.read_resource(AnyUrl(uri))).contents[0].text

    async def list_prompts(self) -> list[str]:
        return [prompt.name for prompt in await pages(self.session.list_prompts, "prompts")]

    async def get_prompt(self, name: str, arguments: dict[str, str]) -> int:
        with refusals():
            return len((await self.session.get_prompt(name, arguments)).messages)

    async def complete_prompt(self, prompt: str, argument: str, typed: str) -> list[str]:
        reference = types.PromptReference(type="ref/prompt", name=prompt)
        with refusals():
            return (await self.session.complete(reference, {"name": argument, "value": typed})).completion.values

    async def ping(self) -> None:
        with refusals():
            await self.session.send_ping()


class refusals:
    """Turns the library's error into ours."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, McpError):
            raise Refused(error.error.code, error.error.message) from error


async def pages(method, field: str) -> list:
    found, cursor = [], None
    while True:
        with refusals():
            page = await method(cursor)
        found.extend(getattr(page, field))
        cursor = page.nextCursor
        if cursor is None:
            return found


def answering(person: Person) -> dict[str, object]:
    """The library's callbacks; it declares what there is a callback for, and knows no elicitation yet."""

    async def sample(context: object, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        said = types.TextContent(type="text", text=person.sample(params.messages[0].content.text))
        return types.CreateMessageResult(role="assistant", content=said, model=asking.MODEL)

    async def roots(context: object) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri=uri) for uri in asking.ROOTS])

    return {"sampling_callback": sample, "list_roots_callback": roots}


@asynccontextmanager
async def connect(target: Target, person: Person | None = None):
    if target.transport == "stdio":
        streams = stdio_client(StdioServerParameters(command=target.command[0], args=target.command[1:]))
    elif target.transport == "sse":
        streams = sse_client(target.url)
    else:
        streams = streamablehttp_client(target.url)
    callbacks = answering(person) if person else {}
    async with streams as (read_stream, write_stream, *_), ClientSession(read_stream, write_stream, **callbacks) as session:
        answer = await session.initialize()
        yield SdkDriver(session, str(answer.protocolVersion), person)


async def main() -> None:
    target, report = Target(sys.argv[1:]), Report()
    label = f"mcp {version('mcp')} {target.transport} 2025-03-26"
    await run(report, label, connect(target), "2025-03-26")
    await run(report, f"{label}, answering", connect(target, Person()), "2025-03-26", asking.CHECKS)
    report.done()


if __name__ == "__main__":
    asyncio.run(main())
