"""Asks one peer for each workload (W1 echo, W2 add, W3 tools/list, W4 echo of 100 KB) and verifies what it answers.

python3 check.py URL (modern|session|fixed)
"""

import http.client
import json
import pathlib
import sys
import urllib.parse

REVISION = {"modern": "2026-07-28", "session": "2025-11-25"}
DEFINITIONS = json.loads((pathlib.Path(__file__).parent / "tools-23.json").read_text())
META = {
    "io.modelcontextprotocol/protocolVersion": REVISION["modern"],
    "io.modelcontextprotocol/clientInfo": {"name": "check", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Peer:
    def __init__(self, url, era):
        self.url = urllib.parse.urlsplit(url)
        self.era = era
        self.session = None
        self.id = 0
        self.connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=30)

    def post(self, message):
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.era in REVISION and message["method"] != "initialize":
            headers["MCP-Protocol-Version"] = REVISION[self.era]
        if self.era == "modern":
            headers["Mcp-Method"] = message["method"]
            if "name" in message["params"]:
                headers["Mcp-Name"] = message["params"]["name"]
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        self.connection.request("POST", self.url.path, json.dumps(message), headers)
        response = self.connection.getresponse()
        body = response.read().decode()
        self.session = response.headers.get("Mcp-Session-Id", self.session)
        assert response.status in (200, 202), f"{message['method']} got {response.status}: {body[:300]}"
        if response.headers.get("Content-Type", "").startswith("text/event-stream"):
            events = [line[5:].strip() for line in body.splitlines() if line.startswith("data:")]
            body = next(data for data in events if '"result"' in data or '"error"' in data)
        return body

    def ask(self, method, **params):
        self.id = 1 if self.era == "fixed" else self.id + 1
        if self.era == "modern":
            params["_meta"] = META
        body = self.post({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        answer = json.loads(body)
        assert answer.get("id") == self.id, f"{method} got another id: {body[:300]}"
        assert "result" in answer, f"{method} failed: {body[:300]}"
        return answer["result"], len(body)

    def begin(self):
        about = {"protocolVersion": REVISION["session"], "capabilities": {}}
        self.ask("initialize", clientInfo={"name": "check", "version": "1"}, **about)
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized", "params": {}})

    def call(self, name, **arguments):
        result, _ = self.ask("tools/call", name=name, arguments=arguments)
        assert not result.get("isError"), f"{name} failed: {result}"
        return result["content"][0]["text"]


def sorted_json(value):
    return json.dumps(value, sort_keys=True)


def check(url, era):
    peer = Peer(url, era)
    if era == "fixed":
        assert peer.call("echo", message="hello").strip("x") == ""
        return "answers fixed bytes"
    if era == "session":
        peer.begin()
    assert peer.call("echo", message="hello") == "hello"
    assert float(peer.call("add", a=1, b=2.5)) == 3.5
    result, size = peer.ask("tools/list")
    listed = {tool["name"]: tool for tool in result["tools"]}
    assert len(listed) == len(DEFINITIONS), f"lists {len(listed)} tools"
    schemas = 0
    for definition in DEFINITIONS:
        tool = listed[definition["name"]]
        assert tool["description"] == definition["description"], definition["name"]
        schemas += sorted_json(tool["inputSchema"]) == sorted_json(definition["inputSchema"])
    long = "The quick brown fox jumps over the lazy dog. " * 2276
    assert peer.call("echo", message=long) == long
    return f"{size} bytes of tools/list, {schemas} of {len(DEFINITIONS)} schemas as in the file"


if __name__ == "__main__":
    print(check(*sys.argv[1:3]))
