"""The figures that versions are ranked by, against a computation that shares no code with them."""

import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from monthly_world import AT, TICKERS, Oracle, day_of, months
from pawl.evaluation.costs import Costs
from pawl.evaluation.ranking import RankingRules
from pawl.ids import ModelVersion
from pawl.jobs.live.monthly_scoring import Compared, Ground, compare_month, unread_from
from pawl.ledger.model_versions import list_versions

GROUND = Ground(tickers=TICKERS, costs=Costs(fee_bps=0, slippage_bps=0), rules=RankingRules(), at=AT)
ONE = ModelVersion("oracle-1.0")


def test_rev_r34_figures_of_the_last_30_days_are_those_of_an_independent_computation(tmp_path: Path) -> None:
    market = months(tmp_path)
    told = market.sides(0.6)
    market.add(ONE, told, day_of("2025-11-20"))
    with market.ledger.reading() as tx:
        versions = list_versions(tx)
    found = compare_month(market.workspace, Oracle(), versions, [ONE], GROUND)
    assert found.scored_from == AT - timedelta(days=30)
    figures = found.figures[ONE]
    # A side taken at the close of a bar is held from the next open to the one after it.
    results = []
    for ticker in TICKERS:
        bars = market.bars.filter(pl.col("ticker") == ticker).sort("ts")
        bars = bars.filter(pl.col("ts").is_between(AT - timedelta(days=30), AT, closed="left"))
        keys = [f"{ticker}|{int(ts.timestamp())}" for ts in bars["ts"]]
        opens = bars["open"].to_list()
        for i, key in enumerate(keys):
            if key in told.sides and i + 2 < len(opens):
                results.append((told.sides[key], opens[i + 1], opens[i + 2]))
    earned = np.array([side * (after / before - 1) * 1e4 for side, before, after in results])
    assert abs(figures.n_resolved - len(earned)) <= 2 * len(TICKERS)  # what is open at the end closes at the last close
    assert figures.win_rate == pytest.approx(float((earned > 0).mean()), abs=0.01)
    assert figures.avg_pnl == pytest.approx(float(earned.mean()), rel=0.05)
    assert figures.signal_share == pytest.approx(1 / 6, abs=0.005)
    assert figures.sharpe_ratio is not None and math.copysign(1, figures.sharpe_ratio) == math.copysign(
        1, earned.mean()
    )


def test_a_daily_version_has_read_what_its_parents_have_read(tmp_path: Path) -> None:
    market = months(tmp_path)
    market.add(ONE, market.sides(0.5), day_of("2026-01-12"))
    market.add("oracle-1.0-daily-20251201", market.sides(0.5, 2), day_of("2025-12-01"), parent=ONE)
    market.add(
        "oracle-1.0-daily-20251202", market.sides(0.5, 3), day_of("2025-12-02"), parent="oracle-1.0-daily-20251201"
    )
    with market.ledger.reading() as tx:
        by_name = {one.version: one for one in list_versions(tx)}
    assert {unread_from(one, by_name) for one in by_name.values()} == {day_of("2026-01-12")}


def compared(home: Path, n_unread: int) -> Compared:
    """The month of one version, which has left so many days unread."""
    market = months(home)
    market.add(ONE, market.sides(0.5), AT - timedelta(days=n_unread))
    with market.ledger.reading() as tx:
        versions = list_versions(tx)
    return compare_month(market.workspace, Oracle(), versions, [ONE], GROUND)


def test_a_version_takes_part_once_it_has_left_fourteen_days_unread(tmp_path: Path) -> None:
    found = compared(tmp_path, n_unread=14)
    assert (found.scored_from, list(found.figures)) == (AT - timedelta(days=14), [ONE])


def test_nobody_is_compared_where_everybody_is_too_new(tmp_path: Path) -> None:
    found = compared(tmp_path, n_unread=13)
    assert (found.scored_from, found.figures, list(found.left_out)) == (None, {}, [ONE])
