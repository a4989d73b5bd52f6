"""Starts one example config and does with it what its JSON file lists.

    run.py http|stdio IMPRESARIO EXAMPLE.toml EXAMPLE.json ROOT

The JSON file: `setup.command` is a stand-in for something outside, started in ROOT before the server; it is ready once
it prints a line, or once the address on 127.0.0.1 that `setup.env` names takes connections. `{port}` in `setup` is a free
port. `tools` must be listed, `calls` and `resources` must answer with what `contains` says.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from checks import Report, reason_of  # noqa: E402
from client_mcp import pages, refusals  # noqa: E402
from mcp import Client, StdioServerParameters  # noqa: E402

START_TIMEOUT_S = 30
CALL_TIMEOUT_S = 60


class Wrong(Exception):
    """Something is not as the file says."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what: str, is_so) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_so():
        if time.monotonic() > deadline:
            raise Wrong(f"{what}: not within {START_TIMEOUT_S} s")
        time.sleep(0.05)


def takes_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(command: list[str], **settings: object):
    process = subprocess.Popen(command, **settings)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(START_TIMEOUT_S)


@contextmanager
def stand_in(setup: dict, root: str):
    """What the example needs of the world outside; yields the environment in which the server is started."""
    port = str(free_port())
    fill = lambda text: text.replace("{port}", port)
    env = os.environ | {name: fill(value) for name, value in setup.get("env", {}).items()}
    if "command" not in setup:
        yield env
        return
    command = [fill(word) for word in setup["command"]]
    with running(command, cwd=root, env=env | {"PORT": port}, stdout=subprocess.PIPE) as process:
        said = threading.Event()

        def listen() -> None:
            for _ in process.stdout:
                said.set()

        threading.Thread(target=listen, daemon=True).start()
        named = re.findall(r"127\.0\.0\.1:(\d+)", " ".join(fill(value) for value in setup.get("env", {}).values()))
        until("the stand-in is ready", lambda: said.is_set() or any(takes_connections(int(one)) for one in named))
        yield env


@contextmanager
def target(transport: str, impresario: str, config: str, env: dict[str, str]):
    """What the client connects to."""
    serve = ["serve", "--config", config]
    if transport == "stdio":
        yield StdioServerParameters(command=impresario, args=[*serve, "--stdio"], env=env, cwd=str(Path(config).parent))
        return
    log = Path(config).with_suffix(".log")
    with log.open("w") as out:
        with running([impresario, *serve, "--http", "127.0.0.1:0"], stderr=out, env=env) as process:
            address = lambda: re.search(r"listening on (http://\S+/mcp)", log.read_text())
            try:
                until("the server listens", lambda: address() or process.poll() is not None)
                if not address():
                    raise Wrong("the server ended at once")
                yield address()[1]
            finally:
                sys.stderr.write(log.read_text())


def text_of(result: object) -> str:
    """Everything that an answer says, as text."""
    parts = [getattr(block, "text", None) or str(block) for block in getattr(result, "content", [])]
    structured = getattr(result, "structured_content", None)
    return "\n".join([*parts, json.dumps(structured) if structured is not None else ""])


def hold(text: str, contains: list[str]) -> None:
    for part in contains:
        if part not in text:
            raise Wrong(f"{part!r} is not in {text[:2000]!r}")


async def check(report: Report, label: str, server: object, expected: dict) -> None:
    async with Client(server) as client:
        listed = [tool.name for tool in await pages(client.list_tools, "tools")]
        missing = [name for name in expected.get("tools", []) if name not in listed]
        if missing:
            raise Wrong(f"not listed: {missing}, but {listed}")
        report.ok(label, "tools are listed")
        for call in expected.get("calls", []):
            with refusals():
                result = await asyncio.wait_for(client.call_tool(call["tool"], call.get("arguments", {})), CALL_TIMEOUT_S)
            if bool(result.is_error) != call.get("is_error", False):
                raise Wrong(f"{call['tool']} answers with isError {result.is_error}: {text_of(result)[:2000]}")
            hold(text_of(result), call.get("contains", []))
            report.ok(label, f"{call['tool']} {json.dumps(call.get('arguments', {}))}")
        for resource in expected.get("resources", []):
            with refusals():
                read = await asyncio.wait_for(client.read_resource(resource["uri"]), CALL_TIMEOUT_S)
            contents = [getattr(part, "text", None) or getattr(part, "blob", "") for part in read.contents]
            hold("\n".join(contents), resource.get("contains", []))
            report.ok(label, resource["uri"])


def main() -> None:
    transport, impresario, config, expectations, root = sys.argv[1:]
    expected, report = json.loads(Path(expectations).read_text()), Report()
    label = f"{Path(config).stem} {transport}"
    try:
        with stand_in(expected.get("setup", {}), root) as env, target(transport, impresario, config, env) as server:
            asyncio.run(check(report, label, server, expected))
    except BaseException as error:
        report.fail(label, "example", error if isinstance(error, Wrong) else reason_of(error))
    report.done()


if __name__ == "__main__":
    main()
