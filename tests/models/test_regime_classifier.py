"""The classifier on frames: what its probabilities are, which rows get some, and what its fit has read."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.errors import CorruptArtifactError, SchemaError
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.prior import class_shares, correct_prior
from pawl.models.regime_classifier import (
    STATE_COLUMNS,
    STATE_MISSING,
    RegimeClassifier,
    RegimeFit,
    RegimeFitSpec,
    fit_regime_classifier,
    join_states,
    regime_sequences,
)
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_inference import predict_probabilities
from pawl.models.scaler import Standardiser
from pawl.models.sequences import Sequences

FEATURES = ("trend", "range", "flow")
SPEC = RegimeFitSpec(features=FEATURES, config=RegimeConfig(hidden=6, max_epochs=2, batch_size=64), seed=4)
START = datetime(2023, 1, 1, tzinfo=UTC)
Rows = np.ndarray


def bars_of(ticker: str, sessions: list[int], seed: int = 0) -> pl.DataFrame:
    """Random features on the given sessions of a ticker."""
    values = np.random.default_rng([seed, *ticker.encode()]).normal(size=(len(sessions), 3)) * [1.0, 40.0, 1e-3]
    keys = pl.DataFrame({"ticker": [ticker] * len(sessions), "session": np.array(sessions, dtype=np.int64)})
    ts = pl.Series("ts", [START + timedelta(days=n) for n in sessions], dtype=pl.Datetime("us", "UTC"))
    return keys.with_columns(ts).hstack(pl.DataFrame(values, schema=list(FEATURES)))


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    """Two tickers of 300 days."""
    return pl.concat([bars_of("A", list(range(300))), bars_of("B", list(range(300)))])


def states_of(frame: pl.DataFrame) -> Rows:
    """Uneven states that follow from the first feature; one day in ten has none."""
    states = np.digitize(frame["trend"].to_numpy(), [0.3, 0.9, 1.5, 1.9])
    states[::10] = -1
    return states.astype(np.int64)


def masks(frame: pl.DataFrame) -> tuple[Rows, Rows]:
    """Days 100 to 199 of A are fitted; of the rest, days 210 to 259 of both pick the snapshot."""
    is_a, day = (frame["ticker"] == "A").to_numpy(), frame["session"].to_numpy()
    return is_a & (day >= 100) & (day < 200), (day >= 210) & (day < 260)


def fitted_on(frame: pl.DataFrame) -> tuple[Sequences, RegimeFit]:
    sequences, (fitted, snapshot) = regime_sequences(frame, FEATURES, 20), masks(frame)
    return sequences, fit_regime_classifier(sequences, states_of(frame), fitted=fitted, snapshot=snapshot, spec=SPEC)


@pytest.fixture(scope="module")
def fit(market: pl.DataFrame) -> RegimeFit:
    return fitted_on(market)[1]


@pytest.fixture(scope="module")
def classifier(fit: RegimeFit) -> RegimeClassifier:
    return fit.classifier


def test_m002_r18_five_columns_sum_to_one_on_every_measured_row(
    classifier: RegimeClassifier, market: pl.DataFrame
) -> None:
    answer = classifier.predict_probabilities(market.sample(fraction=1.0, shuffle=True, seed=1))
    assert answer.columns == ["ticker", "ts", "date", *STATE_COLUMNS]
    assert len(STATE_COLUMNS) == 5
    assert answer.height == 2 * (300 - 19)
    assert answer.select(STATE_COLUMNS).min_horizontal().min() >= 0  # type: ignore[operator]
    np.testing.assert_allclose(answer.select(STATE_COLUMNS).sum_horizontal().to_numpy(), 1.0, atol=1e-6)
    assert answer["date"].to_list() == answer["ts"].dt.date().to_list()
    assert answer.equals(answer.sort("ticker", "ts"))


@pytest.mark.parametrize(("length", "n_rows"), [(19, 0), (20, 1), (23, 4)])
def test_m002_r19_a_stretch_shorter_than_20_days_gives_no_row(
    classifier: RegimeClassifier, length: int, n_rows: int
) -> None:
    assert classifier.predict_probabilities(bars_of("NEW", list(range(length)))).height == n_rows


def test_m002_r19_a_gap_or_a_null_begins_a_new_stretch(classifier: RegimeClassifier) -> None:
    with_gap = bars_of("A", [*range(25), *range(26, 60)])  # session 25 is missing
    assert classifier.predict_probabilities(with_gap)["ts"].to_list() == [
        START + timedelta(days=day) for day in (*range(19, 25), *range(45, 60))
    ]
    is_hole = pl.col("session") == 25
    with_null = bars_of("A", list(range(60))).with_columns(pl.when(~is_hole).then("flow").alias("flow"))
    assert classifier.predict_probabilities(with_null)["ts"].to_list() == [
        START + timedelta(days=day) for day in (*range(19, 25), *range(45, 60))
    ]


@pytest.mark.parametrize("cut", [20, 77, 150, 299])
def test_m002_r20_cutting_the_future_changes_no_byte(
    classifier: RegimeClassifier, market: pl.DataFrame, cut: int
) -> None:
    whole = classifier.predict_probabilities(market).filter(pl.col("ts") < START + timedelta(days=cut))
    known = market.filter(pl.col("session") < cut)
    assert_frame_equal(classifier.predict_probabilities(known), whole, check_exact=True)
    alone = classifier.predict_probabilities(known.filter(pl.col("ticker") == "B"))
    assert_frame_equal(alone, whole.filter(pl.col("ticker") == "B"), check_exact=True)


def test_the_scaler_sees_the_fitted_rows_and_the_days_inside_their_windows_and_nothing_else(
    market: pl.DataFrame, classifier: RegimeClassifier
) -> None:
    # The first window with a label that ends in the fitted days ends on the 101st (the 100th has none), and begins 19
    # days before.
    seen = market.filter((pl.col("ticker") == "A") & pl.col("session").is_between(101 - 19, 199))
    expected = Standardiser.fit(np.ascontiguousarray(seen.select(FEATURES).to_numpy(), np.float32))
    assert classifier.standardiser.mean.tolist() == expected.mean.tolist()
    assert classifier.standardiser.scale.tolist() == expected.scale.tolist()
    is_seen = (pl.col("ticker") == "A") & pl.col("session").is_between(101 - 19, 199)
    elsewhere = market.with_columns(pl.when(is_seen).then("range").otherwise(pl.col("range") * 1000).alias("range"))
    again = fitted_on(elsewhere)[1].classifier
    assert again.standardiser.scale.tolist() == expected.scale.tolist()
    touched = market.with_columns(pl.col("range") + (is_seen & (pl.col("session") == 150)))
    assert fitted_on(touched)[1].classifier.standardiser.mean[1] != expected.mean[1]


def test_the_shares_of_the_training_rows_are_given_back_to_the_probabilities(
    classifier: RegimeClassifier, market: pl.DataFrame
) -> None:
    fitted, _ = masks(market)
    states = states_of(market)[fitted]
    np.testing.assert_array_equal(classifier.class_prior, class_shares(states[states >= 0], 5))
    sequences = regime_sequences(market, FEATURES, 20)
    scaled = Sequences(classifier.standardiser.transform(sequences.values), sequences.ends, 20)
    even = predict_probabilities(classifier.network, scaled)
    answer = classifier.predict_probabilities(market).select(STATE_COLUMNS).to_numpy()
    np.testing.assert_array_equal(answer, correct_prior(even, classifier.class_prior))
    assert np.abs(answer - even).max() > 0.05, "the correction does something here"


def test_the_confusion_matrix_counts_the_windows_that_chose_the_snapshot(fit: RegimeFit, market: pl.DataFrame) -> None:
    confusion = fit.classifier.confusion
    snapshot = masks(market)[1]
    states = states_of(market)[snapshot]
    assert confusion.sum(axis=1).tolist() == np.bincount(states[states >= 0], minlength=5).tolist()
    assert fit.metrics["regime_accuracy"] == np.trace(confusion) / confusion.sum()


def test_m002_r42_files_give_the_same_classifier_back(classifier: RegimeClassifier, market: pl.DataFrame) -> None:
    files = classifier.to_files()
    stored = from_exact_json(files["regime.json"], "regime.json")
    assert stored["confusion"] == classifier.confusion.tolist()
    loaded = RegimeClassifier.from_files(files)
    assert loaded.to_files() == files
    np.testing.assert_array_equal(loaded.confusion, classifier.confusion)
    assert loaded.confusion.dtype == np.int64
    assert_frame_equal(loaded.predict_probabilities(market), classifier.predict_probabilities(market), check_exact=True)


@pytest.mark.parametrize("wrong", [None, [[1, 2], [3, 4]], [[-1] * 5] * 5, "five by five", [[1, 2, 3, 4, 5], [1]]])
def test_a_confusion_matrix_that_is_none_is_refused(classifier: RegimeClassifier, wrong: object) -> None:
    files = classifier.to_files()
    about = {**from_exact_json(files["regime.json"], "regime.json"), "confusion": wrong}
    with pytest.raises(CorruptArtifactError, match="confusion matrix"):
        RegimeClassifier.from_files({**files, "regime.json": to_exact_json(about)})


def test_m002_r10_other_states_are_refused(classifier: RegimeClassifier) -> None:
    files = classifier.to_files()
    about = from_exact_json(files["regime.json"], "regime.json")
    about["state_to_id"]["Peak"] = 3
    with pytest.raises(CorruptArtifactError, match="stored states"):
        RegimeClassifier.from_files({**files, "regime.json": to_exact_json(about)})


def test_m002_r41_a_missing_column_is_named(classifier: RegimeClassifier, market: pl.DataFrame) -> None:
    with pytest.raises(SchemaError, match="flow"):
        classifier.predict_probabilities(market.drop("flow"))


def test_m002_r23_rows_without_a_probability_hold_five_zeros_and_say_so() -> None:
    frame = bars_of("A", [0, 1, 2])
    joined = join_states(frame, np.array([2]), np.array([[0.1, 0.2, 0.3, 0.4, 0.0]]))
    assert joined.height == frame.height
    assert joined.select(STATE_COLUMNS).rows() == [(0.0,) * 5, (0.0,) * 5, (0.1, 0.2, 0.3, 0.4, 0.0)]
    assert joined[STATE_MISSING].to_list() == [1, 1, 0]
