"""The demo on a shrunken market: every step is the real one. And the promise of the whole demo, kept once."""

import pytest

from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.demo import DEMO_PROFILE, Demo, DemoOrder, run_demo
from pawl.jobs.demo_market import REGIME_CHANGE, WHIPSAW_END
from pawl.jobs.replaying import Watch
from pawl.jobs.workspace import Workspace
from pawl.market.limits import QualityLimits
from small_replay import WATCH
from small_workspace import NOW, nobody, shrink_demo

ORDER = DemoOrder(now=NOW.replace(year=2026), costs=Costs(), gate=GateSettings(), limits=QualityLimits(), n_jobs=1)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.at(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def stages() -> list[str]:
    return []


@pytest.fixture(scope="module")
def done(workspace: Workspace, stages: list[str]) -> Demo:
    watch = Watch(on_stage=lambda stage, fraction: stages.append(stage), on_step=lambda progress: None)
    with pytest.MonkeyPatch.context() as patch:
        shrink_demo(patch)
        return run_demo(workspace, ORDER, watch)


def test_the_market_is_stored_and_checked(done: Demo) -> None:
    assert (done.merge.added, done.merge.quarantined, done.merge.tickers) == (1600, 0, ("ALPHA", "BRAVO"))
    assert done.quality.rows == {"ALPHA": 800, "BRAVO": 800}
    assert {done.quality.verdict(ticker) for ticker in done.quality.rows} == {"ok"}


def test_every_feature_is_proved_on_every_bar(done: Demo) -> None:
    assert done.proof.mismatches == 0
    assert done.proof.cells == len(done.proof.features) * 1600


def test_the_page_says_that_it_is_the_demo(workspace: Workspace, done: Demo) -> None:
    page = (workspace.home / "report.html").read_text(encoding="utf-8")
    assert DEMO_PROFILE in page
    assert all(one.record.version in page for one in done.sealed.result.candidates)
    assert done.sealed.ledger_hash in page


def test_progress_goes_from_the_market_to_the_report(done: Demo, stages: list[str]) -> None:
    distinct = list(dict.fromkeys(stages))
    assert distinct == ["simulated market", "proving the features point-in-time", "replaying", "report"]


def test_run_again_it_replays_equal_bars_to_the_same_hash(workspace: Workspace, done: Demo) -> None:
    with pytest.MonkeyPatch.context() as patch:
        shrink_demo(patch)
        again = run_demo(workspace, ORDER, WATCH)
    assert (again.merge.added, again.merge.unchanged) == (0, 1600)
    assert again.sealed.ledger_hash == done.sealed.ledger_hash
    assert again.sealed.home != done.sealed.home


@pytest.mark.soak
def test_the_whole_demo_keeps_its_promise(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One change after which a retrained version is better, one stretch in which retraining hurts; the shipped gate."""
    whole = Workspace.at(tmp_path_factory.mktemp("whole"))
    result = run_demo(whole, ORDER, Watch(on_stage=nobody, on_step=lambda progress: None)).sealed.result
    first, *others = result.candidates
    assert first.is_promoted
    promoted = [one for one in others if one.is_promoted]
    assert promoted
    assert promoted[0].step.begin > REGIME_CHANGE
    misled = [one for one in others if one.step.begin > WHIPSAW_END]
    assert misled
    assert not any(one.is_promoted for one in misled)
    earned = {policy: one.figures["net_return"] for policy, one in result.policies.items()}
    assert earned["gated"] > max(earned["always"], earned["frozen"])
    assert all(found.low > 0 for found in result.differences.values())
