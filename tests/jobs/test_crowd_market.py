"""The market of a crowd: users see the bar that has just ended, and contexts and calls of what was known before."""

from datetime import timedelta

import polars as pl
from polars.testing import assert_frame_equal

from pawl.jobs.crowd_market import CROWD_START, call_id, crowd_market, standing_calls

MARKET = crowd_market(3, 7)


def test_a_moment_shows_the_quarter_that_has_just_ended() -> None:
    for slot in (0, 1, 50, MARKET.n_slots - 1):
        at = MARKET.at(slot)
        assert at == CROWD_START + timedelta(minutes=15 * slot + 1)
        for ticker, moment in MARKET.moments(slot).items():
            assert moment.low <= min(moment.open, moment.price) <= max(moment.open, moment.price) <= moment.high
            context = MARKET.watch.context(ticker, at)
            assert (moment.volatility, moment.stretch) == (context.volatility, context.stretch)
            assert context.known_at is not None
            assert context.known_at < at
            assert context.funding is not None
            assert context.oi_change is not None
            assert context.market_regime is not None


def test_on_the_hour_the_price_is_the_close_of_the_hour() -> None:
    hour = CROWD_START + timedelta(hours=7)
    closes = MARKET.hourly.filter(pl.col("available_at") == hour)
    assert dict(closes.select("ticker", "close").iter_rows()) == {
        ticker: moment.price for ticker, moment in MARKET.moments(28).items()
    }


def test_calls_come_by_the_hour_and_stand_until_the_next() -> None:
    assert MARKET.new_calls(1) is None
    made = MARKET.new_calls(4)
    assert made is not None
    assert {call["at"] for call in made} <= {CROWD_START + timedelta(hours=1)}
    standing = standing_calls(7, made)
    assert len(standing) == len(MARKET.quarters)
    assert {call.inference_id for call in standing if call is not None} == {call_id(7, call) for call in made}
    assert call_id(7, made[0]) != call_id(8, made[0])


def test_a_longer_market_continues_a_shorter_one() -> None:
    longer = crowd_market(5, 7)
    assert_frame_equal(longer.hourly.join(MARKET.hourly, on=["ticker", "ts"], how="semi"), MARKET.hourly)
    assert longer.moments(100) == MARKET.moments(100)
