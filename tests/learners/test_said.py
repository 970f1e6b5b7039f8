"""What a learner says of one bar: the same from bars and from ready features, in the learner's words or the house's."""

import numpy as np
import polars as pl
import pytest

from pawl.errors import SchemaError, TooLittleDataError
from pawl.features.sets import FEATURE_SETS, build_dataset
from pawl.learners.learner import Fit, FitContext
from pawl.learners.m002 import M002, M002Model, M002Variant
from pawl.learners.reversal import Reversal, ReversalVariant
from pawl.learners.said import ReadsReadyRows, ReadyRows, Said, require_rows, said_at_close, said_in
from reversal_market import SMALL, fx_bars
from tiny_learner import Shares, Tiny


def ready_of(bars: pl.DataFrame, name: str, ready: ReadyRows) -> np.ndarray:
    """The last feature rows as a caller would send them."""
    assert ready.names == FEATURE_SETS[name].names
    frame = build_dataset(bars, name).collect().tail(ready.n_rows)
    return frame.select(pl.col(ready.names).cast(pl.Float64)).to_numpy()


@pytest.mark.parametrize("variant", ReversalVariant)
def test_reversal_says_of_ready_features_what_it_says_of_the_bars(variant: ReversalVariant) -> None:
    bars, learner = fx_bars(), Reversal(SMALL, variant)
    model = learner.fit(bars, FitContext(seed=3)).model
    assert isinstance(learner, ReadsReadyRows)
    ready = learner.ready_rows(model)
    assert ready.n_rows == (20 if variant is ReversalVariant.FULL else 1)
    euro = bars.filter(pl.col("ticker") == "EURUSD")
    for cut in (900, 1400, 2390):
        known = euro.head(cut)
        of_bars = said_at_close(learner, model, known, known["ts"][-1])
        of_rows = learner.say(model, ready_of(known, "reversal", ready))
        assert of_rows.signal == of_bars.signal in ("buy", "sell", "hold")
        assert of_rows.confidence == pytest.approx(of_bars.confidence, rel=1e-5)


@pytest.mark.parametrize("variant", [M002Variant.FULL, M002Variant.BOOSTED])
def test_m002_decides_on_ready_features_what_it_decides_on_the_bars(
    m002: M002, silver: pl.DataFrame, fit: Fit[M002Model], variant: M002Variant
) -> None:
    learner = M002(m002.config, variant)
    model = fit.model if variant is M002Variant.FULL else learner.fit(silver, FitContext(seed=3)).model
    ready = learner.ready_rows(model)
    assert ready.n_rows == (20 if variant is M002Variant.FULL else 10)
    said = set()
    for cut in range(500, 700, 12):
        known = silver.filter(pl.col("ticker") == "BBB").head(cut)
        of_bars = said_at_close(learner, model, known, known["ts"][-1])
        of_rows = learner.say(model, ready_of(known, "m002", ready))
        assert (of_rows.signal, of_rows.reason) == (of_bars.signal, of_bars.reason)
        assert of_rows.confidence == pytest.approx(of_bars.confidence, rel=1e-5)
        said.add(of_bars.signal)
    assert said <= {"long", "short", "flat"}


def test_a_learner_of_ones_own_speaks_by_its_decision(silver: pl.DataFrame) -> None:
    known = silver.filter(pl.col("ticker") == "AAA")
    said = said_at_close(Tiny(), Shares(0.7, 0.2), known, known["ts"][-1])
    assert said in (Said(signal="long", confidence=0.7), Said(signal="flat", confidence=0.2))
    assert not isinstance(Tiny(), ReadsReadyRows)


def test_a_learner_that_cannot_say_anything_says_why(silver: pl.DataFrame) -> None:
    few = silver.filter(pl.col("ticker") == "AAA").head(10)
    with pytest.raises(TooLittleDataError, match="fewer than 21 bars"):
        said_at_close(Tiny(), Shares(0.7, 0.2), few, few["ts"][-1])


@pytest.mark.parametrize("unsaid", [None, float("nan"), float("inf")])
def test_a_confidence_that_is_no_number_is_no_answer(unsaid: float | None) -> None:
    row = {"signal": "buy", "confidence": unsaid, "reason": None}
    with pytest.raises(TooLittleDataError, match="no prediction"):
        said_in(pl.DataFrame([row], schema={"signal": pl.String, "confidence": pl.Float64, "reason": pl.String}))


@pytest.mark.parametrize("shape", [(1, 3), (2, 2), (3,), (2, 4)])
def test_rows_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SchemaError, match="features of shape"):
        require_rows(np.zeros(shape), ReadyRows(("a", "b", "c"), 2))
    require_rows(np.zeros((2, 3)), ReadyRows(("a", "b", "c"), 2))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_that_hold_no_number_are_refused(bad: float) -> None:
    with pytest.raises(SchemaError, match="no finite number"):
        require_rows(np.array([[1.0, bad]]), ReadyRows(("a", "b"), 1))
