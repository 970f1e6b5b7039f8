"""Who takes part in a replay: by what was known at each step, and by nothing later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pawl.errors import TooLittleDataError
from pawl.jobs.replay_plan import ReplayOrder, steps
from pawl.jobs.replay_tickers import Joining
from pawl.jobs.workspace import Workspace
from pawl.lake.silver import SilverStore
from pawl.market.calendars import ALWAYS
from small_replay import ORDER, learner
from small_workspace import DAILY, NOW, START, fill


@pytest.fixture
def silver(tmp_path: Path) -> SilverStore:
    workspace = Workspace.at(tmp_path)
    fill(workspace)
    return workspace.silver


def joining(silver: SilverStore, order: ReplayOrder = ORDER) -> Joining:
    bars = silver.scan(DAILY, order.tickers).filter(pl.col("available_at") <= order.end).collect()
    return Joining(silver, learner().spec, order, bars)


def add(silver: SilverStore, ticker: str, first: int, n: int, frozen_from: int | None = None) -> None:
    """A ticker that opens `first` days after the market; frozen_from: its price never moves from that day on."""
    copied = silver.scan(DAILY, ["AAA"]).collect().drop("available_at", "session").slice(first, n)
    named = copied.with_columns(pl.lit(ticker).alias("ticker"))
    if frozen_from is not None:
        day = START + timedelta(days=frozen_from)
        prices = ("open", "high", "low", "close")
        named = named.with_columns(
            pl.when(pl.col("ts") >= day).then(5.0).otherwise(name).alias(name) for name in prices
        )
    silver.merge(named, DAILY, ALWAYS, source="test", now=NOW)


def test_a_ticker_joins_at_the_first_step_at_which_it_has_its_bars(silver: SilverStore) -> None:
    add(silver, "LATE", first=100, n=600)  # its 400th bar closes 500 days after the start, in the second step
    found = joining(silver)
    members = [found.at(step) for step in steps(ORDER)]
    assert ["LATE" in tickers for tickers in members] == [False, True, True, True]
    assert all({"AAA", "BBB"} <= {*tickers} for tickers in members)


def test_one_bar_too_few_is_too_few(silver: SilverStore) -> None:
    exact = (ORDER.start - START).days - 400
    add(silver, "EXACT", first=exact - 1, n=700)  # 400 bars closed strictly before the start
    add(silver, "SHORT", first=exact, n=700)
    found = joining(silver)
    assert found.at(steps(ORDER)[0]) == ("AAA", "BBB", "EXACT")
    assert found.left_out == {"SHORT": "has fewer than 400 bars"}


def test_a_ticker_that_goes_bad_later_is_decided_on_until_that_could_be_known(silver: SilverStore) -> None:
    """Leaving it out from the start would be trading on the knowledge that its data will fail."""
    second = (steps(ORDER)[1].begin - START).days
    add(silver, "STALE", first=0, n=800, frozen_from=second + 5)
    found = joining(silver)
    members = ["STALE" in found.at(step) for step in steps(ORDER)]
    assert members[:2] == [True, True]
    assert members[-1] is False
    assert "fails its checks" in found.left_out["STALE"]


def test_a_named_ticker_that_is_not_ready_is_refused_with_the_earliest_date(silver: SilverStore) -> None:
    add(silver, "LATE", first=100, n=600)
    add(silver, "SOONER", first=80, n=600)
    with pytest.raises(TooLittleDataError, match="LATE") as told:
        joining(silver, replace(ORDER, tickers=("AAA", "LATE", "SOONER")))
    assert told.value.exit_code == 2
    earliest = START + timedelta(days=501)  # the first midnight with 400 closes strictly before it
    assert told.value.fix == f"start at {earliest:%Y-%m-%d} or later"
    ready = replace(ORDER, tickers=("AAA", "LATE"), start=earliest)
    assert joining(silver, ready).at(steps(ready)[0]) == ("AAA", "LATE")


def test_a_start_at_which_no_ticker_is_ready_is_refused_with_the_earliest_date(silver: SilverStore) -> None:
    early = replace(ORDER, start=datetime(2022, 1, 1, tzinfo=UTC))
    with pytest.raises(TooLittleDataError) as told:
        joining(silver, early)
    assert told.value.fix == "start at 2022-02-06 or later"


def test_a_history_that_is_too_short_for_any_start_asks_for_more(silver: SilverStore) -> None:
    add(silver, "TINY", first=0, n=50)
    with pytest.raises(TooLittleDataError) as told:
        joining(silver, replace(ORDER, tickers=("TINY",)))
    assert told.value.fix == "import a longer history of TINY"
