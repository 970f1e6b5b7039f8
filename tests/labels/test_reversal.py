"""The classes of `reversal`: cases computed by hand, and a loop that knows nothing of the expressions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.labels.reversal import SIGNAL_CLASSES, label_reversals

QUARTER = timedelta(minutes=15)
START = datetime(2025, 3, 3, tzinfo=UTC)
ASKED = 29


def frame(
    highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], ticker: str = "EURUSD"
) -> pl.DataFrame:
    opened = [START + QUARTER * n for n in range(len(closes))]
    columns = {"ticker": ticker, "ts": opened, "open": closes, "high": highs, "low": lows, "close": closes}
    return pl.DataFrame({**columns, "available_at": [at + QUARTER for at in opened]})


def quiet(after: list[tuple[float, float]], falls: bool = True) -> pl.DataFrame:
    """30 bars of range 2 that fall (or rise) by 0.1 to close at 100, so that ATR14 is 2; then bars of (high, low).

    The target of a buy is 103, its stop 98.
    """
    step = 0.1 if falls else -0.1
    closes = [100 + step * (ASKED - n) for n in range(ASKED + 1)]
    highs, lows = [c + 1 for c in closes], [c - 1 for c in closes]
    ahead = [*after, *[(100.5, 99.5)] * (16 - len(after))]
    return frame(
        highs + [high for high, _ in ahead],
        lows + [low for _, low in ahead],
        closes + [(h + low) / 2 for h, low in ahead],
    )


def asked(bars: pl.DataFrame) -> dict[str, object]:
    return label_reversals(bars).row(ASKED, named=True)


def test_the_average_range_of_the_cases_is_2_so_that_their_barriers_are_known() -> None:
    assert asked(quiet([]))["atr_14"] == pytest.approx(2.0, abs=1e-12)


BUY = [(101.0, 99.0), (103.1, 99.0)]
CASES = {
    "the target is reached": (BUY, True, "buy"),
    "the target is reached after a rise": (BUY, False, "hold"),
    "the stop comes first": ([(101.0, 97.9), (104.0, 99.0)], True, "hold"),
    "the stop comes after the target": ([(103.1, 99.0), (101.0, 97.0)], True, "buy"),
    "the stop comes in the bar of the target": ([(103.1, 97.9)], True, "hold"),
    "the target on the last bar": ([*[(100.5, 99.5)] * 15, (103.1, 99.5)], True, "buy"),
    "the target a little short of it": ([(102.9, 99.0)], True, "hold"),
    "nothing happens": ([], True, "hold"),
    "a fall is no buy": ([(100.5, 96.0)], True, "hold"),
    "down after a rise": ([(101.0, 96.9)], False, "sell"),
    "down after a rise, but first up": ([(102.1, 99.0), (101.0, 96.0)], False, "hold"),
    "down and up in one bar": ([(102.1, 96.9)], False, "hold"),
    "down after a fall": ([(101.0, 96.9)], True, "hold"),
}


@pytest.mark.parametrize("case", CASES)
def test_rev_r8_rev_r14_the_class_is_what_the_prices_did(case: str) -> None:
    after, falls, expected = CASES[case]
    found = asked(quiet(after, falls))
    assert found["signal"] == expected
    assert found["signal_id"] == SIGNAL_CLASSES.index(expected)
    assert found["confidence"] == (0.5 if expected == "hold" else 1.0)


def test_rev_r8_a_bar_that_holds_both_barriers_is_the_adverse_one_and_ends_the_matter() -> None:
    assert asked(quiet([(103.1, 97.9), (110.0, 99.0)]))["signal"] == "hold"


def test_the_seventeenth_bar_is_not_read() -> None:
    quiet_16 = quiet([])
    later = frame([*quiet_16["high"], 110.0], [*quiet_16["low"], 99.5], [*quiet_16["close"], 100.0])
    assert asked(later)["signal"] == "hold"


def test_the_interval_runs_from_the_close_of_the_bar_to_that_of_the_sixteenth_after_it() -> None:
    labels = label_reversals(quiet(BUY))
    row = labels.row(ASKED, named=True)
    assert row["t0"] == START + QUARTER * (ASKED + 1)
    assert row["t1"] == row["t0"] + 16 * QUARTER
    assert labels["t1"][ASKED + 1 :].null_count() == 16
    assert labels["signal"][ASKED + 1 :].null_count() == 16
    assert labels["signal"][:14].null_count() == 14, "no ATR14 yet"


def test_rev_r14_a_weekend_does_not_end_the_horizon_and_t1_is_the_close_behind_it() -> None:
    bars = quiet([*[(100.5, 99.5)] * 9, (103.1, 99.5)])
    shift = pl.when(pl.int_range(pl.len()) > ASKED + 5).then(timedelta(hours=48)).otherwise(timedelta(0))
    found = asked(bars.with_columns(pl.col("ts") + shift, pl.col("available_at") + shift))
    assert found["signal"] == "buy"
    assert found["t1"] == START + QUARTER * (ASKED + 17) + timedelta(hours=48)


def test_rev_r14_two_pairs_are_labelled_as_each_by_itself() -> None:
    one, other = quiet(BUY), quiet([(101.0, 96.9)], falls=False).with_columns(ticker=pl.lit("USDJPY"))
    both = label_reversals(pl.concat([other, one]))
    assert both.filter(pl.col("ticker") == "EURUSD").equals(label_reversals(one))
    assert both.filter(pl.col("ticker") == "USDJPY").equals(label_reversals(other))


def slow(bars: pl.DataFrame) -> list[tuple[str, float] | None]:
    """The rule once more, bar by bar, on TA-Lib's ATR."""
    high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
    atr = talib.ATR(high, low, close, 14)
    answers: list[tuple[str, float] | None] = []
    for t in range(len(close)):
        if t + 16 >= len(close) or np.isnan(atr[t]) or t < 10:
            answers.append(None)
            continue
        turned = {}
        for name, side in (("buy", 1), ("sell", -1)):
            for k in range(t + 1, t + 17):
                best, worst = (high[k], low[k]) if side > 0 else (low[k], high[k])
                if side * worst <= side * (close[t] - side * 1.0 * atr[t]):
                    break
                if side * best >= side * (close[t] + side * 1.5 * atr[t]):
                    turned[name] = max(
                        (high[j] - close[t]) if side > 0 else (close[t] - low[j]) for j in range(t + 1, t + 17)
                    )
                    break
        before = close[t] / close[t - 10] - 1
        name = "buy" if before < 0 and "buy" in turned else "sell" if before > 0 and "sell" in turned else "hold"
        answers.append((name, 0.5 if name == "hold" else min(1.0, turned[name] / (1.5 * atr[t]))))
    return answers


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_rev_r8_rev_r14_labels_are_those_of_a_slow_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Coarse prices, so that barriers are often met exactly and bars often hold both.
    close = 100 + np.cumsum(rng.integers(-3, 4, 120)) * 0.25
    spread = rng.integers(0, 5, (2, 120)) * 0.25
    bars = frame((close + spread[0]).tolist(), (close - spread[1]).tolist(), close.tolist())
    found = label_reversals(bars).select("signal", "confidence").rows()
    for ours, expected in zip(found, slow(bars), strict=True):
        assert ours == (expected or (None, None))


def test_rev_r14_targets_differ_from_stored_predictions_where_the_prices_say_so() -> None:
    bars = quiet(BUY).with_columns(signal=pl.lit("hold"), confidence=pl.lit(0.99))
    assert asked(bars)["signal"] == "buy", "what was predicted stands in the frame, and is not what is learnt"
