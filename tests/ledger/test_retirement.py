"""Giving versions up: what something may still ask for, and what the row says afterwards."""

import pytest
import sqlalchemy as sa

from ledger_world import START, day, judged, move, promoted, trained
from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import promote
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import get_version, require_files
from pawl.ledger.retirement import ever_served, give_up_files, in_use, removed_versions, retire
from pawl.ledger.version_tables import model_versions

FIRST, SECOND, THIRD = (ModelVersion(f"m002-1.{minor}") for minor in range(3))


def test_champion_rollback_target_arms_and_versions_in_a_rollout_are_in_use(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for on, version in enumerate((FIRST, SECOND, THIRD), 1):
            promoted(tx, version, on=on)
        for minor in range(3, 8):
            trained(tx, f"m002-1.{minor}")
        for minor, status in ((5, "shadow"), (6, "canary")):
            chosen = model_versions.c.version == f"m002-1.{minor}"
            tx.execute(sa.update(model_versions).where(chosen).values(status=status))
        arms = {"model_a_version": THIRD, "model_b_version": "m002-1.3", "learner": "m002"}
        tx.execute(sa.insert(ab_tests).values(id=identity("t", 1), test_name="running", start_date=START, **arms))
        over = {"model_a_version": FIRST, "model_b_version": "m002-1.4", "status": "stopped", "learner": "m002"}
        tx.execute(sa.insert(ab_tests).values(id=identity("t", 2), test_name="over", start_date=START, **over))
        found = in_use(tx, "m002", "policy")
        assert ever_served(tx, "m002", "policy") == {FIRST, SECOND, THIRD}
    assert found == {
        THIRD: "the champion",
        SECOND: "the rollback target",
        "m002-1.3": "an arm of the running A/B test",
        "m002-1.5": "in a rollout",
        "m002-1.6": "in a rollout",
    }


def test_a_retired_version_says_when_and_why(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, FIRST, on=1)
        trained(tx, SECOND)
        assert retire(tx, SECOND, "lost money", day(31))
        assert not retire(tx, SECOND, "again", day(40))
        assert not retire(tx, FIRST, "it serves", day(31))
        row = tx.execute(sa.select(model_versions).where(model_versions.c.version == SECOND)).one()
    assert (row.status, row.deprecated_at, row.deprecated_reason) == ("retired", day(31), "lost money")


def test_a_version_without_files_keeps_its_row_and_never_serves_again(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, FIRST, on=1)
        trained(tx, SECOND)
        report = judged(tx, SECOND, on=2)
        give_up_files(tx, [SECOND], "old", day(31))
        found = get_version(tx, SECOND)
        assert (found.status, found.files_removed_at) == ("retired", day(31))
        assert [one.version for one in removed_versions(tx)] == [SECOND]
        with pytest.raises(RefusalError, match=r"the files of `m002-1\.1` were given up on 2024-02-01"):
            promote(tx, SECOND, report.eval_id, move(32))
        for unfit in (FIRST, SECOND):
            with pytest.raises(RefusalError, match="cannot be given up"):
                give_up_files(tx, [unfit], "old", day(32))


def test_what_was_retired_before_keeps_its_reason(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        trained(tx, SECOND)
        retire(tx, SECOND, "lost money", day(3))
        give_up_files(tx, [SECOND], "old", day(31))
        row = tx.execute(sa.select(model_versions).where(model_versions.c.version == SECOND)).one()
    assert (row.deprecated_at, row.deprecated_reason, row.files_removed_at) == (day(3), "lost money", day(31))


def test_files_that_stand_are_asked_for_freely() -> None:
    require_files(FIRST, None)
    with pytest.raises(RefusalError, match="choose a kept version"):
        require_files(FIRST, START)
