"""Makes the reports that users asked for, one after the other, behind the requests."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Self
from uuid import UUID

from pawl.errors import StorageError
from pawl.jobs.learning_status import PassportRules
from pawl.jobs.user_reporting import generate_report
from pawl.ledger.database import Ledger
from pawl.ledger.user_reports import fail_report, start_report, unfinished_reports

__all__ = ["ReportMaker"]

LOG = logging.getLogger("pawl.reports")


class ReportMaker:
    """One thread that makes reports, while its block runs. The queue is the ledger's: what is not made before the block
    ends is taken up by the next one as it begins.
    """

    def __init__(self, ledger: Ledger, rules: PassportRules, now: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self.rules = rules
        self.now = now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pawl-reports")

    def __enter__(self) -> Self:
        self.resume()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, report_id: UUID) -> "Future[bool]":
        """Make a report soon; whether it was made here."""
        return self._thread.submit(self._make, report_id)

    def resume(self) -> int:
        """Take up every report that waits or was cut off; how many."""
        with self.ledger.reading() as tx:
            waiting = unfinished_reports(tx)
        for report_id in waiting:
            self.submit(report_id)
        return len(waiting)

    def close(self) -> None:
        """End after the report that is being made; the others stay queued."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _make(self, report_id: UUID) -> bool:
        try:
            return generate_report(self.ledger, report_id, self.rules, self.now())
        except StorageError:
            LOG.exception("report %s waits: the ledger did not answer", report_id)
            return False
        except Exception:
            LOG.exception("report %s cannot be made", report_id)
            with self.ledger.transaction() as tx:
                start_report(tx, report_id)  # the fault may have come before it was begun
                return fail_report(tx, report_id, "a fault in the server", self.now())
