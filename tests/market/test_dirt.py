"""Planted faults: all of them recorded, and all of them found again by the checks."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from pawl.errors import InputError
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS, stamp
from pawl.market.checks import check_bars
from pawl.market.dirt import PLANTED_SCHEMA, Dirt
from pawl.market.limits import QualityLimits
from pawl.market.row_rules import sort_out
from pawl.market.simulated import MarketSpec, simulate

SPEC = MarketSpec(tickers=("A", "B"), start=datetime(2020, 1, 1, tzinfo=UTC), n_bars=800, dirt=Dirt())
DAILY = Timeframe.parse("1d")


def test_the_record_says_what_was_planted_and_where(rng: np.random.Generator) -> None:
    market = simulate(SPEC, rng)
    assert market.planted.schema == PLANTED_SCHEMA
    counts = dict(market.planted.group_by("fault").len().iter_rows())
    assert counts == {"gap": 4, "duplicate": 4, "ohlc_violation": 4, "spike": 2, "stale_run": 2}
    assert market.bars.height == 1600 - 4 * 4 + 4  # four gaps of four bars, four bars twice


def test_the_checks_find_what_was_planted(rng: np.random.Generator) -> None:
    market = simulate(SPEC, rng)
    sorted_out = sort_out(market.bars)
    planted = market.planted.rows_by_key("fault", named=True)
    violations = sorted_out.bad.filter(pl.col("reason") == "ohlc_violation")
    assert sorted(violations["ts"]) == sorted(row["ts"] for row in planted["ohlc_violation"])
    twice = sorted_out.bad.filter(pl.col("reason") == "conflicting_duplicate")
    assert sorted(twice["ts"]) == sorted([row["ts"] for row in planted["duplicate"]] * 2)

    silver = stamp(sorted_out.good, ALWAYS, DAILY).select(SILVER_SCHEMA.names())
    report = check_bars(silver, {}, DAILY, QualityLimits())
    found = {(finding.ticker, finding.check): finding for finding in report.findings}
    for fault, check in (("spike", "suspicious_spikes"), ("stale_run", "stale_runs")):
        for row in planted[fault]:
            assert found[row["ticker"], check].at == row["ts"]
            assert row["ticker"] in report.failing_tickers
    # A gap of 4 bars twice, and one bar for each violation and each pair of duplicates that went to quarantine.
    assert found["A", "gaps"].count == 2 * 4 + 2 + 2


def test_too_many_faults_for_the_bars_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="no room for 8 faults"):
        simulate(MarketSpec(tickers=("A",), start=SPEC.start, n_bars=100, dirt=Dirt()), rng)
