"""Who runs a cycle: one holder at a time."""

from pathlib import Path

from pawl.jobs.live.lease import Lease
from pawl.ledger.database import Ledger


def test_a_lease_has_one_holder_until_it_lets_go(ledger: Ledger, tmp_path: Path) -> None:
    first, second, other = (Lease(ledger, tmp_path, name) for name in ("live x all", "live x all", "live y all"))
    assert first.take() and first.take()
    assert not second.take() and other.take()
    first.release()
    assert second.take() and not first.take()
    for one in (first, second, other):
        one.release()
    with first:
        assert first.take()
    assert second.take()
    second.release()
