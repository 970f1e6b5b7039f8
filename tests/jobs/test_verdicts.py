"""Verdicts in a workspace: against what serves, on bars that neither has read, and every look counted."""

from datetime import timedelta

import pytest

from pawl.errors import RefusalError
from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs import verdicts
from pawl.jobs.evaluation import Span
from pawl.jobs.training import train
from pawl.jobs.training_data import dataset_of, training_data
from pawl.jobs.verdicts import Terms, judge_version
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002, M002Variant
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import count_trials
from pawl.registry.versions import Claim, VersionRecord
from small_workspace import NOW, SMALL, TO, fill, nobody, order

LEARNER = M002(SMALL, M002Variant.LINEAR)
TERMS = Terms(costs=Costs(), gate=GateSettings(), seed=7)


@pytest.fixture
def pair(workspace: Workspace) -> tuple[VersionRecord, VersionRecord]:
    """A champion, and a challenger that was trained half a year later."""
    fill(workspace)
    first = train(workspace, LEARNER, order(to=TO - timedelta(days=180)), nobody).record
    report = judge_version(workspace, LEARNER, first.version, TERMS, NOW)
    with workspace.versions.ledger.transaction() as tx:
        promote(tx, first.version, report.eval_id, Move(by="test", reason="first", at=NOW))
    return first, train(workspace, LEARNER, order(), nobody).record


def test_both_are_scored_from_the_first_bar_that_neither_has_read(
    workspace: Workspace, pair: tuple[VersionRecord, VersionRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    champion, challenger = pair
    spans: list[Span] = []
    real = verdicts.score
    monkeypatch.setattr(verdicts, "score", lambda *args: (spans.append(args[3]), real(*args))[1])
    report = judge_version(workspace, LEARNER, challenger.version, TERMS, NOW)
    assert report.baseline == champion.version
    assert spans[0] == spans[1]
    # The champion's certificate ends before the challenger's reported block begins, or else it decides the start.
    assert spans[0].start >= champion.certificate.first_allowed
    assert spans[0].start + timedelta(days=1) >= challenger.certificate.scored_from
    assert spans[0].start < challenger.certificate.max_t1


def test_a_challenger_that_has_read_more_than_the_champion_ever_saw_still_waits_for_the_champions_unread_bars(
    workspace: Workspace, pair: tuple[VersionRecord, VersionRecord]
) -> None:
    """A champion that has read everything there is leaves nothing to compare on: no verdict but a refusal."""
    everything = train(workspace, LEARNER, order(to=NOW), nobody).record
    report = judge_version(workspace, LEARNER, everything.version, TERMS, NOW)
    with workspace.versions.ledger.transaction() as tx:
        tx.exec_driver_sql("UPDATE model_versions SET is_active = 0, status = 'retired'")
        tx.exec_driver_sql(
            f"UPDATE model_versions SET is_active = 1, status = 'champion' WHERE version = '{everything.version}'"
        )
    again = judge_version(workspace, LEARNER, pair[1].version, TERMS, NOW)
    assert report.baseline == pair[0].version
    assert not again.verdict.passed
    assert all("rests on 0" in reason or "could not be computed" in reason for reason in again.verdict.reasons)


def test_every_number_and_every_further_look_is_a_trial(
    workspace: Workspace, pair: tuple[VersionRecord, VersionRecord]
) -> None:
    version = pair[1].version
    for expected in (2, 3, 4):
        with workspace.versions.ledger.reading() as tx:
            assert count_trials(tx, version) == expected
        report = judge_version(workspace, LEARNER, version, TERMS, NOW)
        sharpe = next(row for row in report.verdict.rows if row.metric == "deflated_sharpe")
        assert f"{expected} trials" in sharpe.challenger.note  # type: ignore[union-attr]


def test_a_number_is_a_trial_when_its_training_has_ended(
    workspace: Workspace, pair: tuple[VersionRecord, VersionRecord]
) -> None:
    """Also where it failed. Until then it has shown nothing, and when it was taken makes no difference to a look."""
    versions = workspace.versions
    dataset = dataset_of(LEARNER, order(), training_data(workspace, LEARNER, order()))

    def n_trials() -> int:
        with versions.ledger.reading() as tx:
            return count_trials(tx, pair[1].version)

    assert n_trials() == 2
    with pytest.raises(RuntimeError):
        with versions.training(Claim(learner=LEARNER.spec.name, dataset=dataset, seed=7), NOW):
            assert (n_trials(), versions.count(LEARNER.spec.name)) == (2, 3)
            raise RuntimeError
    assert n_trials() == 3


def test_the_champion_itself_is_not_judged(workspace: Workspace, pair: tuple[VersionRecord, VersionRecord]) -> None:
    with pytest.raises(RefusalError, match="serves already"):
        judge_version(workspace, LEARNER, pair[0].version, TERMS, NOW)
