"""The simulated market as a source."""

from datetime import UTC, datetime

import pytest
from polars.testing import assert_frame_equal

from pawl.errors import InputError
from pawl.lake.simulated_source import SimulatedSource
from pawl.market.bars import Timeframe
from pawl.market.calendars import FX

DAILY = Timeframe.parse("1d")
START, MIDDLE, END = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2021, 2022))


def test_two_halves_are_the_whole() -> None:
    source = SimulatedSource(seed=7)
    whole = source.page("A", DAILY, START, END)
    first, second = source.page("A", DAILY, START, MIDDLE), source.page("A", DAILY, MIDDLE, END)
    assert_frame_equal(first.bars.vstack(second.bars), whole.bars)
    assert whole.bars.height == 366 + 365
    assert whole.next_start == END


def test_the_seed_decides() -> None:
    bars = [SimulatedSource(seed).page("A", DAILY, START, END).bars for seed in (7, 7, 8)]
    assert bars[0].equals(bars[1]) and not bars[0].equals(bars[2])


def test_fx_rests_at_weekends() -> None:
    days = SimulatedSource(7, FX).page("EURUSD", DAILY, START, END).bars["ts"].dt.weekday()
    assert set(days) == {1, 2, 3, 4, 5}


def test_there_is_nothing_before_the_beginning() -> None:
    with pytest.raises(InputError, match="starts on 2018-01-01"):
        SimulatedSource(7).page("A", DAILY, datetime(2017, 1, 1, tzinfo=UTC), END)
