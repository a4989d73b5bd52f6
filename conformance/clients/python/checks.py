"""The checks every Python client runs, written once against a small driver: those of a client that is never asked.

`asking.py` has those of a client that answers, `tasks.py` those of one that knows tasks.

A driver wraps one client library and says nothing about what is right; this file says what is right and knows no
client library. It must never retry: the first answer counts.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

UNICODE_MESSAGE = "päivää 日本語 🚀 \"quoted\" 'single' back\\slash\nsecond line\r\n\ttabbed \u2028 end"
CONCURRENT_CALLS = 200
CHECK_TIMEOUT_S = 30
UNKNOWN_URI = "nowhere://no/such/thing"
LEGACY_RESOURCE_NOT_FOUND = -32002
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
MISSING_CLIENT_CAPABILITY = -32021


class Refused(Exception):
    """The server answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"error {code}: {message}")
        self.code = code


class Mismatch(Exception):
    """The server answered something else than it should."""


class Driver(ABC):
    """One connected client. Every method lets `Refused` out when the server answers with an error."""

    revision: str
    """The protocol revision that client and server agreed on."""

    @property
    def modern(self) -> bool:
        """Whether the connection speaks the stateless era."""
        return self.revision >= "2026-07-28"

    @abstractmethod
    async def list_tools(self) -> list[str]: ...

    @abstractmethod
    async def call(self, name: str, arguments: dict[str, object]) -> tuple[str, bool]:
        """The text of the first content block, and `isError`."""

    @abstractmethod
    async def call_with_progress(self, name: str, arguments: dict[str, object], seen: list[float]) -> None: ...

    @abstractmethod
    async def call_and_cancel(self, name: str, arguments: dict[str, object], after_s: float) -> None:
        """Start a call, and take it back the way the client library does it."""

    @abstractmethod
    async def list_resources(self) -> list[str]: ...

    @abstractmethod
    async def list_templates(self) -> list[str]: ...

    @abstractmethod
    async def read(self, uri: str) -> str: ...

    @abstractmethod
    async def list_prompts(self) -> list[str]: ...

    @abstractmethod
    async def get_prompt(self, name: str, arguments: dict[str, str]) -> int:
        """How many messages the prompt has."""

    @abstractmethod
    async def complete_prompt(self, prompt: str, argument: str, typed: str) -> list[str]: ...

    @abstractmethod
    async def ping(self) -> None: ...

    async def start_task(self, name: str, arguments: dict[str, object]) -> str:
        """Call a tool as a task, and return the task's id."""
        raise NotImplementedError

    async def task_status(self, task: str) -> str:
        raise NotImplementedError

    async def task_text(self, task: str) -> str:
        """Wait for the task's end the way the library does it, answering its questions; the text of its result."""
        raise NotImplementedError

    async def cancel_task(self, task: str) -> None:
        raise NotImplementedError


def expect(holds: bool, request: str, expected: str, answer: object) -> None:
    """Refuse an answer that is not the expected one, naming all three."""
    if not holds:
        raise Mismatch(f"{request}: expected {expected}, got {answer!r}")


async def expect_refusal(request: str, code: int, attempt: Awaitable[object]) -> None:
    """The attempt must end in a JSON-RPC error with exactly this code."""
    try:
        answer = await attempt
    except Refused as refused:
        expect(refused.code == code, request, f"error {code}", refused)
        return
    raise Mismatch(f"{request}: expected error {code}, got the result {answer!r}")


Check = Callable[[Driver], Awaitable[None]]


def spoken(since: str = "", until: str = "9999") -> Callable[[Check], Check]:
    """Keep a check to the revisions that have what it is about, both ends included."""

    def mark(check: Check) -> Check:
        check.spoken = (since, until)
        return check

    return mark


def names(text: str, field: str) -> bool:
    """Whether a text names a field as a word of its own."""
    return re.search(rf"\b{re.escape(field)}\b", text) is not None


async def lists_tools(client: Driver) -> None:
    tools = await client.list_tools()
    expect({"add", "calculate", "echo"} <= set(tools), "tools/list", "add, calculate and echo among the names", tools)
    expect(len(tools) == len(set(tools)), "tools/list", "each name once over all pages", tools)


