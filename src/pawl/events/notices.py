"""Telling people: each notice to the channels of its kind, once in a while, and never in the way of the loop."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

from pawl.events.apprise_sender import AppriseSender
from pawl.events.notice import Notice
from pawl.events.notice_queue import NoticeQueue
from pawl.events.notice_settings import DEFAULT_CHANNEL, NoticeKind, NoticeSettings

__all__ = ["NoticeCounts", "Notices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeCounts:
    """A notice to two addresses counts twice, but in `repeated` and `unheard`.

    repeated: not told again so soon. unheard: of a kind that goes nowhere. failed: lost after all tries. dropped: lost
    because too many waited.
    """

    sent: int
    failed: int
    dropped: int
    waiting: int
    repeated: int
    unheard: int


class Notices:
    """urls: channel → addresses, as `notice_urls` reads them; a channel without any is the default one. With no address
    at all nothing is sent, and nothing needs to be installed.

    Any thread may notify. What waits when the process dies is lost: what happened stands in the ledger.
    """

    def __init__(self, settings: NoticeSettings, urls: Mapping[str, Sequence[SecretStr]]) -> None:
        self._settings = settings
        self._queues = {
            channel: [self._opened(url, f"{channel} {number}") for number, url in enumerate(found, start=1)]
            for channel, found in urls.items()
        }
        self._told: dict[tuple[NoticeKind, str], datetime] = {}
        self._n_repeated = self._n_unheard = 0
        self._door = threading.Lock()

    def notify(self, notice: Notice) -> bool:
        """Hand a notice in, and go on at once. Whether it was taken: not when it goes nowhere, repeats one that was, or
        finds every queue full.
        """
        queues = self._queues_of(notice)
        with self._door:
            if not queues:
                self._n_unheard += 1
                return False
            if self._is_repeated(notice):
                self._n_repeated += 1
                return False
            is_taken = any([queue.put(notice) for queue in queues])
            if is_taken:
                self._told[notice.kind, notice.key] = notice.at
        return is_taken

    def counts(self) -> NoticeCounts:
        """What became of all notices."""
        each = [queue.counts() for queue in self._all_queues()]
        with self._door:
            return NoticeCounts(
                sent=sum(one.sent for one in each),
                failed=sum(one.failed for one in each),
                dropped=sum(one.dropped for one in each),
                waiting=sum(one.waiting for one in each),
                repeated=self._n_repeated,
                unheard=self._n_unheard,
            )

    def wait_idle(self, timeout_sec: float) -> bool:
        """Wait until nothing waits; False when one address takes longer."""
        return all([queue.wait_idle(timeout_sec) for queue in self._all_queues()])

    def close(self, grace_sec: float = 5.0) -> None:
        """Send what can be sent within the grace, each address by itself, and end."""
        closing = [threading.Thread(target=queue.close, args=(grace_sec,)) for queue in self._all_queues()]
        for one in closing:
            one.start()
        for one in closing:
            one.join()

    def _opened(self, url: SecretStr, name: str) -> NoticeQueue:
        settings = self._settings
        sender = AppriseSender(url, name, settings.timeout_sec)
        return NoticeQueue(sender, settings.backoff, settings.per_minute, settings.queue_size)

    def _all_queues(self) -> list[NoticeQueue]:
        return [queue for queues in self._queues.values() for queue in queues]

    def _queues_of(self, notice: Notice) -> list[NoticeQueue]:
        channels = [
            channel if channel in self._queues else DEFAULT_CHANNEL
            for channel in self._settings.channels_of(notice.kind)
        ]
        return [queue for channel in dict.fromkeys(channels) for queue in self._queues.get(channel, [])]

    def _is_repeated(self, notice: Notice) -> bool:
        since = notice.at - timedelta(seconds=self._settings.same_for_sec)
        self._told = {known: at for known, at in self._told.items() if at > since}
        return (notice.kind, notice.key) in self._told
