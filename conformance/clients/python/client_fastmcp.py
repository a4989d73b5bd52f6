"""The FastMCP client, in both eras. It sits on the SDK, yet pages, caches and parses results its own way.

Tasks come with `fastmcp-tasks`, of 2026-07-28 alone; importing it makes every client declare them.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version

import asking
import mcp_types as types
import tasks
from asking import Person
from checks import Driver, Refused, Report, Target, run
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp_tasks import ToolTask, call_tool_task
from fastmcp_tasks.client_models import ClientGetTaskResult, GetTaskRequest, GetTaskRequestParams
from mcp import MCPError


class FastMcpDriver(Driver):
    def __init__(self, client: Client, person: Person | None) -> None:
        self.client = client
        self.person = person
        self.tasks: dict[str, ToolTask] = {}
        self.revision = client.protocol_version or "none"

    async def list_tools(self) -> list[str]:
        with refusals():
            return [tool.name for tool in await self.client.list_tools()]

    async def call(self, name: str, arguments: dict[str, object]) -> tuple[str, bool]:
        with refusals():
            result = await self.client.call_tool(name, arguments, raise_on_error=False)
        return result.content[0].text, result.is_error

    async def call_with_progress(self, name: str, arguments: dict[str, object], seen: list[float]) -> None:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            seen.append(progress)

        with refusals():
            await self.client.call_tool(name, arguments, progress_handler=note)

    async def call_and_cancel(self, name: str, arguments: dict[str, object], after_s: float) -> None:
        calling = asyncio.create_task(self.client.call_tool(name, arguments))
        await asyncio.sleep(after_s)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)

    async def list_resources(self) -> list[str]:
        with refusals():
            return [str(resource.uri) for resource in await self.client.list_resources()]

    async def list_templates(self) -> list[str]:
        with refusals():
            return [template.uri_template for template in await self.client.list_resource_templates()]

    async def read(self, uri: str) -> str:
        with refusals():
            return (await self.client.read_resource(uri))[0].text

    async def list_prompts(self) -> list[str]:
        with refusals():
            return [prompt.name for prompt in await self.client.list_prompts()]

    async def get_prompt(self, name: str, arguments: dict[str, str]) -> int:
        with refusals():
            return len((await self.client.get_prompt(name, arguments)).messages)

    async def complete_prompt(self, prompt: str, argument: str, typed: str) -> list[str]:
        reference = types.PromptReference(name=prompt)
        with refusals():
            return (await self.client.complete(reference, {"name": argument, "value": typed})).values

    async def ping(self) -> None:
        with refusals():
            await self.client.ping()

    async def start_task(self, name: str, arguments: dict[str, object]) -> str:
        with refusals():
            task = await call_tool_task(self.client, name, arguments)
        self.tasks[task.task_id] = task
        return task.task_id

    async def task_status(self, task: str) -> str:
        # Not by the handle, for a check asks about a task that nobody made.
        request = GetTaskRequest(params=GetTaskRequestParams(task_id=task))
        with refusals():
            return (await self.client.session.send_request(request, ClientGetTaskResult)).status

    async def task_text(self, task: str) -> str:
        with refusals():
            return (await self.tasks[task].result()).content[0].text

    async def cancel_task(self, task: str) -> None:
        with refusals():
            await self.tasks[task].cancel()


class refusals:
    """Turns the library's error into ours."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MCPError):
            raise Refused(error.code, error.message) from error


def answering(person: Person) -> dict[str, object]:
    """The library's handlers; it declares what there is a handler for."""

    async def elicit(message: str, kind: type | None, params: types.ElicitRequestParams, context: object) -> ElicitResult:
        is_form = isinstance(params, types.ElicitRequestFormParams)
        action, content = person.answer(message, list(params.requested_schema["properties"]) if is_form else [params.url])
        return ElicitResult(action=action, content=content)

    async def sample(messages: list[types.SamplingMessage], params: object, context: object) -> str:
        return person.sample(messages[0].content.text)

    return {"elicitation_handler": elicit, "sampling_handler": sample, "roots": asking.ROOTS}


@asynccontextmanager
async def connect(target: Target, mode: str, person: Person | None = None):
    if target.transport == "stdio":
        transport = StdioTransport(target.command[0], target.command[1:], keep_alive=False)
    else:
        transport = StreamableHttpTransport(target.url)
    handlers = answering(person) if person else {}
    async with Client(transport, mode=mode, **handlers) as client:
        yield FastMcpDriver(client, person)


async def main() -> None:
    logging.disable(logging.WARNING)
    target, report = Target(sys.argv[1:]), Report()
    for mode, revision in (("legacy", "2025-11-25"), ("auto", "2026-07-28")):
        label = f"fastmcp {version('fastmcp')} {target.transport} {revision}"
        await run(report, label, connect(target, mode), revision)
        await run(report, f"{label}, answering", connect(target, mode, Person()), revision, asking.CHECKS)
        if mode == "auto":
            await run(report, f"{label}, with tasks", connect(target, mode, Person()), revision, tasks.CHECKS)
    report.done()


if __name__ == "__main__":
    asyncio.run(main())
