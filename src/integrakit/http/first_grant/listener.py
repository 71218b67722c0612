"""A web server for one answer, on the loopback address (RFC 8252 §7.3): the browser is sent here with the code. It shows nothing of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from integrakit.errors import ConfigurationError

__all__ = ["Listener"]

#: Seconds: browsers open connections that they may never use.
IDLE = 1.0
_PAGE = "<!doctype html><meta charset=utf-8><title>{title}</title><p>{text}</p>"


class Listener:
    """Calls ``receive(target)`` in a thread of its own with the path and query of each request to ``path``; True: it was what one waited for."""

    def __init__(self, host: str, port: int, path: str, receive: Callable[[str], bool]) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = IDLE

            def do_GET(self) -> None:
                if self.path.partition("?")[0] != path:
                    self._say(404, "Nothing here", "There is nothing here.")
                elif receive(self.path):
                    self._say(200, "Done", "Done. You can close this window and go back to your program.")
                else:
                    self._say(400, "Refused", "This does not answer the request that your program waits for. Begin anew from there.")

            def _say(self, status: int, title: str, text: str) -> None:
                page = _PAGE.format(title=title, text=text).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": "text/html; charset=utf-8",
                    "Content-Length": str(len(page)),
                    "Cache-Control": "no-store",
                    "Referrer-Policy": "no-referrer",
                    "Connection": "close",
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the code stands in the path."""

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = False

            def handle_error(self, request: object, client_address: object) -> None:
                """A connection that broke is no news, and its traceback would go to the terminal."""

        try:
            self._server = Server((host, port), Handler)
        except OSError as problem:
            raise ConfigurationError(f"port= {port} on {host} cannot be listened on: {problem.strerror}. Take another one, or 0 for any") from problem
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="integrakit-first-grant", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Waits for what is being answered."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
