"""Stands in for the two services of examples/weather.toml: plays shapes as they were recorded, from weather/.

    weather_server.py PORT

Of New York the alerts are answered once and then with 503, so that a second answer can only come from a cache. Oregon's
service is always down, and Texas has no alerts.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SHAPES = Path(__file__).resolve().parent / "weather"
answered = set()


class Weather(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/v1/search":
            self.shape("geocode") if query.get("name") == "Sacramento" else self.send(200, {"generationtime_ms": 0.2})
        elif url.path == "/alerts/active":
            self.alerts(query.get("area"))
        elif url.path == "/points/38.5816,-121.4944":
            self.shape("points")
        elif url.path == "/gridpoints/STO/41,68/forecast":
            self.shape("forecast")
        else:
            self.problem(404, "Data Unavailable For Requested Point")

    def alerts(self, area: str | None) -> None:
        if "impresario-weather" not in self.headers["User-Agent"]:
            self.problem(403, "Access Denied")
        elif area == "TX":
            self.send(200, {"type": "FeatureCollection", "features": []})
        elif area == "OR" or (area == "NY" and area in answered):
            self.problem(503, "Service Unavailable")
        elif area in ("CA", "NY"):
            answered.add(area)
            self.shape("alerts")
        else:
            self.problem(400, "Bad Request", f"Parameter \"area\" is invalid: {area} is not a valid state")

    def shape(self, name: str) -> None:
        text = (SHAPES / f"{name}.json").read_text(encoding="utf-8")
        self.send(200, json.loads(text.replace("{origin}", f"http://{self.headers['Host']}")))

    def problem(self, status: int, title: str, detail: str = "") -> None:
        self.send(status, {"type": "about:blank", "title": title, "status": status, "detail": detail or title})

    def send(self, status: int, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/geo+json" if status == 200 else "application/problem+json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """The runner reads what is printed."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Weather)
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()
