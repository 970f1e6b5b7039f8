"""What was used up before a first version is used up again, and no more of it."""

from ledger_world import START, day, failed, promoted, trained
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.train_jobs import STOPPED, NewJob, count_jobs, enqueue_job, start_job
from pawl.ledger.used_numbers import UsedNumber, use_up, used_before_first
from pawl.ledger.version_number import VersionNumber, claim_number, count_numbers, keep_number


def lived(ledger: Ledger) -> None:
    """A stop, a death, and a first version; then a failure, and another learner."""
    with ledger.transaction() as tx:
        for minor in range(4):
            keep_number(tx, VersionNumber("m002", 1, minor), START)
        failed(tx, "m002-1.0", STOPPED, day(1))
        died = NewJob(version=ModelVersion("m002-1.1"), dataset_version_ids=[], hyperparams={})
        start_job(tx, enqueue_job(tx, died, day(2)), day(2))
        promoted(tx, "m002-1.2", on=3)
        failed(tx, "m002-1.3", "out of memory", day(4))
        trained(tx, "m002-1.4")
        failed(tx, "reversal-3.3", STOPPED, day(1))


def test_what_came_before_the_first_version_is_told_with_its_end(ledger: Ledger) -> None:
    lived(ledger)
    with ledger.reading() as tx:
        assert used_before_first(tx, "m002") == (
            UsedNumber(version=ModelVersion("m002-1.0"), at=day(1), error=STOPPED),
            UsedNumber(version=ModelVersion("m002-1.1"), at=day(2), error=None),
        )
        assert used_before_first(tx, "reversal") == used_before_first(tx, "nobody") == ()


def test_used_up_again_the_next_number_is_that_of_the_first_version(ledger: Ledger, empty_twin: Ledger) -> None:
    lived(ledger)
    empty_twin.make_current()
    with ledger.reading() as tx:
        used = used_before_first(tx, "m002")
    with empty_twin.transaction() as tx:
        use_up(tx, used)
        assert count_jobs(tx) == {"stopped": 1, "running": 1}
        assert count_numbers(tx, "m002") == 2 and claim_number(tx, "m002", day(3)).version == "m002-1.2"
