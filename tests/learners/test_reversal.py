"""reversal as a whole: what it is fitted on, what it says, and that it keeps the contract."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from pawl.errors import ContractError
from pawl.learners import reversal as module
from pawl.learners.checks import LEARNER_CHECKS
from pawl.learners.learner import Fit, FitContext
from pawl.learners.reversal import Reversal, ReversalVariant
from pawl.learners.reversal_samples import ReversalSamples, windowed
from pawl.models.reversal_model import ReversalNet
from pawl.models.reversal_training import Run, Schedule, Targets, TrainedReversal, train_reversal
from pawl.models.scaler import Standardiser
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import SignalModel, balanced_weights, prior_of
from reversal_market import SMALL, fx_bars, small_reversal


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return fx_bars()


@pytest.fixture(scope="module")
def fit(bars: pl.DataFrame) -> Fit[SignalModel]:
    return small_reversal().fit(bars, FitContext(seed=3))


@pytest.fixture(scope="module")
def predictions(bars: pl.DataFrame, fit: Fit[SignalModel]) -> pl.DataFrame:
    return small_reversal().predict(fit.model, bars)


@pytest.mark.parametrize("name", LEARNER_CHECKS)
def test_reversal_keeps_the_contract(name: str, bars: pl.DataFrame) -> None:
    tiny = SMALL.model_copy(update={"network": SMALL.network.model_copy(update={"max_epochs": 1})})
    LEARNER_CHECKS[name](Reversal(tiny), bars)


@pytest.mark.parametrize("variant", [ReversalVariant.LINEAR, ReversalVariant.BOOSTED])
def test_its_baselines_keep_it_too(variant: ReversalVariant, bars: pl.DataFrame) -> None:
    for check in LEARNER_CHECKS.values():
        check(Reversal(SMALL, variant), bars)


def test_a_learner_that_reads_the_future_would_be_caught(bars: pl.DataFrame) -> None:
    class Cheat(Reversal):
        def predict(self, model: SignalModel, bars: pl.DataFrame, since: object = None) -> pl.DataFrame:
            return super().predict(model, bars.with_columns(close=pl.col("close").reverse().over("ticker")), None)

    check = LEARNER_CHECKS["predictions_do_not_change_when_the_future_is_cut"]
    with pytest.raises(ContractError, match="future leaks"):
        check(Cheat(SMALL, ReversalVariant.LINEAR), bars)


def test_rev_r22_the_network_is_fitted_as_the_spec_says(bars: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Schedule, Targets, Sequences]] = []

    def watch(start: object, sequences: Sequences, targets: Targets, schedule: Schedule, run: Run) -> TrainedReversal:
        seen.append((schedule, targets, sequences))
        small = Schedule(**{**{f: getattr(schedule, f) for f in schedule.__slots__}, "max_epochs": 1})
        return train_reversal(start, sequences, targets, small, run)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "train_reversal", watch)
    learner = Reversal()
    learner.fit(bars, FitContext(seed=3))
    ((schedule, targets, sequences),) = seen
    assert (schedule.batch_size, schedule.max_epochs, schedule.learning_rate) == (32, 100, 0.001)
    assert schedule.patience is not None
    samples = ReversalSamples.of(windowed(bars, learner.label(bars), 20), learner.config)
    assert targets.train_ends.tolist() == samples.train.tolist()
    assert targets.valid_ends.tolist() == samples.valid.tolist()
    counts = np.bincount(targets.class_ids[samples.train], minlength=3)
    np.testing.assert_allclose(schedule.class_weights, counts.sum() / (3 * counts))
    inside = sequences.values[sequences.rows_inside(samples.train)]
    np.testing.assert_allclose(inside.mean(axis=0, dtype=np.float64), 0, atol=1e-4)
    np.testing.assert_allclose(inside.std(axis=0, dtype=np.float64), 1, atol=1e-3)


def test_rev_r22_the_scaler_is_fitted_on_the_training_windows_alone(bars: pl.DataFrame, fit: Fit[SignalModel]) -> None:
    assert isinstance(fit.model, ReversalNet)
    learner = small_reversal()
    samples = ReversalSamples.of(windowed(bars, learner.label(bars), 20), learner.config)
    sequences = samples.data.sequences
    own = Standardiser.fit(sequences.values[sequences.rows_inside(samples.train)])
    assert fit.model.standardiser.to_dict() == own.to_dict()
    whole = Standardiser.fit(sequences.values[sequences.rows_inside(sequences.ends)])
    assert fit.model.standardiser.to_dict() != whole.to_dict()
    np.testing.assert_array_equal(fit.model.class_prior, prior_of(samples.data.class_ids[samples.train]))


def test_the_baselines_are_fitted_on_the_same_windows(bars: pl.DataFrame) -> None:
    learner = small_reversal()
    fits = {name: each.fit(bars, FitContext(seed=3)) for name, each in {"": learner, **learner.baselines()}.items()}
    assert set(fits) == {"", "linear", "lightgbm"}
    assert len({one.scored_from for one in fits.values()}) == 1
    for name in ("train_samples", "val_samples", "test_samples"):
        assert len({one.metrics[name] for one in fits.values()}) == 1
    priors = [one.model.class_prior.tolist() for one in fits.values()]
    assert priors[0] == priors[1] == priors[2]


def test_what_it_says_is_a_distribution_a_signal_of_it_and_a_turn_under_the_true_shares(
    predictions: pl.DataFrame, fit: Fit[SignalModel]
) -> None:
    said = predictions.drop_nulls("signal")
    probabilities = said.select("prob_hold", "prob_buy", "prob_sell").to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)
    assert said["signal"].to_list() == [("hold", "buy", "sell")[place] for place in probabilities.argmax(axis=1)]
    assert said["confidence"].is_between(0, 1).all()
    tilted = probabilities * fit.model.class_prior
    np.testing.assert_allclose(said["turn_prob"], 1 - tilted[:, 0] / tilted.sum(axis=1), atol=1e-12)
    weights = balanced_weights(fit.model.class_prior)
    np.testing.assert_allclose(weights * fit.model.class_prior, 1 / 3)


def test_rev_r5_a_bar_without_a_whole_window_before_it_gets_no_signal_and_says_so(predictions: pl.DataFrame) -> None:
    silent = predictions.filter(pl.col("signal").is_null())
    assert silent.height > 0
    assert silent["reason"].null_count() == 0
    first_of_week = predictions.with_columns(pause=pl.col("ts").diff().over("ticker")).filter(
        pl.col("pause") > timedelta(hours=24)
    )
    assert first_of_week.height == 10
    assert first_of_week["signal"].null_count() == 10
    assert predictions.drop_nulls("signal")["reason"].null_count() == predictions.drop_nulls("signal").height


def test_its_own_words_stay_at_its_edge(predictions: pl.DataFrame) -> None:
    assert set(predictions["signal"].drop_nulls()) <= {"buy", "sell", "hold"}
    decisions = small_reversal().decide(predictions)
    assert set(decisions["action"]) <= {"long", "short", "flat"}
    sides = {"long": 1, "short": -1, "flat": 0}
    assert [sides[action] for action in decisions["action"]] == predictions["held"].to_list()
    opened = predictions.filter(pl.col("signal").is_in(["buy", "sell"]))
    assert (opened["held"] == opened["signal"].replace_strict({"buy": 1, "sell": -1}, return_dtype=pl.Int64)).all()


@pytest.mark.parametrize("n_newest", [1, 7, 30])
def test_asking_for_the_newest_bars_only_changes_nothing(
    n_newest: int, bars: pl.DataFrame, fit: Fit[SignalModel], predictions: pl.DataFrame
) -> None:
    since = bars["ts"].unique().sort()[-n_newest]
    newest = small_reversal().predict(fit.model, bars, since=since)
    assert newest.equals(predictions.filter(pl.col("ts") >= since), null_equal=True)


class Desk:
    def __init__(self) -> None:
        self.files: dict[str, Mapping[str, bytes]] = {}

    def get(self, key: str) -> Mapping[str, bytes] | None:
        return self.files.get(key)

    def put(self, key: str, files: Mapping[str, bytes]) -> None:
        self.files[key] = files


def test_rev_r41_a_fit_that_was_cut_off_goes_on_from_its_checkpoint(bars: pl.DataFrame) -> None:
    network = SMALL.network.model_copy(update={"max_epochs": 3, "checkpoint_every": 1, "patience": 3})
    learner, desk = Reversal(SMALL.model_copy(update={"network": network})), Desk()

    def fail_after_two(stage: str, fraction: float) -> None:
        if stage == "two-headed LSTM" and fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learner.fit(bars, FitContext(seed=3, cache=desk, on_progress=fail_after_two))
    assert len(desk.files) == 1
    seen: list[float] = []
    again = learner.fit(
        bars,
        FitContext(seed=3, cache=desk, on_progress=lambda stage, done: seen.append(done) if "LSTM" in stage else None),
    )
    assert seen == [1.0], "two of three epochs were not trained again"
    assert learner.save(again.model) == learner.save(learner.fit(bars, FitContext(seed=3)).model)
    learner.fit(bars, FitContext(seed=4, cache=desk))
    assert len(desk.files) == 2, "another seed is another training"
