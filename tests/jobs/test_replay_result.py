"""What the gate was worth: the figures of each policy, and the difference a decision makes, by hand."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pawl.evaluation.costs import Costs
from pawl.jobs.replay_result import PolicyResult, figures_json
from pawl.jobs.replaying import SealedReplay
from pawl.jobs.workspace import Workspace
from pawl.market.calendars import ALWAYS
from small_replay import ORDER, run
from small_workspace import DAILY, NOW, fill


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> SealedReplay:
    """AAA and BBB from the start, LATE from the second training on."""
    workspace = Workspace.at(tmp_path_factory.mktemp("results"))
    fill(workspace)
    late = workspace.silver.scan(DAILY, ["AAA"]).collect().drop("available_at", "session").slice(100, 600)
    workspace.silver.merge(late.with_columns(ticker=pl.lit("LATE")), DAILY, ALWAYS, source="test", now=NOW)
    return run(workspace.home)


def returns(one: PolicyResult) -> dict[tuple[str, object], float]:
    frame = one.backtest.returns
    return {(ticker, ts): value for ticker, ts, value in frame.select("ticker", "ts", "net_return").iter_rows()}


def test_a_difference_is_the_mean_over_days_of_what_the_decisions_brought(sealed: SealedReplay) -> None:
    gated, always = (sealed.result.policies[name] for name in ("gated", "always"))
    ours, theirs = returns(gated), returns(always)
    first = {ticker: ts for ticker, ts in always.decisions.group_by("ticker").agg(pl.col("ts").min()).iter_rows()}
    assert first["LATE"] > first["AAA"]
    by_day: dict[object, list[float]] = {}
    for (ticker, ts), value in ours.items():
        if (
            ts > first[ticker]
        ):  # the bar after a decision; LATE counts from its first one on, and dilutes nothing before
            by_day.setdefault(ts, []).append(value - theirs[ticker, ts])
    means = [sum(day) / len(day) for day in by_day.values()]
    expected = sum(means) / len(means) * 1e4
    found = sealed.result.differences["gated_minus_always"]
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.value != 0
    assert found.low <= found.value <= found.high


def test_a_policy_that_served_the_same_differs_by_nothing(sealed: SealedReplay) -> None:
    assert [one.is_promoted for one in sealed.result.candidates] == [True, False, False, False]
    found = sealed.result.differences["gated_minus_frozen"]
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_figures_leave_with_their_counts(sealed: SealedReplay) -> None:
    names = ["net_return", "sharpe", "max_drawdown", "hit_rate", "turnover", "promotions", "refusals", "rollbacks"]
    for policy, one in sealed.result.policies.items():
        figures = figures_json(one)
        assert list(figures) == names
        assert figures["promotions"] + figures["refusals"] == 4
        compounded = 1.0
        for value in one.backtest.equity["net_return"]:
            compounded *= 1 + value
        assert figures["net_return"] == pytest.approx(compounded - 1), policy


def test_costs_are_taken_off(tmp_path: Path, sealed: SealedReplay) -> None:
    workspace = Workspace.at(tmp_path)
    fill(workspace)
    free = run(tmp_path, replace(ORDER, costs=Costs(fee_bps=0, slippage_bps=0), policies=("frozen",)))
    paid = run(tmp_path, replace(ORDER, policies=("frozen",)))
    assert (
        figures_json(free.result.policies["frozen"])["net_return"]
        > (figures_json(paid.result.policies["frozen"])["net_return"])
    )
