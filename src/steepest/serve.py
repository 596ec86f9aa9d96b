"""A running study in the browser: a local page that follows the study file.

The study file is the only source, so it does not matter which process trains. It is written after
each turn of the search, so that is how often the page moves. Nothing can be changed through it: it
answers GET and HEAD of two paths, `/` and `/state`, to browsers on this machine that name it as
such (another name in the Host header is how a page elsewhere would reach it: DNS rebinding).
Whoever has an account on this machine can look, as at any loopback port.
"""

import json
import os
import re
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from steepest import storage
from steepest.errors import InputError, StudyFileError
from steepest.measures.measure import measure
from steepest.measures.verdict import judge
from steepest.records import StudyRecord
from steepest.reports.page.page import page

LINGER = 5.0  # seconds; a page looks every two
HOSTS = ("127.0.0.1", "localhost", "::1")  # a tunnel may have another port
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
# The page loads itself again where it stood. Its texts are of ours, never of a study.
SCRIPT = """<script>
(() => {
  const line = document.createElement("div");
  line.setAttribute("role", "status");
  line.style = "position:fixed;bottom:0;left:0;right:0;z-index:9;padding:.4em .8em;"
    + "background:Canvas;color:CanvasText;border-top:1px solid";
  line.textContent = "%SAYS%";
  document.body.append(line);
  const look = async () => {
    try {
      const now = await (await fetch("/state", {cache: "no-store"})).json();
      if (now.state !== "%STATE%") { location.reload(); return; }
      line.textContent = now.says;
    } catch { line.textContent = "Nobody serves this page any more: it stays as it is."; }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
</script>"""
SHELL = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
    'content="width=device-width, initial-scale=1"><title>%TITLE%</title><style>:root{color-scheme:'
    "light dark}body{margin:1.5rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "</style></head><body>%BODY%</body></html>\n"
)


class Watched:
    """A study file that may not be there yet, and the page of what it last held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()  # requests at once make the page once
        self._made: tuple[str, str, bool] | None = None  # state, page, whether it will change
        self.shown = ""  # the state that was last asked for

    @property
    def file(self) -> Path:
        """The study file; a directory has it as `study.db`."""
        return self.path if self.path.suffix == ".db" else self.path / "study.db"

    def state(self) -> str:
        """Return a text that changes when the file does."""
        try:
            facts = self.file.stat()
        except OSError:
            return "none"
        return f"{facts.st_ino}-{facts.st_mtime_ns}-{facts.st_size}"

    def says(self) -> str:
        """Return in a sentence whether something still happens."""
        made = self._made
        try:
            age = max(0.0, time.time() - self.file.stat().st_mtime)
        except OSError:
            return "Waiting for the first trials: the study file is not written yet."
        if made is not None and not made[2]:
            return "The study has ended."
        ago = f"{age:.0f} s" if age < 120 else f"{age / 60:.0f} min"
        return f"The study goes on, or was stopped: its file was last written {ago} ago."

    def page(self) -> tuple[str, bool]:
        """Return the page, and whether it looks for changes."""
        with self._lock:
            state = self.state()
            if self._made is None or self._made[0] != state:
                self._made = (state, *self._make(state))
            self.shown = state
            _, page, moves = self._made
            if not moves:
                return page, False
            script = SCRIPT.replace("%STATE%", state).replace("%SAYS%", self.says())
            before, _, after = page.rpartition("</body>")
            return f"{before}{script}</body>{after}", True

    def show_last(self) -> None:
        """Wait until a browser that was looking has come for the last page, or has gone."""
        end = time.monotonic() + LINGER
        while self.shown and self.shown != self.state() and time.monotonic() < end:
            time.sleep(0.1)

    def _make(self, state: str) -> tuple[str, bool]:
        if state == "none":
            return _shell(str(self.file), "", ""), True
        try:
            study = storage.read(self.file)
        except StudyFileError as error:
            return _shell("Steepest", f"<p>{escape(str(error))}</p>", ""), True
        return document(study, str(self.file)), not (study.finished or study.stopped)


def document(study: StudyRecord, where: str) -> str:
    """Return the report of a study as far as it is."""
    verdict = judge(study)
    return page(study, verdict, measure(study, verdict), where)


def _shell(title: str, body: str, description: str) -> str:
    shown = body or f"<p>{escape(description or title)}</p>"
    return SHELL.replace("%TITLE%", escape(title)).replace("%BODY%", shown)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; the library answers 501 to anything else."""

    watched: Watched
    server_version = "Steepest"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:  # the library's name
        """Answer with the page or its state."""
        if _host(self.headers.get("Host", "")) not in HOSTS:
            self._send(HTTPStatus.FORBIDDEN, "text/plain", "this is for 127.0.0.1 alone")
            return
        path = _path(self.path)
        if path == "/state":
            state = {"state": self.watched.state(), "says": self.watched.says()}
            self._send(HTTPStatus.OK, "application/json", json.dumps(state))
        elif path == "/":
            page, moves = self.watched.page()
            # The page's own policy knows nothing of asking for its state.
            found = META.search(page)
            policy = found[1] if found else POLICY
            policy += "; connect-src 'self'" if moves else ""
            page = META.sub("", page, count=1)
            self._send(HTTPStatus.OK, "text/html", page, policy)
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", "there is / and /state")

    do_HEAD = do_GET  # noqa: N815

    def _send(self, status: HTTPStatus, kind: str, text: str, policy: str = POLICY) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the terminal belongs to progress."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Pass over a browser that went away; tell all else as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(*_)


@contextmanager
def watching(path: Path, open_browser: bool = False, port: int = 0) -> Iterator[str]:
    """Serve the study at `path`, a study file or its directory, and yield the page's address.

    The file need not be there yet. The server runs in a daemon thread, on 127.0.0.1 alone, and ends
    with the context. Port 0 is one that is free.

    Raises:
        InputError: the port is taken, or is none.
    """
    watched = Watched(path)
    handler = type("Handler", (_Handler,), {"watched": watched})
    try:
        server = _Server(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"port {port} cannot be used ({reason}); choose another, or leave it out"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="steepest-watch", daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/"
    try:
        if open_browser and _has_screen():
            webbrowser.open(url)
        yield url
        watched.show_last()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _host(header: str) -> str:
    """Return the name in a Host header without its port."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _path(target: str) -> str:
    """Return the path that is asked for, without its query."""
    try:
        return urlsplit(target).path
    except ValueError:
        return ""


def _has_screen() -> bool:
    """Tell whether a browser would have a window: one that runs in the terminal is not wanted."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in screens)
