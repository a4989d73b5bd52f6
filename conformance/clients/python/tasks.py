"""The checks of a client that knows tasks, and whose person answers a task's questions with the name Ada."""

from __future__ import annotations

import asyncio

from asking import accept
from checks import INVALID_PARAMS, Check, Driver, expect, expect_refusal

CONCURRENT_TASKS = 10


async def gets_a_task_and_then_its_result(client: Driver) -> None:
    task = await client.start_task("long_task", {"steps": 3, "ms": 20})
    status = await client.task_status(task)
    expect(status in ("working", "completed"), "tasks/get at once", "working, or completed already", status)
    text = await client.task_text(task)
    expect(text == "3 steps taken", "the task's result", "3 steps taken", text)
    status = await client.task_status(task)
    expect(status == "completed", "tasks/get at the end", "completed", status)


async def answers_a_tasks_question(client: Driver) -> None:
    client.person.will(accept(name="Ada"))
    task = await client.start_task("ask_in_task", {})
    text = await client.task_text(task)
    expect(text == "Hello, Ada!", "the task's result", "a greeting with the name", text)


async def keeps_concurrent_tasks_apart(client: Driver) -> None:
    sizes = range(1, CONCURRENT_TASKS + 1)
    started = (client.start_task("long_task", {"steps": steps, "ms": 5}) for steps in sizes)
    tasks = await asyncio.gather(*started)
    expect(len(set(tasks)) == CONCURRENT_TASKS, "concurrent tasks", "an id for each", tasks)
    texts = await asyncio.gather(*(client.task_text(task) for task in tasks))
    expect(texts == [f"{steps} steps taken" for steps in sizes], "concurrent tasks", "each its own result", texts)


async def cancels_a_task(client: Driver) -> None:
    task = await client.start_task("long_task", {"steps": 10_000, "ms": 100})
    await client.cancel_task(task)
    status = await client.task_status(task)
    expect(status == "cancelled", "tasks/get after tasks/cancel", "cancelled", status)


async def knows_no_foreign_task(client: Driver) -> None:
    await expect_refusal("tasks/get of nobody's id", INVALID_PARAMS, client.task_status("nobody's"))


CHECKS: list[Check] = [
    gets_a_task_and_then_its_result,
    answers_a_tasks_question,
    keeps_concurrent_tasks_apart,
    cancels_a_task,
    knows_no_foreign_task,
]
