"""The alias moves forward by a passing verdict against today's champion, and back by one."""

import pytest
import sqlalchemy as sa

from ledger_world import day, judged, move, promoted, trained
from pawl.errors import InputError, NotFoundError, RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import Deployment, active_at, list_deployments, preceding, promote, roll_back
from pawl.ledger.evaluations import EvaluationReport
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import champion, get_version, list_versions
from pawl.ledger.trigger_firings import NewFiring, end_pause, record_firing

V0, V1, V2 = (ModelVersion(f"m002-1.{minor}") for minor in range(3))


def alias(ledger: Ledger) -> tuple[ModelVersion | None, int]:
    with ledger.reading() as tx:
        return champion(tx, "m002"), len(list_deployments(tx, "m002"))


def refused(ledger: Ledger, version: ModelVersion, report: EvaluationReport, because: str) -> None:
    """The promotion is refused, and nothing moves."""
    before = alias(ledger)
    with pytest.raises(RefusalError, match=because), ledger.transaction() as tx:
        promote(tx, version, report.eval_id, move(9))
    assert alias(ledger) == before


def test_pass_r35_a_passing_verdict_against_todays_champion_moves_the_alias(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, V0, on=1)
        trained(tx, V1)
        report = judged(tx, V1, on=2)
        row = promote(tx, V1, report.eval_id, move(3, "better by 1.5 bps"))
    assert row.from_version == V0
    with ledger.reading() as tx:
        old, new = get_version(tx, V0), get_version(tx, V1)
        assert list_deployments(tx, "m002")[-1] == row
    assert (old.status, old.is_active, new.status, new.is_active) == ("retired", False, "champion", True)
    assert new.deployed_at == day(3)
    assert (row.what, row.to_version, row.eval_id, row.reason) == ("promote", V1, report.eval_id, "better by 1.5 bps")


def test_pass_r35_a_failed_verdict_moves_nothing(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, V0, on=1)
        trained(tx, V1)
        report = judged(tx, V1, passes=False)
    refused(ledger, V1, report, "the gate refused `m002-1.1`: gain")


def test_pass_r35_a_verdict_on_another_version_moves_nothing(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, V0, on=1)
        trained(tx, V1)
        trained(tx, V2)
        report = judged(tx, V2)
    refused(ledger, V1, report, "the verdict is on `m002-1.2`, not on `m002-1.1`")


def test_pass_r35_a_verdict_against_yesterdays_champion_moves_nothing(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, V0, on=1)
        trained(tx, V1)
        report = judged(tx, V1)
        promoted(tx, V2, on=2)
    refused(ledger, V1, report, "was measured against `m002-1.0`, but `m002-1.2` serves now")


def test_pass_r35_a_first_verdict_is_worthless_once_something_serves(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        trained(tx, V1)
        report = judged(tx, V1)
        promoted(tx, V0, on=1)
    refused(ledger, V1, report, "was measured against nothing, but `m002-1.0` serves now")


def test_pass_r35_only_the_newest_verdict_counts(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, V0, on=1)
        trained(tx, V1)
        report = judged(tx, V1)
        judged(tx, V1, passes=False)
    refused(ledger, V1, report, "has been judged again")


def test_pass_r35_nothing_else_writes_the_alias() -> None:
    """The alias is a column; the code that sets it stands in one place."""
    from pathlib import Path

    import pawl

    root = Path(pawl.__file__).parent
    writers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if '"is_active":' in path.read_text() or "is_active=True" in path.read_text()
    }
    assert writers == {"ledger/deployments.py"}


