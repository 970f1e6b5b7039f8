"""Reports are stored in full, decide about a version, and never change."""

import math
from dataclasses import replace

import pytest
import sqlalchemy as sa

from ledger_world import GATE, START, day, judged, new_version, promoted, trained, verdict
from pawl.errors import InputError, RefusalError
from pawl.gates.figure import Figure
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.evaluations import NewEvaluation, get_report, list_reports, newest_report, record_evaluation
from pawl.ledger.model_versions import get_version, record_version
from pawl.ledger.training_tables import eval_reports

V0, V1 = ModelVersion("m002-1.0"), ModelVersion("m002-1.1")


def test_a_report_comes_back_whole_with_the_figures_that_were_not_finite(ledger: Ledger) -> None:
    odd = GATE.judge({}, {"gain": Figure(math.inf, 3)})
    new = NewEvaluation(version=V1, baseline=V0, verdict=odd, figures={"sharpe": math.nan, "hit_rate": 0.5})
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        job = trained(tx, "m002-1.1")
        report = record_evaluation(tx, new, day(2))
    with ledger.reading() as tx:
        found = get_report(tx, report.eval_id)
        row = tx.execute(sa.select(eval_reports).where(eval_reports.c.model_version == V1)).one()
    assert found == replace(report, figures={"sharpe": None, "hit_rate": 0.5})
    assert found.verdict == odd
    assert (row.gate_result, row.eval_scope, row.train_job_id) == ("fail", "offline", job)


def test_the_newest_report_decides_whether_a_version_is_a_challenger_or_refused(ledger: Ledger) -> None:
    seen = []
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        assert newest_report(tx, V1) is None
        for passes in (False, True, False):
            report = judged(tx, "m002-1.1", passes=passes)
            assert newest_report(tx, V1) == report
            stored = get_version(tx, "m002-1.1")
            seen.append((stored.status, stored.verdict, stored.eval_id == report.eval_id))
        assert [report.number for report in list_reports(tx, V1)] == [1, 2, 3]
    assert seen == [("refused", "fail", True), ("challenger", "pass", True), ("refused", "fail", True)]


def test_judging_the_champion_again_does_not_take_it_down(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        against = NewEvaluation(version=V0, baseline=V1, verdict=verdict(passes=False), figures={})
        record_evaluation(tx, against, day(2))
        assert get_version(tx, "m002-1.0").status == "champion"


def test_a_version_without_a_training_job_is_not_judged(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        record_version(tx, new_version("m002-1.0"), START)
        with pytest.raises(RefusalError, match="no training job"):
            judged(tx, "m002-1.0")


@pytest.mark.parametrize(("is_first", "baseline"), [(True, V0), (False, None)])
def test_a_verdict_that_does_not_fit_its_baseline_is_refused(
    ledger: Ledger, is_first: bool, baseline: ModelVersion | None
) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        new = NewEvaluation(version=V1, baseline=baseline, verdict=verdict(is_first=is_first), figures={})
        with pytest.raises(InputError, match="do not belong together"):
            record_evaluation(tx, new, day(2))
