"""The Python SDK `mcp` 2.x, in both eras: the initialize handshake, and the probe that finds 2026-07-28.

It drives `input_required` itself. Tasks it leaves to extensions of its client, so `tasks_mcp.py` is one.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
import asking
import mcp_types as types
import tasks
from asking import Person
from checks import Driver, Refused, Report, Target, run
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.sse import sse_client
from tasks_mcp import Tasks, TasksExtension


class SdkDriver(Driver):
    def __init__(self, client: Client, person: Person | None) -> None:
        self.client = client
        self.person = person
        self.tasks = Tasks(client.session, person)
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

    async def start_task(self, name: str, arguments: dict[str, object]) -> str:
        with refusals():
            return await self.tasks.start(name, arguments)

    async def task_status(self, task: str) -> str:
        with refusals():
            return (await self.tasks.get(task)).status

    async def task_text(self, task: str) -> str:
        with refusals():
            return await self.tasks.text(task)

    async def cancel_task(self, task: str) -> None:
        with refusals():
            await self.tasks.cancel(task)


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


def answering(person: Person) -> dict[str, object]:
    """The library's callbacks; it declares what there is a callback for."""

    async def elicit(context: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        is_form = isinstance(params, types.ElicitRequestFormParams)
        about = list(params.requested_schema["properties"]) if is_form else [params.url]
        action, content = person.answer(params.message, about)
        return types.ElicitResult(action=action, content=content)

    async def sample(context: object, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        said = types.TextContent(type="text", text=person.sample(params.messages[0].content.text))
        return types.CreateMessageResult(role="assistant", content=said, model=asking.MODEL)

    async def roots(context: object) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri=uri) for uri in asking.ROOTS])

    return {"elicitation_callback": elicit, "sampling_callback": sample, "list_roots_callback": roots}


@asynccontextmanager
async def connect(target: Target, mode: str, person: Person | None = None, **settings: object):
    server = target.url
    if target.transport == "stdio":
        server = StdioServerParameters(command=target.command[0], args=target.command[1:])
    elif target.transport == "sse":
        server = sse_client(target.url)
    callbacks = answering(person) if person else {}
    async with Client(server, mode=mode, **callbacks, **settings) as client:
        yield SdkDriver(client, person)


async def main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)
    target, report = Target(sys.argv[1:]), Report()
    modes = [("legacy", "2025-11-25"), ("auto", "2026-07-28")]
    for mode, revision in modes[:1] if target.transport == "sse" else modes:
        label = f"mcp {version('mcp')} {target.transport} {revision}"
        await run(report, label, connect(target, mode), revision)
        await run(report, f"{label}, answering", connect(target, mode, Person()), revision, asking.CHECKS)
        if mode == "auto":
            knowing = connect(target, mode, Person(), extensions=[TasksExtension()])
            await run(report, f"{label}, with tasks", knowing, revision, tasks.CHECKS)
    report.done()


if __name__ == "__main__":
    asyncio.run(main())
