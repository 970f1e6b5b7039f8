"""What a weekly version is judged on (REV-R23 … R25): fields, unread rows, and nothing traded."""

import json
from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.gates.reversal_gate import weekly_gate
from pawl.jobs.evaluation import Rulebook, Span, score
from pawl.jobs.judging import Trials, judge_first
from pawl.learners.learner import Fit, FitContext
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_report import report_on, weekly_report
from pawl.learners.reversal_samples import ReversalSamples, windowed
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import SignalAnswers, SignalModel
from reversal_market import SMALL, fx_bars, small_reversal

COSTS = Costs(fee_bps=0.2, slippage_bps=0.2)


class Says:
    """A model that gives every window one class, or draws it."""

    def __init__(self, class_id: int | None) -> None:
        self.class_id = class_id
        self.class_prior = np.array([0.6, 0.2, 0.2])

    def predict_ends(self, sequences: Sequences, ends: np.ndarray) -> SignalAnswers:
        said = np.full(len(ends), self.class_id) if self.class_id is not None else (ends * 7919) % 11 % 3
        probabilities = np.full((len(ends), 3), 0.1)
        probabilities[np.arange(len(ends)), said] = 0.8
        return SignalAnswers(probabilities=probabilities, confidence=probabilities.max(axis=1))

    def importance(self) -> dict[str, float]:
        return {}

    def to_files(self) -> dict[str, bytes]:
        return {}


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return fx_bars()


@pytest.fixture(scope="module")
def fit(bars: pl.DataFrame) -> Fit[SignalModel]:
    return small_reversal().fit(bars, FitContext(seed=3))


def said_by(model: SignalModel, bars: pl.DataFrame, fit: Fit[SignalModel]) -> Fit[SignalModel]:
    return Fit(model=model, scored_from=fit.scored_from, metrics={})


def test_rev_r23_the_report_has_every_figure_and_field(bars: pl.DataFrame, fit: Fit[SignalModel]) -> None:
    report = weekly_report(small_reversal(), said_by(Says(None), bars, fit), bars, COSTS)
    written: Mapping[str, object] = json.loads(json.dumps(report.to_json()))
    named = {"precision", "recall", "f1_score", "confusion_matrix", "sharpe_ratio", "max_drawdown", "total_trades"}
    named |= {"winning_trades", "win_rate", "total_pnl", "avg_pnl"}
    assert named <= set(written)
    assert all(written[name] is not None for name in named)
    matrix = np.array(written["confusion_matrix"])
    assert matrix.shape == (3, 3)
    assert matrix.sum() == written["n"]
    assert report.trades.total_trades > 10


def test_rev_r23_its_classes_and_trades_are_those_of_the_learner_s_own_answers(
    bars: pl.DataFrame, fit: Fit[SignalModel]
) -> None:
    learner, model = small_reversal(), Says(None)
    report = weekly_report(learner, said_by(model, bars, fit), bars, COSTS)
    said = learner.predict(model, bars).filter(pl.col("available_at") >= fit.scored_from)
    both = said.join(learner.label(bars).select("ticker", "ts", "signal_id"), on=["ticker", "ts"]).drop_nulls(
        ["signal", "signal_id"]
    )
    told = both["signal"].replace_strict({"hold": 0, "buy": 1, "sell": 2}, return_dtype=pl.Int64)
    assert report.signals.n == both.height
    assert report.signals.accuracy == pytest.approx((told == both["signal_id"]).mean())


def test_rev_r24_no_row_that_is_scored_was_in_training_or_validation(bars: pl.DataFrame, fit: Fit[SignalModel]) -> None:
    learner = small_reversal()
    samples = ReversalSamples.of(windowed(bars, learner.label(bars), 20), learner.config)
    report = weekly_report(learner, said_by(Says(None), bars, fit), bars, COSTS)
    assert report.start >= fit.scored_from
    frame = samples.data.frame
    for part in (samples.train, samples.valid):
        assert frame["t1"].gather(part).max() < report.start, "nothing that was read became known in what is scored"
        assert frame["available_at"].gather(part).max() < report.start
    newest = bars["available_at"].max()
    assert newest - report.start < timedelta(days=30), "thirty days would reach into what was fitted"
    long = learner.config.model_copy(update={"backtest_days": 2})
    assert weekly_report(Reversal(long), fit, bars, COSTS).start >= newest - timedelta(days=2)


def test_rev_r25_zero_trades_give_null_metrics_and_a_failed_gate(bars: pl.DataFrame, fit: Fit[SignalModel]) -> None:
    report = weekly_report(small_reversal(), said_by(Says(0), bars, fit), bars, COSTS)
    written = report.to_json()
    assert written["total_trades"] == 0
    for name in ("win_rate", "total_pnl", "avg_pnl", "sharpe_ratio", "max_drawdown"):
        assert written[name] is None
    verdict = weekly_gate(SMALL.min_report_rows).judge({}, report.figures())
    assert not verdict.passed
    assert (
        weekly_gate(SMALL.min_report_rows)
        .judge({}, weekly_report(small_reversal(), said_by(Says(None), bars, fit), bars, COSTS).figures())
        .passed
    )


def test_rev_r25_the_house_s_own_gate_fails_it_too_even_where_nothing_serves(bars: pl.DataFrame) -> None:
    newest = bars["ts"].max()
    span = Span(newest - timedelta(days=5), newest + timedelta(minutes=15))
    scored = score(small_reversal(), Says(0), bars, span, Rulebook(costs=COSTS))
    assert not judge_first(scored, Trials(n=1, seed=1), GateSettings()).passed
    assert judge_first(
        score(small_reversal(), Says(None), bars, span, Rulebook(costs=COSTS)), Trials(n=1, seed=1), GateSettings()
    ).passed


def test_an_always_hold_model_is_worse_than_every_baseline_in_what_counts(bars: pl.DataFrame) -> None:
    """Accuracy would let it win; macro-F1 does not."""
    learner = small_reversal()
    linear = learner.baselines()["linear"]
    fitted = linear.fit(bars, FitContext(seed=3))
    is_unread = pl.col("available_at") >= fitted.scored_from
    silent, simple = (report_on(learner, model, bars, is_unread, COSTS) for model in (Says(0), fitted.model))
    assert silent.signals.accuracy > simple.signals.accuracy
    assert silent.signals.f1_score < simple.signals.f1_score
    assert silent.signals.non_hold_recall == 0.0


def test_costs_are_taken_off_and_only_the_asked_rows_are_traded(bars: pl.DataFrame) -> None:
    learner, model = small_reversal(), Says(None)
    is_asked = pl.col("ts").dt.date() == bars["ts"].dt.date().unique().sort()[-3]
    free, dear = (report_on(learner, model, bars, is_asked, Costs(fee_bps=fee, slippage_bps=0)) for fee in (0, 5))
    assert free.trades.total_trades == dear.trades.total_trades > 0
    per_trade = (free.trades.total_pnl - dear.trades.total_pnl) / free.trades.total_trades
    assert per_trade == pytest.approx(10.0, rel=0.02), "five bps a side"
    assert free.start.date() == (free.end - timedelta(minutes=15)).date()


def test_nothing_to_score_is_measured_as_nothing(bars: pl.DataFrame) -> None:
    report = report_on(small_reversal(), Says(None), bars, pl.lit(value=False), COSTS)
    assert report.signals.n == 0
    assert report.trades.total_trades == 0
    assert not weekly_gate(100).judge({}, report.figures()).passed
