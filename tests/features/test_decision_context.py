"""The context of a decision: its formulas by hand, and that nothing known at its instant or later changes it."""

from datetime import UTC, datetime, timedelta
from statistics import stdev

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pawl.features.decision_context import (
    CONTEXT_FIELDS,
    MarketFrames,
    decision_context,
    session_band,
    stacked_edges,
    tercile_edges,
)

START = datetime(2024, 1, 1, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")
N_BARS = 80


def hours(number: float) -> datetime:
    return START + timedelta(hours=number)


def instants(numbers: list[float]) -> pl.Series:
    return pl.Series([hours(number) for number in numbers], dtype=INSTANT)


def hourly(closes: list[float], ticker: str = "A") -> pl.DataFrame:
    """Bars that open at hours 0, 1, 2, ... and are known an hour later."""
    numbers = list(map(float, range(len(closes))))
    return pl.DataFrame({"ticker": [ticker] * len(closes), "ts": instants(numbers), "close": closes}).with_columns(
        available_at=pl.col("ts") + timedelta(hours=1)
    )


def values(column: str, known: dict[float, float], ticker: str = "A") -> pl.DataFrame:
    """Hour at which a value became known → value."""
    at = instants(list(known))
    return pl.DataFrame(
        {"ticker": [ticker] * len(known), "ts": at, "available_at": at, column: list(known.values())},
        schema_overrides={"ticker": pl.String, column: pl.Float64},
    )


def walk(seed: int = 0) -> list[float]:
    return [float(x) for x in 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, N_BARS)))]


def market(closes: list[float] | None = None) -> MarketFrames:
    bars = hourly(walk() if closes is None else closes)
    funding = values("funding_rate_frac", {8.0 * n: 0.0001 * n for n in range(1, 10)})
    oi = values("oi_usd", {float(n): 1000.0 + n * n for n in range(1, N_BARS)})
    return MarketFrames(bars=bars, funding=funding, open_interest=oi, edges=tercile_edges(bars, hours(40)))


def context(frames: MarketFrames, at: float, ticker: str = "A") -> dict[str, object]:
    decisions = pl.DataFrame({"ticker": [ticker], "decided_at": instants([at])})
    return decision_context(decisions, frames).row(0, named=True)


def test_volatility_is_the_spread_of_the_24_returns_before() -> None:
    closes = walk()
    # At 50:30 the newest bar known is the one that opened at 49:00.
    returns = [float(np.log(closes[n] / closes[n - 1])) for n in range(26, 50)]
    assert len(returns) == 24
    assert context(market(), 50.5)["volatility"] == pytest.approx(stdev(returns), rel=1e-12)


def test_a_bar_that_closes_at_the_decision_is_not_yet_known() -> None:
    at_close, after = context(market(), 50.0), context(market(), 50.001)
    assert at_close["volatility"] == context(market(), 49.5)["volatility"] != after["volatility"]


def test_volatility_needs_24_returns_without_a_gap_and_a_fresh_bar() -> None:
    assert context(market(), 24.5)["volatility"] is None
    assert context(market(), 25.5)["volatility"] is not None
    frames = market()
    gap = MarketFrames(
        bars=frames.bars.filter(pl.col("ts") != hours(40)), funding=frames.funding,
        open_interest=frames.open_interest, edges=frames.edges,
    )  # fmt: skip
    assert context(gap, 50.5)["volatility"] is context(gap, 50.5)["market_regime"] is None
    assert context(gap, 66.5)["volatility"] is not None
    assert context(frames, N_BARS + 1.0)["volatility"] is not None
    assert context(frames, N_BARS + 1.1)["volatility"] is None


@pytest.mark.parametrize(("at", "funding"), [(7.9, None), (8.0, None), (8.1, 0.0001), (16.0, 0.0001), (17.0, 0.0002)])
def test_funding_is_the_last_settled_rate(at: float, funding: float | None) -> None:
    assert context(market(), at)["funding"] == (None if funding is None else pytest.approx(funding))


def test_the_change_of_open_interest_is_over_24_hours() -> None:
    # Known strictly before 50:00 is 49; 24 hours before that instant, 25.
    assert context(market(), 50.0)["oi_change"] == pytest.approx((1000 + 49**2) / (1000 + 25**2) - 1)
    assert context(market(), 25.0)["oi_change"] is None
    assert context(market(), 25.1)["oi_change"] == pytest.approx((1000 + 25**2) / 1001 - 1)
    # The last value is known at hour 79.
    assert context(market(), 103.0)["oi_change"] is not None
    assert context(market(), 103.1)["oi_change"] is None


