"""The Python SDK, or fastmcp on top of it, with the tools that every peer serves."""

import argparse
import json
import pathlib
import socket
import sys

import uvicorn

DEFINITIONS = json.loads((pathlib.Path(__file__).parent.parent / "tools-23.json").read_text())


def answer(name, arguments):
    """What a tool answers. Only echo and add do anything: the others are there to be listed."""
    if name == "echo":
        return arguments["message"]
    if name == "add":
        return f"{arguments['a'] + arguments['b']:g}"
    return f"{name} is done"


def sdk(definitions, sessions):
    """The SDK's lower layer, which is its quickest."""
    from mcp import types
    from mcp.server.lowlevel import Server

    tools = [types.Tool.model_validate(definition) for definition in definitions]
    names = {tool.name for tool in tools}

    async def list_tools(_ctx, _params):
        return types.ListToolsResult(tools=tools)

    async def call_tool(_ctx, params):
        if params.name not in names:
            text, is_error = f"there is no tool {params.name}", True
        else:
            text, is_error = answer(params.name, params.arguments or {}), False
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)

    server = Server("python-sdk", on_list_tools=list_tools, on_call_tool=call_tool)
    return server.streamable_http_app(json_response=not sessions, stateless_http=not sessions)


def fastmcp(definitions, sessions):
    """fastmcp, with tools that keep the schemas of the file."""
    from fastmcp import FastMCP
    from fastmcp.tools import Tool
    from fastmcp.tools.base import ToolResult

    class FromFile(Tool):
        async def run(self, arguments):
            return ToolResult(content=answer(self.name, arguments))

    server = FastMCP("fastmcp")
    for definition in definitions:
        name, description = definition["name"], definition["description"]
        server.add_tool(FromFile(name=name, description=description, parameters=definition["inputSchema"]))
    return server.http_app(path="/mcp", json_response=not sessions, stateless_http=not sessions)


class Announced(uvicorn.Server):
    """Says where it listens once it does, as all peers do."""

    async def startup(self, sockets=None):
        await super().startup(sockets)
        port = sockets[0].getsockname()[1]
        print(f"listening on http://127.0.0.1:{port}/mcp", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=["mcp", "fastmcp"], default="mcp")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--threads", type=int, choices=[1], default=1, help="one process has one thread that serves")
    parser.add_argument("--tools", type=int, default=23)
    parser.add_argument("--sessions", action="store_true", help="sessions, with answers as server-sent events")
    options = parser.parse_args()

    app = {"mcp": sdk, "fastmcp": fastmcp}[options.library](DEFINITIONS[: options.tools], options.sessions)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    # asyncio and uvloop both set TCP_NODELAY on what they accept.
    config = uvicorn.Config(app, log_level="error", access_log=False)
    Announced(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