async def adds(client: Driver) -> None:
    answer = await client.call("add", {"a": 2, "b": 3})
    expect(answer == ("5", False), "add {a:2,b:3}", "the text 5", answer)


async def echoes_any_text(client: Driver) -> None:
    answer = await client.call("echo", {"message": UNICODE_MESSAGE})
    expect(answer == (UNICODE_MESSAGE, False), "echo with unicode, quotes and newlines", "the same text", answer)


async def explains_a_division_by_zero(client: Driver) -> None:
    text, is_error = await client.call("calculate", {"operation": "divide", "a": 1, "b": 0})
    expect(is_error, "calculate 1/0", "isError", (text, is_error))
    expect("zero" in text.lower(), "calculate 1/0", "a text that says what is wrong with zero", text)


async def names_the_field_that_breaks_the_schema(client: Driver) -> None:
    broken: list[tuple[str, dict[str, object], str]] = [
        ("echo", {"message": 42}, "message"),
        ("echo", {}, "message"),
        ("calculate", {"operation": "frobnicate", "a": 1, "b": 1}, "operation"),
    ]
    for tool, arguments, field in broken:
        text, is_error = await client.call(tool, arguments)
        expect(is_error, f"{tool} {arguments}", "isError", (text, is_error))
        expect(names(text, field), f"{tool} {arguments}", f"a text that names `{field}`", text)


async def refuses_an_unknown_tool(client: Driver) -> None:
    await expect_refusal("tools/call no_such_tool", INVALID_PARAMS, client.call("no_such_tool", {}))


async def reads_a_template(client: Driver) -> None:
    text = await client.read("greeting://Ada")
    expect("Ada" in text, "read greeting://Ada", "a text with Ada", text)


async def refuses_an_unknown_resource(client: Driver) -> None:
    code = INVALID_PARAMS if client.modern else LEGACY_RESOURCE_NOT_FOUND
    await expect_refusal(f"read {UNKNOWN_URI}", code, client.read(UNKNOWN_URI))


async def lists_resources_and_templates(client: Driver) -> None:
    await client.list_resources()
    templates = await client.list_templates()
    expect("greeting://{name}" in templates, "resources/templates/list", "greeting://{name}", templates)


async def gets_a_prompt(client: Driver) -> None:
    prompts = await client.list_prompts()
    expect("math_helper" in prompts, "prompts/list", "math_helper", prompts)
    count = await client.get_prompt("math_helper", {"operation": "addition"})
    expect(count >= 1, "prompts/get math_helper", "at least one message", count)


async def refuses_a_prompt_without_its_argument(client: Driver) -> None:
    await expect_refusal("prompts/get math_helper {}", INVALID_PARAMS, client.get_prompt("math_helper", {}))


async def completes_an_argument(client: Driver) -> None:
    values = await client.complete_prompt("math_helper", "operation", "add")
    expect(bool(values), "complete operation=add", "at least one value", values)
    expect(all(value.startswith("add") for value in values), "complete operation=add", "values that start so", values)


async def reports_progress(client: Driver) -> None:
    seen: list[float] = []
    await client.call_with_progress("progress", {"steps": 5, "ms": 5}, seen)
    # A client library may hand a notification to its callback a moment after the result.
    deadline = time.monotonic() + 2
    while len(seen) < 5 and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    expect(len(seen) == 5, "progress {steps:5}", "5 notifications", seen)
    expect(all(a < b for a, b in zip(seen, seen[1:])), "progress {steps:5}", "strictly increasing values", seen)


async def keeps_concurrent_calls_apart(client: Driver) -> None:
    messages = [f"message {n} of {CONCURRENT_CALLS}" for n in range(CONCURRENT_CALLS)]
    answers = await asyncio.gather(*(client.call("echo", {"message": message}) for message in messages))
    for message, answer in zip(messages, answers):
        expect(answer == (message, False), f"concurrent echo {message!r}", "its own text", answer)