def test_the_champion_is_not_promoted_again_and_unknown_reports_are_named(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        first = promoted(tx, V0, on=1)
    assert first.eval_id is not None
    with pytest.raises(RefusalError, match="serves already"), ledger.transaction() as tx:
        promote(tx, V0, first.eval_id, move(2))
    with pytest.raises(NotFoundError, match="no evaluation"), ledger.transaction() as tx:
        promote(tx, V0, identity("evaluation", "none"), move(2))


def test_a_promotion_whose_transaction_fails_never_happened(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, V0, on=1)
    before = alias(ledger)
    with pytest.raises(ZeroDivisionError), ledger.transaction() as tx:
        promoted(tx, V1, on=2)
        _ = 1 / 0
    assert alias(ledger) == before
    with pytest.raises(NotFoundError), ledger.reading() as tx:
        get_version(tx, V1)


def three(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number, version in enumerate((V0, V1, V2), start=1):
            promoted(tx, version, on=10 * number)


def back(ledger: Ledger, to: ModelVersion, on: int) -> Deployment:
    with ledger.transaction() as tx:
        return roll_back(tx, "m002", "policy", to, move(on, "lost 12 days in a row"))


def test_rollback_goes_to_the_directly_preceding_version_and_never_to_and_fro(ledger: Ledger) -> None:
    three(ledger)
    row = back(ledger, V1, 40)
    assert (row.what, row.from_version, row.to_version, row.eval_id) == ("rollback", V2, V1, None)
    assert back(ledger, V0, 41).to_version == V0
    with pytest.raises(RefusalError, match="nothing served before"):
        back(ledger, V1, 42)
    with ledger.reading() as tx:
        kept = [one.to_version for one in list_deployments(tx, "m002")]
        old = get_version(tx, V2)
    assert kept == [V0, V1, V2, V1, V0]
    assert old.status == "retired"


def test_rev_r40_a_rollback_may_go_further_back_in_one_step(ledger: Ledger) -> None:
    """What lies between is gone with it: it comes back by a verdict alone. The log says who went back, when and why;
    what never served is no way back, and a refusal leaves no row.
    """
    three(ledger)
    with ledger.transaction() as tx:
        trained(tx, "m002-1.9")
    for other in ("m002-1.9", "m002-7.7", V2):
        with pytest.raises(RefusalError, match="did not serve before"):
            back(ledger, ModelVersion(other), 40)
    assert alias(ledger) == (V2, 3)
    row = back(ledger, V0, 40)
    with ledger.reading() as tx:
        assert list_deployments(tx, "m002")[3:] == [row]
        versions = {one.version: (one.status, one.is_active) for one in list_versions(tx, "m002")}
    assert (row.what, row.number, row.from_version, row.to_version, row.eval_id) == ("rollback", 4, V2, V0, None)
    assert (row.by, row.reason, row.at) == ("test", "lost 12 days in a row", day(40))
    assert (versions[V0], versions[V1], versions[V2]) == (("champion", True), ("retired", False), ("retired", False))
    for other in (V1, V2):
        with pytest.raises(RefusalError, match="nothing served before"):
            back(ledger, other, 41)
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.3", on=50)
        assert preceding(tx, "m002") == V0


def test_rollback_to_anything_else_is_refused(ledger: Ledger) -> None:
    three(ledger)
    before = alias(ledger)
    for other in (V2, ModelVersion("m002-9.9")):
        with pytest.raises(RefusalError, match=r"go back to one of m002-1\.1, m002-1\.0"):
            back(ledger, other, 40)
    assert alias(ledger) == before


def test_rollback_where_nothing_serves_is_refused(ledger: Ledger) -> None:
    with pytest.raises(RefusalError, match="no version of `m002` serves"):
        back(ledger, V0, 1)


def test_after_a_rollback_a_promotion_builds_on_what_serves(ledger: Ledger) -> None:
    three(ledger)
    back(ledger, V1, 40)
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.3", on=50)
        assert preceding(tx, "m002") == V1


def test_the_log_says_which_version_decided_at_any_time(ledger: Ledger) -> None:
    three(ledger)
    back(ledger, V1, 40)
    expected = {0: None, 10: None, 11: V0, 20: V0, 21: V1, 30: V1, 31: V2, 40: V2, 41: V1, 400: V1}
    with ledger.reading() as tx:
        assert {on: active_at(tx, "m002", day(on)) for on in expected} == expected
        assert active_at(tx, "reversal", day(400)) is None


def test_a_move_before_the_last_one_is_refused(ledger: Ledger) -> None:
    three(ledger)
    with pytest.raises(InputError, match="would come before the last one"):
        back(ledger, V1, 29)


def test_learners_are_moved_apart(ledger: Ledger) -> None:
    three(ledger)
    with ledger.transaction() as tx:
        trained(tx, "reversal-3.3")
        before = tx.execute(sa.text("SELECT * FROM model_versions WHERE learner = 'm002' ORDER BY version")).all()
    back(ledger, V1, 40)
    with ledger.reading() as tx:
        assert champion(tx, "reversal") is None
        assert len(before) == 3


def test_rev_r42_a_pause_holds_every_promotion_and_no_rollback(ledger: Ledger) -> None:
    """REV-R42: whoever promotes, worker, rollout or person; the way back stays open."""
    pause = NewFiring(learner="m002", kind="extreme_conditions", effect="pause", at=day(5), reason="wild")
    with ledger.transaction() as tx:
        promoted(tx, V0, on=1)
        promoted(tx, V1, on=2)
        trained(tx, V2)
        report = judged(tx, V2, on=3)
        record_firing(tx, pause)
    refused(ledger, V2, report, "paused")
    with ledger.transaction() as tx:
        assert roll_back(tx, "m002", "policy", V0, move(6)).to_version == V0
    with ledger.transaction() as tx:
        end_pause(tx, "m002", day(7), "pawl triggers", "seen")
        again = judged(tx, V2, on=8)
        assert promote(tx, V2, again.eval_id, move(8)).to_version == V2
