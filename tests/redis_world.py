"""What tests of the bus on Redis share: a bus with a corner of its own, events, and a process that reads."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from pawl.events.bus import OnParked
from pawl.events.event_settings import EventSettings
from pawl.events.redis_bus import RedisBus
from pawl.ledger.backoff import Backoff

__all__ = ["Corner", "noted", "until"]

TESTS = Path(__file__).parent
READER = """
import os, sys, signal, threading
from pathlib import Path
from pydantic import SecretStr
from pawl.events.event_settings import EventSettings
from pawl.events.redis_bus import RedisBus
from pawl.ledger.backoff import Backoff
url, settings, consumer, group, deadly, seen = sys.argv[1:7]
def handle(event):
    with open(seen, "a") as out:
        out.write(event.payload["bar_timestamp"] + "\\n")
    if event.payload["bar_timestamp"] == deadly or deadly == "*":
        os.kill(os.getpid(), signal.SIGKILL)
bus = RedisBus(SecretStr(url), EventSettings.model_validate_json(settings), consumer, lambda parked: None)
bus.subscribe(["new_market_data"], group, handle)
threading.Event().wait()
"""


def until(is_so: Callable[[], bool], limit_sec: float = 20) -> None:
    """Wait until it is so; AssertionError when that takes longer."""
    limit = time.monotonic() + limit_sec
    while not is_so():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.005)


class Corner:
    """Buses on one Redis, under a prefix that no other test has."""

    def __init__(self, url: SecretStr, prefix: str, **settings: Any) -> None:
        quick = {"max_attempts": 3, "backoff_base_sec": 0.02, "backoff_max_sec": 0.1, "dead_after_sec": 0.5}
        self.url = url
        self.settings = EventSettings.model_validate({"bus": "redis", "prefix": prefix, **quick, **settings})

    def bus(self, consumer: str = "one", on_parked: OnParked = lambda _: None, **settings: Any) -> RedisBus:
        """A bus of a process."""
        return RedisBus(self.url, self.settings.model_copy(update=settings), consumer, on_parked)

    def reader(self, consumer: str, group: str, deadly: str, seen: Path) -> "subprocess.Popen[bytes]":
        """Another process that reads, and is killed by the bar of this time (`*`: by any). seen: what it was given."""
        code = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n{READER}"
        arguments: Sequence[str] = (
            self.url.get_secret_value(), self.settings.model_dump_json(), consumer, group, deadly, str(seen)
        )  # fmt: skip
        return subprocess.Popen([sys.executable, "-c", code, *arguments])


def noted(asked: list[int], **settings: Any) -> EventSettings:
    """Settings whose waits are short. asked: for how many failures in a row one was asked for, each time."""

    class Noted(Backoff):
        def after(self, attempts: int, item: str) -> timedelta:
            asked.append(attempts)
            return timedelta(milliseconds=5)

    class Spied(EventSettings):
        @property
        def backoff(self) -> Backoff:
            return Noted(max_attempts=self.max_attempts, base_sec=1, max_sec=1)

    return Spied.model_validate(settings)
