"""The accounts of a replay grow step by step, and a policy that serves nothing yet stays flat."""

from datetime import timedelta

import polars as pl

from pawl.jobs.replay import Answers, Judged, Played
from pawl.jobs.replay_accounts import Accounts
from pawl.jobs.replay_plan import Step
from small_replay import ORDER
from small_workspace import Trained


def played(trained: Trained, number: int, action: str, serving: tuple[str, ...]) -> tuple[Played, pl.DataFrame]:
    """A step of ten days in which one version says the same of every ticker."""
    begin = ORDER.start + timedelta(days=10 * number)
    step = Step(number, begin, begin + timedelta(days=10))
    bars = trained.workspace.silver.scan(trained.learner.spec.timeframe).collect()
    size = {"long": 1.0, "flat": 0.0}[action]
    decisions = bars.filter(step.holds()).select(
        "ticker", "ts", "available_at", action=pl.lit(action), position_size=pl.lit(size), probability=pl.lit(0.5)
    )
    record = trained.result.record
    judged = Judged.__new__(Judged)
    object.__setattr__(judged, "step", step)
    answers = {record.version: Answers(predictions=decisions, decisions=decisions)}
    serves = dict.fromkeys(serving, record.version)
    return Played(judged=judged, tickers=("AAA", "BBB"), left_out={}, serving=serves, answers=answers), bars


def test_accounts_hold_all_that_was_decided_so_far(trained: Trained) -> None:
    first, bars = played(trained, 0, "long", ("gated", "always", "frozen"))
    second, _ = played(trained, 1, "flat", ("gated", "always", "frozen"))
    accounts = Accounts(ORDER, bars)
    after_one, after_two = accounts.take(first), accounts.take(second)
    assert accounts.decisions("gated").height == 2 * 20
    assert after_one["gated"].equity["ts"].max() < after_two["gated"].equity["ts"].max()
    assert after_one["gated"].equity["exposure"].max() > 0


def test_a_policy_that_serves_nothing_yet_stays_flat(trained: Trained) -> None:
    step, bars = played(trained, 0, "long", ("always", "frozen"))
    traded = Accounts(ORDER, bars).take(step)
    assert traded["gated"].equity["net_return"].to_list() == [0.0] * 10
    assert traded["always"].equity["net_return"].abs().sum() > 0
