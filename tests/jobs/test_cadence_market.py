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


@pytest.mark.parametrize(
    ("bar", "buy", "sell"),
    [
        ({"high": 101.5}, "win", "loss"),
        ({"low": 98.5}, "loss", "win"),
        ({"high": 101.0}, None, "loss"),
        ({"low": 99.0}, "loss", None),
        ({"high": 101.49, "low": 99.01}, None, "loss"),
        ({"high": 100.99, "low": 98.51}, "loss", None),
        ({"high": 101.5, "low": 98.5}, "loss", "loss"),
    ],
)
def test_rev_r8_a_barrier_that_is_touched_is_reached_and_of_both_the_adverse_one(
    bar: dict[str, float], buy: str | None, sell: str | None
) -> None:
    """On a market that stands still, with an ATR of exactly 1: the third bar behind the signal moves."""
    n, place = 60, 40
    start = datetime(2025, 3, 3, tzinfo=UTC)
    ts = [start + timedelta(minutes=15) * step for step in range(n)]
    still = pl.DataFrame({"ticker": "EURUSD", "ts": ts, "open": 100.0, "high": 100.5, "low": 99.5, "close": 100.0})
    moved = {"ts": ts[place + 3], "high": 100.5, "low": 99.5, **bar}
    frame = still.update(pl.DataFrame([moved]), on="ts").with_columns(available_at=pl.col("ts").dt.offset_by("15m"))
    (found,) = outcomes_of(frame).filter(ts=ts[place]).to_dicts()
    ends = {name: ts[place + (16 if what is None else 3)] + timedelta(minutes=15)
            for name, what in (("buy", buy), ("sell", sell))}  # fmt: skip
    assert (found["buy_outcome"], found["sell_outcome"]) == (buy or "expired", sell or "expired")
    assert (found["buy_resolved"], found["sell_resolved"]) == (ends["buy"], ends["sell"])


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
    """A buy by what comes of a buy, a sell by that of a sell; until the end of the test, that instant included."""
    start = datetime(2025, 3, 19, tzinfo=UTC)
    test = small_test(start)
    in_time, late = test.ends_at, test.ends_at + timedelta(minutes=15)
    rows: list[tuple[str | None, ModelVersion, str | None, str, datetime, str, datetime]] = [
        # signal, version, test, outcome and end of a buy, outcome and end of a sell; which of them count
        ("buy", A, "t", "win", in_time, "loss", late),  # a win of A
        ("sell", A, "t", "win", late, "loss", in_time),  # a loss of A
        ("sell", B, "t", "loss", start, "win", start),  # a win of B
        ("sell", B, "t", "win", in_time, "win", late),  # too late
        ("buy", B, "t", "win", late, "win", in_time),  # too late
        ("buy", B, "t", "expired", start, "win", start),  # neither won nor lost
        ("hold", A, "t", "win", start, "win", start),  # nothing was said
        (None, A, "t", "win", start, "win", start),
        ("buy", A, None, "win", start, "win", start),  # before the test
        ("buy", B, "u", "win", start, "win", start),  # of another test
    ]
    ts = [start + timedelta(minutes=15) * n for n in range(len(rows))]
    signal, version, ab_test, buy, buy_end, sell, sell_end = zip(*rows, strict=True)
    said = pl.DataFrame({"ticker": "EURUSD", "ts": ts, "signal": signal, "version": version, "ab_test": ab_test})
    outcomes = pl.DataFrame(
        {"ticker": "EURUSD", "ts": ts, "buy_outcome": buy, "buy_resolved": buy_end, "sell_outcome": sell,
         "sell_resolved": sell_end}
    )  # fmt: skip
    a, b = arm_counts([said.head(4), said.tail(-4)], outcomes, test)
    assert ((a.n_wins, a.n_resolved), (b.n_wins, b.n_resolved)) == ((1, 2), (1, 1))


@pytest.mark.parametrize("pair", ["EURUSD", "USDJPY"])
def test_no_outcome_is_known_before_its_bar_closed(pair: str) -> None:
    found = outcomes_of(bars()).join(bars().select("ticker", "ts", "available_at"), on=["ticker", "ts"])
    known = found.filter((pl.col("ticker") == pair) & pl.col("buy_outcome").is_not_null())
    assert (known["buy_resolved"] > known["available_at"]).all()
