"""The daily update (REV-R11, R12, R14 … R18): what it reads, what it is compared on, when it may serve."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pawl.evaluation.costs import Costs
from pawl.learners import reversal_daily as module
from pawl.learners.learner import Fit, FitContext
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_daily import (
    OUTCOME_SCHEMA,
    READ_SCHEMA,
    DailyOrder,
    DailySkip,
    DailyUpdate,
    compare_daily,
    resolved_rows,
    unread_rows,
    update_daily,
)
from pawl.learners.reversal_samples import Windowed, windowed
from pawl.models.reversal_model import ReversalNet
from pawl.models.reversal_training import Run, Schedule, Targets, TrainedReversal, train_reversal
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import SignalModel
from reversal_market import SMALL, fx_bars, small_reversal

DAY = timedelta(days=1)
HORIZON = 16 * timedelta(minutes=15)
COSTS = Costs(fee_bps=0.2, slippage_bps=0.2)
LEARNER = small_reversal()


@pytest.fixture(scope="module")
def whole() -> pl.DataFrame:
    return fx_bars()


@pytest.fixture(scope="module")
def now(whole: pl.DataFrame) -> datetime:
    """02:00 UTC on the last Thursday, ten days behind the base's end."""
    thursdays = whole.filter(pl.col("ts").dt.weekday() == 4)["ts"].dt.date().unique().sort()
    day = thursdays[-1]
    return datetime(day.year, day.month, day.day, 2, tzinfo=whole["ts"][0].tzinfo)


@pytest.fixture(scope="module")
def bars(whole: pl.DataFrame, now: datetime) -> pl.DataFrame:
    return whole.filter(pl.col("available_at") <= now)


@pytest.fixture(scope="module")
def base(bars: pl.DataFrame, now: datetime) -> ReversalNet:
    fit: Fit[SignalModel] = LEARNER.fit(bars.filter(pl.col("available_at") <= now - 10 * DAY), FitContext(seed=3))
    assert isinstance(fit.model, ReversalNet)
    return fit.model


@pytest.fixture(scope="module")
def order(now: datetime) -> DailyOrder:
    return DailyOrder(
        now=now,
        seed=5,
        outcomes=pl.DataFrame(schema=OUTCOME_SCHEMA),
        read_before=pl.DataFrame(schema=READ_SCHEMA),
        base_read_until=now - 10 * DAY,
    )


@pytest.fixture(scope="module")
def update(base: ReversalNet, bars: pl.DataFrame, order: DailyOrder) -> DailyUpdate:
    done = update_daily(LEARNER, base, bars, order)
    assert isinstance(done, DailyUpdate)
    return done


@pytest.fixture(scope="module")
def data(bars: pl.DataFrame) -> Windowed:
    return windowed(bars, LEARNER.label(bars), 20)


def outcomes(rows: list[tuple[str, datetime, str | None, datetime]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=OUTCOME_SCHEMA, orient="row")


def test_rev_r11_adam_at_0_0001_ten_epochs_batches_of_32_and_a_fifth_watched(
    base: ReversalNet, bars: pl.DataFrame, order: DailyOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[object, Targets, Schedule]] = []

    def watch(start: object, sequences: Sequences, targets: Targets, schedule: Schedule, run: Run) -> TrainedReversal:
        seen.append((start, targets, schedule))
        return train_reversal(start, sequences, targets, schedule, run)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "train_reversal", watch)
    done = update_daily(LEARNER, base, bars, order)
    assert isinstance(done, DailyUpdate)
    ((start, targets, schedule),) = seen
    assert start is base.network, "from the active model"
    assert (schedule.learning_rate, schedule.max_epochs, schedule.batch_size) == (0.0001, 10, 32)
    assert schedule.patience is None
    assert done.figures["n_epochs"] == 10
    n_fitted, n_watched = len(targets.train_ends), len(targets.valid_ends)
    assert n_watched == (n_fitted + n_watched) - int(0.8 * (n_fitted + n_watched))
    assert np.isfinite(targets.confidence[targets.train_ends]).all(), "both heads have a target"
    assert set(targets.class_ids[targets.train_ends]) <= {0, 1, 2}


def test_rev_r11_both_heads_move_and_the_base_stays(base: ReversalNet, update: DailyUpdate) -> None:
    before, after = base.network.state_dict(), update.model.network.state_dict()
    for part in ("lstm.", "fully_connected.signal", "fully_connected.confidence"):
        moved = [name for name in before if name.startswith(part) and not before[name].equal(after[name])]
        assert moved, part


