"""A headless Chromium for tests, driven through its DevTools protocol. It can reach this machine alone."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

__all__ = ["Page", "chromium_binary", "open_chromium"]

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests run as root in containers, where Chromium's sandbox cannot
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)


def chromium_binary() -> str | None:
    """Chromium on this machine: PAWL_TEST_CHROMIUM, else the first one found; None where there is none."""
    named = os.environ.get("PAWL_TEST_CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class Page:
    """One tab, and everything it asked for or complained about since it was opened."""

    socket: ClientConnection
    session: str = ""
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    n_sent: int = 0

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Send one command and wait for its answer; events on the way are noted."""
        self.n_sent += 1
        message = {"id": self.n_sent, "method": method, "params": params}
        self.socket.send(json.dumps({**message, "sessionId": self.session} if self.session else message))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            if answer.get("id") == self.n_sent:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self._note(answer.get("method", ""), answer.get("params", {}))

    def show(self, *, width: int, height: int = 900, scheme: str = "light", is_touch: bool = False) -> None:
        """Set the window and the colour scheme the reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_touch
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def goto(self, url: str) -> None:
        """Open a page and wait until it has loaded."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited, an exception fails the test."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, condition: str, *, timeout_sec: float = 30) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + timeout_sec
        while not self.evaluate(condition):
            assert time.monotonic() < deadline, f"after {timeout_sec} s still not: {condition}"
            time.sleep(0.05)

    def screenshot(self, path: Path, *, is_whole: bool = True) -> None:
        """A picture of the page as PNG, the whole length of it or what the window shows."""
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=is_whole)
        path.write_bytes(base64.b64decode(image["data"]))

    def _note(self, event: str, params: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(" ".join(str(one.get("value", one.get("description"))) for one in params["args"]))
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(params["entry"]["text"])


@contextmanager
def open_chromium(binary: str, profile: Path) -> Iterator[Page]:
    """Start Chromium on a fresh profile and give its one tab; it is stopped at the end, whatever happens."""
    command = [binary, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # A screenshot of a long page is one message of several MB.
        with connect(_devtools_url(profile, process), max_size=None) as socket:
            page = Page(socket)
            tabs = page.call("Target.getTargets")["targetInfos"]
            tab = next(one["targetId"] for one in tabs if one["type"] == "page")
            page.session = page.call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                page.call(f"{domain}.enable")
            yield page
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _devtools_url(profile: Path, process: subprocess.Popen[bytes]) -> str:
    # Chromium writes the port it chose and the path of its socket into the profile once it listens.
    port_file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, f"Chromium ended with {process.returncode} before it listened"
        lines = port_file.read_text().splitlines() if port_file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        assert time.monotonic() < deadline, "Chromium did not listen within 60 s"
        time.sleep(0.05)
