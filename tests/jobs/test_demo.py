"""The demo on a shrunken market: every step is the real one."""

import polars as pl
import pytest

from pawl.evaluation.costs import Costs
from pawl.jobs.demo import DEMO_PROFILE, Demo, DemoOrder, run_demo
from pawl.jobs.workspace import Workspace
from pawl.market.limits import QualityLimits
from small_workspace import DAILY, NOW, TO, shrink_demo

ORDER = DemoOrder(now=NOW, seed=7, costs=Costs(), limits=QualityLimits(), n_jobs=1)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.at(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def stages() -> list[str]:
    return []


@pytest.fixture(scope="module")
def done(workspace: Workspace, stages: list[str]) -> Demo:
    with pytest.MonkeyPatch.context() as patch:
        shrink_demo(patch)
        return run_demo(workspace, ORDER, lambda stage, fraction: stages.append(stage))


def test_the_market_is_stored_and_checked(workspace: Workspace, done: Demo) -> None:
    assert (done.merge.added, done.merge.quarantined, done.merge.tickers) == (1600, 0, ("ALPHA", "BRAVO"))
    assert done.quality.rows == {"ALPHA": 800, "BRAVO": 800}
    assert {done.quality.verdict(ticker) for ticker in done.quality.rows} == {"ok"}


def test_every_feature_is_proved_on_every_bar(done: Demo) -> None:
    assert done.proof.mismatches == 0
    assert done.proof.cells == len(done.proof.features) * 1600


def test_the_version_has_read_nothing_from_the_cut_on_and_is_scored_on_what_came_after(
    workspace: Workspace, done: Demo
) -> None:
    certificate = done.trained.record.certificate
    assert certificate.max_ts < TO
    assert certificate.max_t1 <= TO
    assert done.tested.data.start == certificate.first_allowed > certificate.max_t1
    last = workspace.silver.scan(DAILY).select(pl.col("ts").max()).collect().item()
    assert done.tested.scored.bars["ts"].max() == last


def test_the_page_says_that_it_is_the_demo(workspace: Workspace, done: Demo) -> None:
    page = (workspace.home / "report.html").read_text(encoding="utf-8")
    assert DEMO_PROFILE in page
    assert done.trained.record.version in page


def test_progress_goes_from_the_market_to_the_report(done: Demo, stages: list[str]) -> None:
    distinct = list(dict.fromkeys(stages))
    assert distinct[0] == "simulated market"
    assert distinct[-1] == "report"
    assert {"regime classifiers", "head", "intervals"} <= {*distinct}


def test_run_again_it_adds_a_version_on_equal_bars_with_equal_figures(workspace: Workspace, done: Demo) -> None:
    with pytest.MonkeyPatch.context() as patch:
        shrink_demo(patch)
        again = run_demo(workspace, ORDER, lambda stage, fraction: None)
    assert (again.merge.added, again.merge.unchanged) == (0, 1600)
    assert (done.trained.record.version, again.trained.record.version) == ("m002-1.0", "m002-1.1")
    for first, second in (
        (dict(done.trained.record.metrics), dict(again.trained.record.metrics)),
        (dict(done.tested.scored.model.metrics), dict(again.tested.scored.model.metrics)),
    ):
        # Two trials are now on record, so the same Sharpe ratio is worth less.
        assert second.pop("deflated_sharpe") < first.pop("deflated_sharpe")
        assert second == pytest.approx(first, nan_ok=True, rel=0, abs=0)
