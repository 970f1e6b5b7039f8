"""reversal on real bars of currencies. Skipped, saying so, where the data is absent."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import talib

from pawl.features.proof import prove
from pawl.features.sets import FEATURE_SETS
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_samples import ReversalSamples, Windowed, windowed
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import FX, first_bar_after, infer_calendar, stamp

QUARTERS = Timeframe.parse("15m")
BAR = QUARTERS.length


@pytest.fixture(scope="module")
def bars(shared_data: Path) -> pl.DataFrame:
    raw = pl.read_parquet(shared_data / "bars" / "fx_15m.parquet").filter(pl.col("ticker").is_in(["EURUSD", "USDJPY"]))
    assert {infer_calendar(one["ts"], QUARTERS) for one in raw.partition_by("ticker")} == {FX}
    return stamp(raw, FX, QUARTERS).select(SILVER_SCHEMA.names())


@pytest.fixture(scope="module")
def data(bars: pl.DataFrame) -> Windowed:
    return windowed(bars, Reversal().label(bars), 20)


def test_rev_r13_no_window_of_a_year_crosses_a_weekend_a_hole_or_a_pair(data: Windowed) -> None:
    ends = data.sequences.ends
    first, last = (data.frame.select("ticker", "ts")[rows] for rows in (ends - 19, ends))
    assert len(ends) > 40_000
    assert first["ticker"].equals(last["ticker"])
    assert set(last["ts"] - first["ts"]) == {19 * BAR}
    # The feed lacks the bars of the yen from 01:00 to 05:45 that day.
    hole = pl.col("ts").is_between(datetime(2025, 9, 8, 1, tzinfo=UTC), datetime(2025, 9, 8, 12, tzinfo=UTC))
    behind = last.filter(hole & (pl.col("ticker") == "USDJPY"))
    assert behind["ts"].min() == datetime(2025, 9, 8, 6, tzinfo=UTC) + 19 * BAR
    opened = first_bar_after(datetime(2025, 9, 12, 22, tzinfo=UTC), 0, FX, QUARTERS)
    sunday = last.filter(pl.col("ts") >= opened)["ts"].min()
    assert sunday == opened + 19 * BAR


def test_rev_r3_the_features_of_a_year_are_those_of_talib(data: Windowed) -> None:
    euro = data.frame.filter(pl.col("ticker") == "EURUSD")
    high, low, close = (euro[name].to_numpy() for name in ("high", "low", "close"))
    theirs = {
        "adx_14": talib.ADX(high, low, close, 14),
        "plus_di_14": talib.PLUS_DI(high, low, close, 14),
        "aroon_osc_25": talib.AROONOSC(high, low, 25),
        "rsi_14": talib.RSI(close, 14),
        "stoch_d_3": talib.STOCHF(high, low, close, 14, 3, 0)[1],
        "cci_20": talib.CCI(high, low, close, 20),
        "williams_r_14": talib.WILLR(high, low, close, 14),
        "atr_14_rel": talib.ATR(high, low, close, 14) / close,
        "macd": talib.MACD(close, 12, 26, 9)[0] / close,
    }
    for name, values in theirs.items():
        scale = np.nanmedian(np.abs(values))
        np.testing.assert_allclose(euro[name].to_numpy()[700:] / scale, values[700:] / scale, atol=1e-6, err_msg=name)


def test_rev_r3_the_proof_passes_on_real_bars(bars: pl.DataFrame) -> None:
    newest = bars.sort("ticker", "ts").group_by("ticker", maintain_order=True).tail(650)
    proof = prove(newest, FEATURE_SETS["reversal"], n_jobs=1)
    assert (proof.mismatches, proof.near_limit) == (0, 0)


def test_rev_r22_three_months_of_two_pairs_are_cut_as_the_spec_says(bars: pl.DataFrame) -> None:
    seen = bars.filter(pl.col("available_at") < datetime(2025, 5, 20, tzinfo=UTC))
    learner = Reversal()
    samples = ReversalSamples.of(windowed(seen, learner.label(seen), 20), learner.config)
    t0 = samples.data.frame["t0"]
    spans = [t0.gather(part).max() - t0.gather(part).min() for part in (samples.train, samples.valid, samples.test)]
    assert timedelta(days=59) < spans[0] < timedelta(days=65)
    assert timedelta(days=11) < spans[1] < timedelta(days=15)
    assert timedelta(days=11) < spans[2] < timedelta(days=15)


def test_rev_r14_on_real_prices_most_labels_are_hold_and_neither_side_is_rare(data: Windowed) -> None:
    shares = data.frame["signal_id"].drop_nulls().value_counts(normalize=True).sort("signal_id")["proportion"].to_list()
    assert 0.5 < shares[0] < 0.75
    assert min(shares[1:]) > 0.1