@pytest.mark.parametrize(
    ("time", "band"),
    [("00:00", "asia"), ("07:59", "asia"), ("08:00", "europe"), ("12:59", "europe"), ("13:00", "us"), ("20:59", "us"),
     ("21:00", "late"), ("23:59", "late")],
)  # fmt: skip
def test_the_session_band_follows_the_utc_hour(time: str, band: str) -> None:
    at = pl.Series([datetime.fromisoformat(f"2024-01-01T{time}:00+00:00")], dtype=INSTANT)
    assert pl.select(session_band(pl.lit(at))).item() == band


@pytest.mark.parametrize(("drift", "trend"), [(0.001, "up"), (-0.001, "down"), (0.0, "flat")])
@pytest.mark.parametrize(("low", "high", "tercile"), [(1.0, 2.0, "low"), (0.0, 1.0, "mid"), (0.0, 1e-9, "high")])
def test_the_regime_is_the_sign_of_the_trend_and_the_tercile(
    drift: float, trend: str, low: float, high: float, tercile: str
) -> None:
    # Every second bar is 1 % higher, so 20 bars apart only the drift is left.
    closes = [100 * (1 + drift * n) * (1.01 if n % 2 else 1.0) for n in range(N_BARS)]
    frames = market(closes)
    edges = pl.DataFrame({"ticker": ["A"], "fitted_until": instants([30.0]), "low": [low], "high": [high]})
    frames = MarketFrames(bars=frames.bars, funding=frames.funding, open_interest=frames.open_interest, edges=edges)
    assert context(frames, 50.5)["market_regime"] == f"{trend}_{tercile}"


def test_edges_are_the_terciles_of_what_was_known_before() -> None:
    bars = hourly(walk())
    edges = tercile_edges(bars, hours(60))
    known = [context(market(), at + 0.5)["volatility"] for at in range(25, 60)]
    low, high = np.quantile([float(str(value)) for value in known], [1 / 3, 2 / 3])
    # The bar that closes at hour 60 itself is not among them; the last asked at 59:30 is the one that closed at 59.
    assert edges.row(0, named=True) == {
        "ticker": "A", "fitted_until": hours(60), "low": pytest.approx(low), "high": pytest.approx(high),
    }  # fmt: skip
    changed = bars.with_columns(close=pl.when(pl.col("available_at") < hours(60)).then("close").otherwise(1.0))
    assert_frame_equal(tercile_edges(changed, hours(60)), edges)


def test_a_decision_reads_the_newest_edges_fitted_before_it() -> None:
    frames = market()
    stacked = pl.DataFrame(
        {"ticker": ["A"] * 2, "fitted_until": instants([45.0, 55.0]), "low": [1.0, 0.0], "high": [2.0, 1e-9]}
    )
    frames = MarketFrames(bars=frames.bars, funding=frames.funding, open_interest=frames.open_interest, edges=stacked)
    found = [str(context(frames, at)["market_regime"]).split("_")[-1] for at in (44.5, 50.5, 60.5)]
    assert found == ["None", "low", "high"]


def test_edges_of_several_instants_are_those_of_each() -> None:
    bars = pl.concat([hourly(walk(1), "B"), hourly(walk())])
    instants_of = [hours(60), hours(3), hours(40), hours(45.5)]
    each = pl.concat([tercile_edges(bars, until) for until in sorted(instants_of)])
    assert_frame_equal(stacked_edges(bars, instants_of), each)
    assert each.height == 6
    assert stacked_edges(bars, []).is_empty()


def test_stretch_is_the_move_of_24_bars_in_units_of_their_volatility() -> None:
    closes = walk()
    returns = [float(np.log(closes[n] / closes[n - 1])) for n in range(26, 50)]
    expected = sum(returns) / (stdev(returns) * 24**0.5)
    assert context(market(), 50.5)["stretch"] == pytest.approx(expected, rel=1e-9)
    turned = [1e4 / price for price in closes]
    assert context(market(turned), 50.5)["stretch"] == pytest.approx(-expected, rel=1e-9)


@pytest.mark.parametrize("at", [24.5, N_BARS + 1.1])
def test_stretch_is_unknown_where_the_volatility_is(at: float) -> None:
    assert context(market(), at)["volatility"] is context(market(), at)["stretch"] is None


def test_where_nothing_moved_there_is_no_stretch() -> None:
    assert context(market([100.0] * N_BARS), 50.5)["volatility"] == 0
    assert context(market([100.0] * N_BARS), 50.5)["stretch"] is None