def test_rev_r12_fewer_than_100_sequences_warn_and_make_no_version(
    base: ReversalNet, bars: pl.DataFrame, order: DailyOrder, now: datetime
) -> None:
    monday = now - 3 * DAY - timedelta(hours=2)
    few = update_daily(LEARNER, base, bars.filter(pl.col("available_at") <= monday), replace(order, now=monday))
    assert isinstance(few, DailySkip)
    assert 0 <= few.n_sequences < 100 == few.min_sequences
    assert few.warning == f"daily update skipped: {few.n_sequences} labelled sequences, fewer than 100"


@pytest.mark.parametrize(("minimum", "is_skipped"), [(0, False), (1, True)])
def test_rev_r12_the_limit_itself_is_enough(
    minimum: int, is_skipped: bool, base: ReversalNet, bars: pl.DataFrame, order: DailyOrder, data: Windowed
) -> None:
    n = len(resolved_rows(data, order.outcomes, order.now))
    daily = SMALL.daily.model_copy(update={"min_sequences": n + minimum, "epochs": 1})
    done = update_daily(Reversal(SMALL.model_copy(update={"daily": daily})), base, bars, order)
    assert isinstance(done, DailySkip) is is_skipped


def test_rev_r15_rows_are_chosen_by_when_their_label_became_known(data: Windowed, order: DailyOrder) -> None:
    rows = resolved_rows(data, order.outcomes, order.now)
    t1 = data.frame["t1"].gather(rows)
    assert len(rows) > 100
    assert order.now - DAY < t1.min()
    assert t1.max() <= order.now
    asked = data.frame["t0"].gather(rows).min()
    assert asked < order.now - DAY, "asked the day before, resolved in the last 24 hours"


def test_rev_r15_an_outcome_of_the_last_day_brings_in_a_bar_of_three_days_ago(
    data: Windowed, order: DailyOrder
) -> None:
    now = order.now
    old = data.frame.filter(pl.Series(data.is_sample) & (pl.col("t0") < now - 3 * DAY)).tail(1).row(0, named=True)
    still = data.frame.filter(pl.Series(data.is_sample) & (pl.col("t0") < now - 4 * DAY)).tail(1).row(0, named=True)
    late = outcomes(
        [
            (old["ticker"], old["ts"], "win", now - timedelta(hours=1)),
            (still["ticker"], still["ts"], None, now - timedelta(hours=1)),
        ]
    )
    plain, more = (set(resolved_rows(data, each, now).tolist()) for each in (order.outcomes, late))
    (added,) = more - plain
    assert data.frame.row(added, named=True)["ts"] == old["ts"]
    assert plain <= more
    assert data.frame.row(added, named=True)["window_start"] == old["ts"] - 19 * timedelta(minutes=15)
    yesterday = late.with_columns(updated_at=pl.lit(now - DAY))
    assert set(resolved_rows(data, yesterday, now).tolist()) == plain, "resolved a day ago is not in the last 24 hours"


def test_rev_r15_two_outcomes_of_one_bar_are_no_join(data: Windowed, order: DailyOrder) -> None:
    row = data.frame.row(500, named=True)
    twice = outcomes([(row["ticker"], row["ts"], "win", order.now)] * 2)
    with pytest.raises(pl.exceptions.ComputeError):
        resolved_rows(data, twice, order.now)


def test_rev_r14_a_stored_signal_or_outcome_is_never_the_target(
    base: ReversalNet, bars: pl.DataFrame, order: DailyOrder, data: Windowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Targets] = []

    def watch(start: object, sequences: Sequences, targets: Targets, schedule: Schedule, run: Run) -> TrainedReversal:
        seen.append(targets)
        return train_reversal(start, sequences, targets, schedule, run)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "train_reversal", watch)
    wrong = data.frame.select("ticker", "ts").with_columns(actual_outcome=pl.lit("loss"), updated_at=pl.lit(order.now))
    stored = bars.with_columns(signal=pl.lit("hold"), confidence=pl.lit(0.99))
    update_daily(LEARNER, base, stored, replace(order, outcomes=wrong.cast(dict(OUTCOME_SCHEMA))))
    (targets,) = seen
    rows = np.concatenate([targets.train_ends, targets.valid_ends])
    prices = LEARNER.label(bars)["signal_id"].gather(rows).to_numpy()
    np.testing.assert_array_equal(targets.class_ids[rows], prices)
    assert (prices > 0).any()


