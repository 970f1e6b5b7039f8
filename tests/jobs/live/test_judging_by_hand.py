"""A verdict that a person asks for has the loop's instant; in a whole life: tests/cli/test_relived_world_acts.py."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ledger_world import day, trained, verdict
from live_world import Turns
from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.ids import ModelVersion
from pawl.jobs.live import judging_by_hand
from pawl.jobs.live.judging_by_hand import judge_by_hand
from pawl.jobs.verdicts import Terms
from pawl.jobs.workspace import Workspace
from pawl.ledger.database import Ledger
from pawl.ledger.evaluations import NewEvaluation, list_reports
from pawl.ledger.live_log import live_entries
from pawl.ledger.schedule_runs import take_up


def test_a_verdict_and_its_act_are_dated_by_the_loop_and_stand_together(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, asked = ModelVersion("m002-1.0"), list[datetime]()

    def judged(workspace: Workspace, learner: Any, named: str, terms: Terms, now: datetime) -> NewEvaluation:
        asked.append(now)
        return NewEvaluation(version=version, baseline=None, verdict=verdict(is_first=True), figures={})

    monkeypatch.setattr(judging_by_hand, "new_verdict", judged)
    with ledger.transaction() as tx:
        trained(tx, version)
        take_up(tx, "live m002 signals", day(3), day(3))
    learner: Any = Turns()
    terms = Terms(costs=Costs(), gate=GateSettings(), seed=7)
    report = judge_by_hand(Workspace.at(tmp_path, ledger), learner, version, terms, day(9))
    with ledger.reading() as tx:
        (act,) = live_entries(tx, "m002", "act")
        assert list_reports(tx, version) == [report]
    assert asked == [day(3)] and report.created_at == act.at == day(3)
    assert (act.name, act.payload["version"], act.payload["behind"]["cycle"]) == ("judge", version, "signals")
