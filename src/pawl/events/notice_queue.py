"""The notices that wait for one address: sent one by one, not too many in a minute, tried again, and lost at last."""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from pawl.events.notice import Notice
from pawl.ledger.backoff import Backoff

__all__ = ["NoticeQueue", "QueueCounts", "Sender"]

LOG = logging.getLogger("pawl.notices")
MINUTE_SEC = 60.0


class Sender(Protocol):
    """Sends to one address. name: for logs."""

    name: str

    def send(self, notice: Notice, remark: str = "") -> bool:
        """Whether the address took it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """failed: given up after all tries. dropped: not taken, for the queue was full. waiting: the one at hand too."""

    sent: int
    failed: int
    dropped: int
    waiting: int


class NoticeQueue:
    """A thread that sends. Whoever hands a notice in never waits."""

    def __init__(self, sender: Sender, backoff: Backoff, per_minute: int, size: int) -> None:
        self._sender, self._backoff, self._size = sender, backoff, size
        self._sent_at: deque[float] = deque(maxlen=per_minute)
        self._waiting: deque[Notice] = deque()
        self._n_sent = self._n_failed = self._n_dropped = self._n_unsaid = 0
        self._changed, self._stop = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pawl-notices-{sender.name}", daemon=True)
        self._thread.start()

    def put(self, notice: Notice) -> bool:
        """Whether there was room. How many were dropped, the next one that is sent says."""
        with self._changed:
            if len(self._waiting) >= self._size or self._stop.is_set():
                self._n_dropped += 1
                self._n_unsaid += 1
                return False
            self._waiting.append(notice)
            self._changed.notify_all()
            return True

    def counts(self) -> QueueCounts:
        """What became of all that was handed in."""
        with self._changed:
            return QueueCounts(
                sent=self._n_sent, failed=self._n_failed, dropped=self._n_dropped, waiting=len(self._waiting)
            )

    def wait_idle(self, timeout_sec: float) -> bool:
        """Wait until nothing waits; False when that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout_sec)

    def close(self, grace_sec: float) -> None:
        """Send what can be sent within the grace, and end. An address that hangs then is left to its time-out."""
        self.wait_idle(grace_sec)
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stop.is_set())
                notice = self._waiting[0] if self._waiting else None
            if notice is not None and not self._stop.is_set():
                is_sent = self._is_sent(notice)
                with self._changed:
                    self._waiting.popleft()
                    self._n_sent += is_sent
                    self._n_failed += not is_sent
                    self._changed.notify_all()

    def _is_sent(self, notice: Notice) -> bool:
        attempts = 0
        while not self._stop.is_set():
            self._keep_pace()
            if self._is_taken(notice):
                return True
            attempts += 1
            if self._backoff.is_over(attempts):
                said = "%s: a notice of %s is lost after %d tries"
                LOG.error(said, self._sender.name, notice.kind, attempts, extra={"facts": self._names(notice)})
                return False
            self._stop.wait(self._backoff.after(attempts, f"{self._sender.name}/{notice.key}").total_seconds())
        return False

    def _is_taken(self, notice: Notice) -> bool:
        with self._changed:
            n_unsaid = self._n_unsaid
        remark = f"({n_unsaid} notices before this one were dropped)" if n_unsaid else ""
        self._sent_at.append(time.monotonic())
        if not self._answer(notice, remark):
            return False
        with self._changed:
            self._n_unsaid -= n_unsaid
        return True

    def _answer(self, notice: Notice, remark: str) -> bool:
        why = "it did not take it"
        try:
            if self._sender.send(notice, remark):
                return True
        except Exception as error:  # noqa: BLE001 - a worker's outer loop
            why = type(error).__name__  # and not its text, which may hold the address
        facts = {**self._names(notice), "reason": why}
        LOG.warning("%s: a notice of %s was not sent: %s", self._sender.name, notice.kind, why, extra={"facts": facts})
        return False

    def _names(self, notice: Notice) -> dict[str, object]:
        """What a line of the log says of a notice: whom it was for, and of which event it tells."""
        return {"to": self._sender.name, "kind": notice.kind, "event_id": notice.key}

    def _keep_pace(self) -> None:
        if len(self._sent_at) == self._sent_at.maxlen:
            self._stop.wait(max(0.0, self._sent_at[0] + MINUTE_SEC - time.monotonic()))