async def reports_a_failing_tool(client: Driver) -> None:
    text, is_error = await client.call("fail", {"message": "x marks the spot"})
    expect(is_error and "x marks the spot" in text, "fail {message}", "isError with the message", (text, is_error))


async def survives_a_panic(client: Driver) -> None:
    await expect_refusal("panic", INTERNAL_ERROR, client.call("panic", {}))
    answer = await client.call("echo", {"message": "after the panic"})
    expect(answer == ("after the panic", False), "echo after panic", "its text", answer)


async def cancels_a_call(client: Driver) -> None:
    await client.call_and_cancel("sleep", {"ms": 30_000}, after_s=0.2)
    started = time.monotonic()
    answer = await client.call("echo", {"message": "after the cancellation"})
    expect(answer == ("after the cancellation", False), "echo after cancelling sleep", "its text", answer)
    elapsed_s = time.monotonic() - started
    expect(elapsed_s < 1, "echo after cancelling sleep", "an answer within a second", f"{elapsed_s:.2f} s")


async def asks_nobody_who_did_not_offer(client: Driver) -> None:
    if client.modern:
        await expect_refusal("ask", MISSING_CLIENT_CAPABILITY, client.call("ask", {}))
    else:
        text, is_error = await client.call("ask", {})
        expect(is_error and "elicitation" in text, "ask", "isError, and what is missing", (text, is_error))


@spoken(until="2025-11-25")
async def pings(client: Driver) -> None:
    await client.ping()


CHECKS: list[Check] = [
    lists_tools,
    adds,
    echoes_any_text,
    explains_a_division_by_zero,
    names_the_field_that_breaks_the_schema,
    refuses_an_unknown_tool,
    reads_a_template,
    refuses_an_unknown_resource,
    lists_resources_and_templates,
    gets_a_prompt,
    refuses_a_prompt_without_its_argument,
    completes_an_argument,
    reports_progress,
    keeps_concurrent_calls_apart,
    reports_a_failing_tool,
    survives_a_panic,
    cancels_a_call,
    asks_nobody_who_did_not_offer,
    pings,
]


class Target:
    """Where the server is: an address, or a command to start."""

    def __init__(self, arguments: list[str]) -> None:
        if len(arguments) != 2 or arguments[0] not in ("--http", "--sse", "--stdio"):
            sys.exit("usage: <client>.py --http URL | --sse URL | --stdio 'COMMAND ARGUMENT…'")
        self.transport = arguments[0].removeprefix("--")
        self.url = arguments[1]
        self.command = shlex.split(arguments[1]) if self.transport == "stdio" else []


class Report:
    """One line per check; the first mismatch ends the run."""

    def __init__(self) -> None:
        self.passed = 0

    def ok(self, label: str, name: str) -> None:
        self.passed += 1
        print(f"ok    {label}: {name}", flush=True)

    def fail(self, label: str, name: str, reason: object) -> None:
        print(f"FAIL  {label}: {name}: {reason}")
        print(f"{self.passed} passed, 1 failed", flush=True)
        sys.exit(1)

    def done(self) -> None:
        print(f"{self.passed} passed, 0 failed", flush=True)


def reason_of(error: BaseException) -> str:
    """A task group wraps what went wrong; the reader wants what is inside."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"no answer within {CHECK_TIMEOUT_S} s"
    return str(error) if isinstance(error, (Mismatch, Refused)) else f"{type(error).__name__}: {error}"


async def run(
    report: Report,
    label: str,
    connecting: AbstractAsyncContextManager[Driver],
    revision: str,
    checks: list[Check] = CHECKS,
) -> None:
    """Connect, and run every check in order."""
    name = f"agrees_on_{revision}"
    try:
        async with connecting as client:
            expect(client.revision == revision, "the handshake", revision, client.revision)
            report.ok(label, name)
            for check in checks:
                since, until = getattr(check, "spoken", ("", "9999"))
                if not since <= client.revision <= until:
                    continue
                name = check.__name__
                async with asyncio.timeout(CHECK_TIMEOUT_S):
                    await check(client)
                report.ok(label, name)
            name = "closes"
    except Exception as error:
        report.fail(label, name, reason_of(error))