def test_known_at_is_the_newest_instant_of_what_was_read() -> None:
    # Known before 50:30: the bar and the open interest of 50:00; the funding of 48:00.
    assert context(market(), 50.5)["known_at"] == hours(50)
    frames = market()
    late = values("funding_rate_frac", {50.25: 0.0001})
    frames = MarketFrames(bars=frames.bars, funding=late, open_interest=frames.open_interest, edges=frames.edges)
    assert context(frames, 50.5)["known_at"] == hours(50.25)
    # The bars tell nothing yet, nor does the open interest: the settlement of 08:00 is all that was read.
    assert context(market(), 24.0)["known_at"] == hours(16)
    assert context(market(), 1.5)["known_at"] is None
    assert context(market(), 50.5, "B")["known_at"] is None


@given(st.integers(0, N_BARS * 4), st.integers(0, 5))
def test_pass_r7_what_is_known_is_older_than_the_decision(quarter: int, seed: int) -> None:
    at = quarter / 4
    found = context(market(walk(seed)), at)
    has_field = any(found[name] is not None for name in CONTEXT_FIELDS if name not in ("session_band", "known_at"))
    assert (found["known_at"] is not None) == has_field
    if has_field:
        known_at = found["known_at"]
        assert isinstance(known_at, datetime)
        assert known_at < hours(at)


def changed_from(frame: pl.DataFrame, column: str, instant: datetime, factor: float) -> pl.DataFrame:
    is_late = pl.col("available_at") >= instant
    return frame.with_columns(pl.when(is_late).then(pl.col(column) * factor).otherwise(column).alias(column))


@given(st.integers(0, N_BARS * 4), st.floats(0.01, 100), st.booleans(), st.integers(0, 5))
def test_pass_r7_nothing_known_at_the_decision_or_later_changes_its_context(
    quarter: int, factor: float, is_dropped: bool, seed: int
) -> None:
    at = quarter / 4
    frames = market(walk(seed))
    columns = {"bars": "close", "funding": "funding_rate_frac", "open_interest": "oi_usd"}
    late = {
        name: frame.filter(pl.col("available_at") < hours(at))
        if is_dropped
        else changed_from(frame, column, hours(at), factor)
        for name, column in columns.items()
        for frame in [getattr(frames, name)]
    }
    edges = frames.edges if at >= 40 else frames.edges.with_columns(low=pl.lit(9.0))
    assert context(MarketFrames(**late, edges=edges), at) == context(frames, at)


def test_what_was_known_before_does_change_it() -> None:
    frames = market()
    for name, column in {"bars": "close", "funding": "funding_rate_frac", "open_interest": "oi_usd"}.items():
        parts = {each: getattr(frames, each) for each in ("bars", "funding", "open_interest", "edges")}
        parts[name] = changed_from(parts[name], column, hours(47), 1.5)
        assert context(MarketFrames(**parts), 50.0) != context(frames, 50.0)


def test_decisions_keep_their_order_and_read_their_own_ticker() -> None:
    frames = market()
    both = MarketFrames(
        bars=pl.concat([frames.bars, hourly(walk(1), "B")]), funding=frames.funding,
        open_interest=frames.open_interest, edges=frames.edges,
    )  # fmt: skip
    decisions = pl.DataFrame(
        {"ticker": ["B", "A", "A", "C"], "decided_at": instants([50.5, 60.5, 50.5, 50.5]), "note": [1, 2, 3, 4]}
    )
    found = decision_context(decisions, both)
    assert_frame_equal(found.select(decisions.columns), decisions)
    assert found["volatility"].to_list() == [
        context(both, 50.5, "B")["volatility"], context(frames, 60.5)["volatility"],
        context(frames, 50.5)["volatility"], None,
    ]  # fmt: skip
    assert found["funding"].is_null().to_list() == [True, False, False, True]
    assert found["market_regime"].is_null().to_list() == [True, False, False, True]


def test_a_ticker_does_not_go_on_where_another_ended() -> None:
    frames = market()
    later = hourly(walk(1), "B").with_columns(pl.col("ts", "available_at") + timedelta(hours=N_BARS))
    both = MarketFrames(
        bars=pl.concat([frames.bars, later]), funding=frames.funding,
        open_interest=frames.open_interest, edges=frames.edges,
    )  # fmt: skip
    known = [context(both, N_BARS + at, "B")["volatility"] is not None for at in (24.5, 25.5)]
    assert known == [False, True]


@pytest.mark.parametrize("close", [float("nan"), 0.0, -1.0])
def test_a_close_that_is_no_price_is_a_gap(close: float) -> None:
    closes = walk()
    closes[40] = close
    assert context(market(closes), 50.5)["volatility"] is None
