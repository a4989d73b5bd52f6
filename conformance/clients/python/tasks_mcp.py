"""Tasks of 2026-07-28 for the Python SDK `mcp` 2.x, which has none of its own: an extension of its client.

Every request goes through the SDK's session. Of 2025-11-25's tasks the SDK has the types, but its session takes no task
for the answer of a call.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import mcp_types as types
from asking import Person
from mcp import ClientSession
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from pydantic import Field

POLL_S = 0.02


class CreatedTask(types.Result):
    """What `tools/call` is answered with."""

    result_type: Literal["task"] = Field(alias="resultType")
    task_id: str = Field(alias="taskId")
    status: str


class TaskState(types.Result):
    """What `tasks/get` is answered with."""

    status: str
    result: dict[str, Any] | None = None
    input_requests: dict[str, Any] | None = Field(default=None, alias="inputRequests")


class TaskParams(types.RequestParams):
    """The parameters of every request about one task."""

    task_id: str = Field(serialization_alias="taskId")
    input_responses: dict[str, Any] | None = Field(default=None, serialization_alias="inputResponses")


class TaskRequest(types.Request[TaskParams, str]):
    """`tasks/get`, `tasks/update` and `tasks/cancel`."""

    params: TaskParams
    name_param = "taskId"


class TasksExtension(ClientExtension):
    """Declares that this client knows tasks, and lets the SDK take one for an answer."""

    identifier = "io.modelcontextprotocol/tasks"

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=CreatedTask, resolve=self.resolve)]

    async def resolve(self, created: CreatedTask, context: ClaimContext) -> types.CallToolResult:
        raise NotImplementedError("every task is asked for by `allow_claimed`")


class Tasks:
    """The tasks of one session."""

    def __init__(self, session: ClientSession, person: Person | None) -> None:
        self.session = session
        self.person = person

    async def start(self, name: str, arguments: dict[str, object]) -> str:
        return (await self.session.call_tool(name, arguments, allow_claimed=True)).task_id

    async def send(self, method: str, task: str, result: type[types.Result], **params: object) -> Any:
        request = TaskRequest(method=method, params=TaskParams(task_id=task, **params))
        return await self.session.send_request(request, result)

    async def get(self, task: str) -> TaskState:
        return await self.send("tasks/get", task, TaskState)

    async def cancel(self, task: str) -> None:
        await self.send("tasks/cancel", task, types.Result)

    async def text(self, task: str) -> str:
        """Wait for the end of a task, answering its questions."""
        while (state := await self.get(task)).status in ("working", "input_required"):
            if state.input_requests:
                await self.send("tasks/update", task, types.Result, input_responses=self.answers(state.input_requests))
            await asyncio.sleep(POLL_S)
        return types.CallToolResult.model_validate(state.result).content[0].text

    def answers(self, questions: dict[str, Any]) -> dict[str, Any]:
        """What the person fills into each form."""
        answers = {}
        for key, question in questions.items():
            params = question["params"]
            action, content = self.person.answer(params["message"], list(params["requestedSchema"]["properties"]))
            answers[key] = {"action": action, "content": content}
        return answers
