"""Signals of a replay by the calendar: outcomes against a plain loop, arms and sides as they are live."""

from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.gates.ab_test import AbTest, arm_of
from pawl.ids import ModelVersion
from pawl.jobs.cadence_market import Segment, arm_counts, decisions_of, outcomes_of, routed, said_in
from pawl.labels.reversal import label_reversals
from pawl.learners.learner import FitContext
from reversal_market import fx_bars, small_reversal

LEARNER = small_reversal()
A, B = ModelVersion("reversal-3.3"), ModelVersion("reversal-3.4")


@cache
def bars() -> pl.DataFrame:
    return fx_bars(1400)


@cache
def model() -> object:
    return LEARNER.fit(bars().filter(pl.col("ts") < datetime(2025, 3, 19, tzinfo=UTC)), FitContext(seed=1)).model


def test_rev_r8_outcomes_are_those_of_a_plain_loop_over_highs_and_lows() -> None:
    found = outcomes_of(bars())
    atr = label_reversals(bars()).select("ticker", "ts", "atr_14")
    frame = bars().join(atr, on=["ticker", "ts"], maintain_order="left")
    for ticker in ("EURUSD", "USDJPY"):
        rows = frame.filter(pl.col("ticker") == ticker).to_dicts()
        said = found.filter(pl.col("ticker") == ticker).to_dicts()
        for place in range(100, len(rows), 7):
            for name, side in (("buy", 1), ("sell", -1)):
                assert (said[place][f"{name}_outcome"], said[place][f"{name}_resolved"]) == walked(rows, place, side)


def walked(rows: list[dict[str, object]], place: int, side: int) -> tuple[str | None, datetime | None]:
    ahead = rows[place + 1 : place + 17]
    close, atr = float(str(rows[place]["close"])), float(str(rows[place]["atr_14"]))
    for bar in ahead:
        high, low = float(str(bar["high"])), float(str(bar["low"]))
        best, worst = (high, low) if side > 0 else (-low, -high)
        if len(ahead) == 16 and worst <= side * close - atr:
            return "loss", bar["available_at"]  # type: ignore[return-value]
        if len(ahead) == 16 and best >= side * close + 1.5 * atr:
            return "win", bar["available_at"]  # type: ignore[return-value]
    return ("expired", ahead[-1]["available_at"]) if len(ahead) == 16 else (None, unresolved(rows, place, side))  # type: ignore[return-value]


def unresolved(rows: list[dict[str, object]], place: int, side: int) -> datetime | None:
    """Near the end nothing is known; what instant stands there does not matter."""
    name = "buy" if side > 0 else "sell"
    key = (pl.col("ticker") == rows[place]["ticker"]) & (pl.col("ts") == rows[place]["ts"])
    resolved: datetime | None = outcomes_of(bars()).filter(key)[f"{name}_resolved"].item()
    return resolved


def test_segments_together_say_what_one_run_says() -> None:
    start, end = datetime(2025, 3, 19, 2, tzinfo=UTC), datetime(2025, 3, 21, 2, tzinfo=UTC)
    middle = start + timedelta(days=1)
    whole = said_in(LEARNER, model(), bars(), Segment(start, end))
    parts = [said_in(LEARNER, model(), bars(), Segment(*span)) for span in ((start, middle), (middle, end))]
    # Recursive means look back on what they are handed; behind a fortnight that is forgotten to the last digits.
    assert_frame_equal(pl.concat(parts).sort("ticker", "ts"), whole.sort("ticker", "ts"), rel_tol=1e-4, abs_tol=1e-4)
    assert whole["available_at"].min() > start
    assert whole["available_at"].max() == end


def test_one_version_alone_is_followed_as_the_learner_follows_it() -> None:
    segment = Segment(datetime(2025, 3, 19, 2, tzinfo=UTC), datetime(2025, 3, 21, 2, tzinfo=UTC))
    said = said_in(LEARNER, model(), bars(), segment)
    known = bars().filter(pl.col("available_at") <= segment.until)
    theirs = LEARNER.decide(LEARNER.predict(model(), known, since=said["ts"].min()))
    ours = decisions_of(LEARNER, [said], bars())
    # The learner's own answer follows signals from before the segment too: for one horizon they may differ.
    settled = ours["ts"].unique().sort()[17]
    chosen = pl.col("ts") >= settled
    assert_frame_equal(
        ours.filter(chosen).select("ticker", "ts", "action"), theirs.filter(chosen).select("ticker", "ts", "action")
    )


def small_test(start: datetime) -> AbTest:
    return AbTest(
        test_id="t", model_a=A, model_b=B, traffic_split=0.5, started_at=start, ends_at=start + timedelta(days=7)
    )


def test_rev_r27_each_bar_is_that_of_the_arm_its_hash_draws() -> None:
    start = datetime(2025, 3, 19, 2, tzinfo=UTC)
    said = said_in(LEARNER, model(), bars(), Segment(start, start + timedelta(days=2)))
    arms = tuple(said.with_columns(version=pl.lit(version), ab_test=pl.lit("t")) for version in (A, B))
    test = small_test(start)
    drawn = routed(test, "15m", (arms[0], arms[1]))
    assert drawn.height == said.height
    assert 0.35 < (drawn["version"] == A).mean() < 0.65  # type: ignore[operator]
    for row in drawn.head(40).iter_rows(named=True):
        assert row["version"] == arm_of(test, row["ticker"], "15m", row["ts"])


def test_rev_r30_only_resolved_signals_of_the_test_count() -> None:
    start = datetime(2025, 3, 19, tzinfo=UTC)
    test = small_test(start)
    ts = [start + timedelta(minutes=15) * n for n in range(6)]
    said = pl.DataFrame(
        {
            "ticker": "EURUSD",
            "ts": ts,
            "signal": ["buy", "sell", "hold", "buy", "buy", "buy"],
            "version": [A, B, A, A, B, B],
            "ab_test": ["t", "t", "t", None, "t", "t"],
        }
    )
    late = test.ends_at + timedelta(minutes=15)
    outcomes = pl.DataFrame(
        {
            "ticker": "EURUSD",
            "ts": ts,
            "buy_outcome": ["win", "win", "win", "win", "expired", "win"],
            "buy_resolved": [start, start, start, start, start, late],
            "sell_outcome": ["loss"] * 6,
            "sell_resolved": [start] * 6,
        }
    )
    a, b = arm_counts([said], outcomes, test)
    assert ((a.n_wins, a.n_resolved), (b.n_wins, b.n_resolved)) == ((1, 1), (0, 1))


@pytest.mark.parametrize("pair", ["EURUSD", "USDJPY"])
def test_no_outcome_is_known_before_its_bar_closed(pair: str) -> None:
    found = outcomes_of(bars()).join(bars().select("ticker", "ts", "available_at"), on=["ticker", "ts"])
    known = found.filter((pl.col("ticker") == pair) & pl.col("buy_outcome").is_not_null())
    assert (known["buy_resolved"] > known["available_at"]).all()
