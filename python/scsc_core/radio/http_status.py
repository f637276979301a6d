# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters and last pictures over HTTP, read-only and on this host unless told otherwise."""

from __future__ import annotations

import io
import ipaddress
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .counters_board import CountersBoard, json_line
from .front_end import FrontEndError

LOOPBACK = "127.0.0.1"
_REQUEST_TIMEOUT_S = 5.0
_MAX_CONNECTIONS = 16  # at a time; others are closed at once
_PICTURES = {"/sent.png": "sent", "/received.png": "received"}
_PAGE = """<!DOCTYPE html>
<meta charset="utf-8"><title>scsc</title>
<style>
body { font: 15px system-ui, sans-serif; margin: 2em; background: Canvas; color: CanvasText;
       color-scheme: light dark }
figure { display: inline-block; margin: 0 2em 1em 0 } img { max-width: 45vw; min-width: 128px }
section { display: inline-block; vertical-align: top; margin: 0 2em 1em 0 }
td { padding: 0 1em 0 0 } td + td { text-align: right; font-variant-numeric: tabular-nums }
</style>
<figure id="sent"></figure><figure id="received"></figure><div id="counters"></div>
<script>
const shown = {};
function text(tag, content) {
  const element = document.createElement(tag);
  element.textContent = content;
  return element;
}
function table(values) {
  const result = document.createElement("table");
  for (const [name, value] of Object.entries(values)) {
    const row = result.insertRow();
    row.append(text("td", name), text("td", value ?? "-"));
  }
  return result;
}
async function look() {
  try {
    const all = await (await fetch("counters.json")).json();
    for (const [role, about] of Object.entries(all.pictures)) {
      if (shown[role] === about.number) continue;
      shown[role] = about.number;
      const picture = new Image();
      picture.src = role + ".png?" + about.number;
      const score = about.psnr_db == null ? "" : ", PSNR " + about.psnr_db + " dB";
      const caption = text("figcaption", role + " " + about.number + score);
      document.getElementById(role).replaceChildren(picture, caption);
    }
    const parts = [];
    for (const [name, values] of Object.entries(all)) {
      if (typeof values !== "object" || name === "pictures") continue;
      const section = document.createElement("section");
      section.append(text("h3", name), table(values));
      parts.push(section);
    }
    document.getElementById("counters").replaceChildren(...parts);
  } finally { setTimeout(look, 500); }
}
look();
</script>
"""


class StatusServer:
    """Serves a CountersBoard: `/` (a page that renews itself), `/counters.json`, `/sent.png`,
    `/received.png`.

    Nothing can be changed through it. Bound to this host, it answers only requests that name this
    host, so that a web page elsewhere cannot read it through a browser.

    Args:
        board: CountersBoard.
        port: int 0..65535; 0 takes a free one.
        host: address to bind.
    Attributes:
        url: str.
    Raises:
        ValueError: port out of range.
        FrontEndError: the address is taken or is none of this host.
    """

    def __init__(self, board: CountersBoard, port: int, host: str = LOOPBACK):
        if not 0 <= port <= 65535:
            raise ValueError(f"http must be a port in 0..65535, got {port}")
        try:
            self._server = _Server((host, port), _Handler)
        except OSError as error:
            raise FrontEndError(
                "http",
                f"cannot serve at {host}:{port}: {error.strerror or error}",
                "take another port (--http) or address (--http-host)",
            ) from None
        self._server.board = board
        self._server.local_only = _is_loopback(host)
        self.url = f"http://{host}:{self._server.server_address[1]}/"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="scsc_http", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32  # connections that come at once wait in no second round
    board: CountersBoard
    local_only = True

    def __init__(self, *args: Any):
        self._places = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _REQUEST_TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if self.server.local_only and not _is_loopback(_host_name(self.headers.get("Host", ""))):
            self.send_error(403)
        elif path == "/":
            self._answer("text/html; charset=utf-8", _PAGE.encode())
        elif path == "/counters.json":
            line = json_line("counters", self.server.board.snapshot())
            self._answer("application/json", line.encode())
        elif path in _PICTURES and (shown := self.server.board.picture(_PICTURES[path])):
            self._answer("image/png", _png(shown.image))
        else:
            self.send_error(404)

    def _answer(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Requests are not logged: the terminal belongs to the counters."""


def _png(image: Any) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "png", compress_level=1)
    return file.getvalue()


def _host_name(header: str) -> str:
    """The name in a Host header, without port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