def test_rev_r16_the_scaler_is_not_refitted_nor_are_the_features_changed(
    base: ReversalNet, update: DailyUpdate
) -> None:
    ours, theirs = update.model.to_files(), base.to_files()
    assert ours["scaler.json"] == theirs["scaler.json"]
    assert ours["features.json"] == theirs["features.json"]
    assert ours["stage1.safetensors"] != theirs["stage1.safetensors"]


def spans(frame: pl.DataFrame) -> list[tuple[datetime, datetime]]:
    return list(frame.select("window_start", "t1").iter_rows())


def test_rev_r16_what_is_compared_on_shares_nothing_with_what_was_read(
    data: Windowed, order: DailyOrder, update: DailyUpdate, now: datetime
) -> None:
    monday = data.frame.filter(pl.Series(data.is_sample) & pl.col("t1").is_between(now - 4 * DAY, now - 3 * DAY))
    ancestor = replace(order, read_before=monday.select(READ_SCHEMA.names()))
    rows = unread_rows(data, ancestor, update, days=7)
    assert len(rows) > 0
    left = data.frame[rows]
    read = [*spans(update.read), *spans(monday)]
    for begin, end in spans(left)[::11]:
        assert all(end < other_begin or begin > other_end for other_begin, other_end in read)
    assert left["t0"].min() > now - 7 * DAY
    assert left["t1"].max() <= now
    alone = set(unread_rows(data, order, update, days=7).tolist())
    assert set(rows.tolist()) < alone, "an ancestor's rows are left out too"


def test_rev_r16_rows_that_the_full_version_below_has_read_are_left_out(
    data: Windowed, order: DailyOrder, update: DailyUpdate, now: datetime
) -> None:
    later = replace(order, base_read_until=now - 4 * DAY)
    left = data.frame[unread_rows(data, later, update, days=7)]
    assert left["window_start"].min() >= now - 4 * DAY


def test_rev_r16_both_are_scored_on_the_same_rows_and_too_few_deploy_nothing(
    base: ReversalNet, update: DailyUpdate, bars: pl.DataFrame, order: DailyOrder
) -> None:
    done = compare_daily(LEARNER, base, update, bars, order, COSTS)
    assert done.current.signals.n == done.candidate.signals.n == done.n_rows > 100
    assert (done.current.start, done.current.end) == (done.candidate.start, done.candidate.end)
    none = replace(order, base_read_until=order.now)
    nothing = compare_daily(LEARNER, base, update, bars, none, COSTS)
    assert (nothing.n_rows, nothing.deploys) == (0, False)


def test_rev_r17_the_model_itself_as_candidate_is_equal_and_deploys(
    base: ReversalNet, update: DailyUpdate, bars: pl.DataFrame, order: DailyOrder
) -> None:
    same = compare_daily(LEARNER, base, replace(update, model=base), bars, order, COSTS)
    assert same.current == same.candidate
    assert same.current.signals.non_hold_recall > 0
    assert same.deploys


def pushed(model: ReversalNet, towards: int) -> ReversalNet:
    """The model, so sure of one class that it says nothing else."""
    files = model.to_files()
    loaded = ReversalNet.from_files(files)
    loaded.network.fully_connected.signal.bias.data[towards] += 1e3
    return loaded


def test_rev_r18_an_always_hold_candidate_is_never_deployed(
    base: ReversalNet, update: DailyUpdate, bars: pl.DataFrame, order: DailyOrder
) -> None:
    dear = Costs(fee_bps=5, slippage_bps=5)
    silent = compare_daily(LEARNER, base, replace(update, model=pushed(base, 0)), bars, order, dear)
    assert silent.candidate.signals.hold_share == 1.0
    assert silent.candidate.pnl_bps == 0.0 > silent.current.pnl_bps, "it even earned more"
    assert not silent.deploys
    assert "n signals" in " ".join(silent.verdict.reasons)


def test_rev_r17_a_worse_candidate_is_kept_and_not_deployed(
    base: ReversalNet, update: DailyUpdate, bars: pl.DataFrame, order: DailyOrder
) -> None:
    worse = compare_daily(LEARNER, base, replace(update, model=pushed(base, 1)), bars, order, COSTS)
    assert worse.candidate.signals.f1_score < worse.current.signals.f1_score
    assert not worse.deploys
