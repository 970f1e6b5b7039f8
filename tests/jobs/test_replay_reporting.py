"""What the page of a replay is given: each figure as the replay measured it."""

from pathlib import Path

import polars as pl
import pytest

from pawl.evaluation.calibration import brier, ece
from pawl.jobs.replay_plan import steps
from pawl.jobs.replay_reporting import replay_report, write_replay_page
from pawl.jobs.replaying import SealedReplay
from pawl.jobs.workspace import Workspace
from small_replay import ORDER, learner, run
from small_workspace import fill


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("reported")
    fill(Workspace.at(home))
    return home


@pytest.fixture(scope="module")
def sealed(home: Path) -> SealedReplay:
    return run(home)


def test_every_policy_carries_the_figures_and_curve_of_the_replay(sealed: SealedReplay) -> None:
    report = replay_report(learner(), sealed)
    assert [one.name for one in report.policies] == ["gated", "always", "frozen"]
    for one in report.policies:
        measured = sealed.result.policies[one.name]
        assert one.figures == measured.figures
        assert (one.promotions, one.refusals, one.rollbacks) == tuple(measured.counts.values())
        assert one.equity["equity"].equals(measured.backtest.equity["equity"])
        assert one.equity["drawdown"].max() == 0
        assert one.equity["drawdown"].min() == -measured.figures["max_drawdown"]
        counted = one.actions.select(pl.sum_horizontal("n_long", "n_short", "n_flat").sum()).item()
        assert counted == measured.decisions.height == report.n_decisions / 3


def test_calibration_is_that_of_each_step_by_itself(sealed: SealedReplay) -> None:
    plan = steps(ORDER)
    frozen = sealed.result.policies["frozen"].decisions
    labels = learner().label(sealed.bars).select("ticker", "ts", "target").drop_nulls()
    found = replay_report(learner(), sealed).policies[2].calibration
    assert found["begin"].to_list() == [step.begin for step in plan]
    for row, step in zip(found.iter_rows(named=True), plan, strict=True):
        ours = frozen.filter(step.holds()).join(labels, on=["ticker", "ts"]).drop_nulls("probability")
        assert row["n"] == ours.height
        if ours.height:
            probability, target = ours["probability"].to_numpy(), ours["target"].cast(pl.Float64).to_numpy()
            assert row["ece"] == pytest.approx(ece(probability, target))
            assert row["brier"] == pytest.approx(brier(probability, target))
            assert row["base_rate"] == pytest.approx(target.mean())
    # The last step has two bars left, whose labels read five bars ahead: nothing to judge, and no zero either.
    assert found.row(-1, named=True) == {"begin": plan[-1].begin, "n": 0, "ece": None, "brier": None, "base_rate": None}


def test_candidates_moves_and_the_seal_stand_on_it(sealed: SealedReplay) -> None:
    report = replay_report(learner(), sealed, "demo")
    assert [(one.version, one.champion) for one in report.candidates] == [
        (one.record.version, one.champion) for one in sealed.result.candidates
    ]
    assert [one.to_version for one in report.moves] == [
        one.record.version for one in sealed.result.candidates if one.is_promoted
    ]
    assert (report.ledger_hash, report.tickers, report.profile) == (sealed.ledger_hash, ("AAA", "BBB"), "demo")


def test_the_page_lies_beside_the_log_and_is_the_newest_of_the_workspace(home: Path, sealed: SealedReplay) -> None:
    written = write_replay_page(Workspace.at(home), learner(), sealed)
    assert (written.path, written.newest) == (sealed.home / "report.html", home / "report.html")
    assert written.path.read_bytes() == written.newest.read_bytes()
    assert sealed.ledger_hash in written.path.read_text(encoding="utf-8")
