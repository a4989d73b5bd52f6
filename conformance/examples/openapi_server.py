"""Stands in for the pet store of examples/openapi.toml.

    openapi_server.py PORT
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

PETS = {
    1: {"id": 1, "name": "Rex", "category": {"id": 1, "name": "Dogs"}, "photoUrls": [], "status": "available"},
    2: {"id": 2, "name": "Tom", "category": {"id": 2, "name": "Cats"}, "photoUrls": [], "status": "sold"},
}


class PetStore(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/pet/findByStatus":
            status = parse_qs(url.query)["status"][0]
            return self.send(200, [pet for pet in PETS.values() if pet["status"] == status])
        number = unquote(url.path.removeprefix("/pet/"))
        pet = PETS.get(int(number)) if number.isdecimal() else None
        self.send(200, pet) if pet else self.send(404, {"code": 404, "message": "Pet not found"})

    def do_POST(self) -> None:
        pet = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send(200, pet | {"id": 3})

    def send(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """The runner reads what is printed."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), PetStore)
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()
