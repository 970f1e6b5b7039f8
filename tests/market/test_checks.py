"""The data checks: natural faults warn, broken series fail, and the real files pass."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pawl.errors import QualityError
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS, FX, Calendar, infer_calendar, open_times, stamp
from pawl.market.checks import CHECKS, QualityReport, Severity, check_bars
from pawl.market.limits import QualityLimits
from pawl.market.simulated import MarketSpec, simulate

DAILY = Timeframe.parse("1d")
PRICES = ("open", "high", "low", "close")
START = datetime(2020, 1, 1, tzinfo=UTC)


class On:
    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar


@pytest.fixture
def bars(rng: np.random.Generator) -> pl.DataFrame:
    market = simulate(MarketSpec(tickers=("A", "B"), start=START, n_bars=600), rng)
    return stamp(market.bars, ALWAYS, DAILY).select(SILVER_SCHEMA.names())


def check(bars: pl.DataFrame, limits: QualityLimits | None = None, **quarantined: int) -> QualityReport:
    return check_bars(bars, {"A": On(ALWAYS), "B": On(ALWAYS)}, DAILY, limits or QualityLimits(), quarantined)


def at(ticker: str, first: int, n: int = 1) -> pl.Expr:
    place = pl.int_range(pl.len()).over("ticker")
    return (pl.col("ticker") == ticker) & place.is_between(first, first + n - 1)


def severities(report: QualityReport, check: str) -> dict[str, Severity]:
    return {finding.ticker: finding.severity for finding in report.findings if finding.check == check}


def test_clean_bars_have_no_failing_ticker(bars: pl.DataFrame) -> None:
    report = check(bars)
    assert report.is_ok
    assert report.rows == {"A": 600, "B": 600}
    report.require_pass()


def test_a_short_gap_warns_and_names_its_length(bars: pl.DataFrame) -> None:
    report = check(bars.filter(~at("A", 100, 3)))
    (gap,) = [finding for finding in report.findings if finding.check == "gaps"]
    assert (gap.ticker, gap.severity, gap.count) == ("A", Severity.WARN, 3)
    assert gap.at == START.replace(month=4, day=13)  # the first bar after the 100th to 102nd day of 2020
    assert report.verdict("A") == "warn" and report.verdict("B") == "ok"


def test_a_gap_of_more_than_thirty_days_fails(bars: pl.DataFrame) -> None:
    assert severities(check(bars.filter(~at("A", 100, 29))), "gaps") == {"A": Severity.WARN}
    assert severities(check(bars.filter(~at("A", 100, 31))), "gaps") == {"A": Severity.FAIL}


def test_many_small_gaps_fail_together(bars: pl.DataFrame) -> None:
    every_tenth = pl.int_range(pl.len()).over("ticker") % 10 == 5
    assert severities(check(bars.filter(~(every_tenth & (pl.col("ticker") == "B")))), "gaps") == {"B": Severity.FAIL}


def test_a_weekend_is_no_gap_on_the_fx_calendar() -> None:
    week = stamp(open_times(FX, DAILY, START, START.replace(year=2021)).alias("ts").to_frame(), FX, DAILY)
    prices = {"open": 1.1, "high": 1.2, "low": 1.0, "close": 1.1, "volume": 0.0}
    named = week.with_columns(pl.lit("EURUSD").alias("ticker"), **{name: pl.lit(at) for name, at in prices.items()})
    flat = named.select(SILVER_SCHEMA.names())
    report = check_bars(flat, {"EURUSD": On(FX)}, DAILY, QualityLimits())
    assert severities(report, "gaps") == {}
    assert severities(report, "zero_volume") == {"EURUSD": Severity.WARN}, "FX feeds often carry no volume"


def frozen(bars: pl.DataFrame, n: int) -> pl.DataFrame:
    here = at("A", 200, n)
    return bars.with_columns(
        pl.when(here).then(7.0).otherwise(name).alias(name) for name in ("open", "high", "low", "close")
    )


@pytest.mark.parametrize(("n", "severity"), [(2, None), (3, Severity.WARN), (4, Severity.WARN), (5, Severity.FAIL)])
def test_a_stale_run_warns_from_three_flat_bars_and_fails_from_five(
    bars: pl.DataFrame, n: int, severity: Severity | None
) -> None:
    expected = {} if severity is None else {"A": severity}
    assert severities(check(frozen(bars, n)), "stale_runs") == expected


def test_minute_bars_may_stand_still_for_less_than_an_hour(bars: pl.DataFrame) -> None:
    report = check_bars(frozen(bars, 30), {}, Timeframe.parse("1m"), QualityLimits())
    assert severities(report, "stale_runs") == {"A": Severity.WARN}


def spiked(bars: pl.DataFrame, factor: float, n: int = 1) -> pl.DataFrame:
    here = at("A", 300, n)
    return bars.with_columns(
        pl.when(here).then(pl.col(name) * factor).otherwise(name).alias(name)
        for name in ("open", "high", "low", "close")
    )


@pytest.mark.parametrize("factor", [3.0, 0.3])
def test_a_lone_far_spike_that_comes_back_fails(bars: pl.DataFrame, factor: float) -> None:
    report = check(spiked(bars, factor))
    assert severities(report, "suspicious_spikes") == {"A": Severity.FAIL}
    (finding,) = [finding for finding in report.findings if finding.check == "suspicious_spikes"]
    assert finding.count == 1
    assert finding.at == bars.filter(at("A", 300))["ts"][0]


@pytest.mark.parametrize("factor", [4.9, 0.3])
def test_a_large_move_that_stays_only_warns(bars: pl.DataFrame, factor: float) -> None:
    report = check(spiked(bars, factor, n=300))
    assert severities(report, "suspicious_spikes") == {}
    assert severities(report, "spikes")["A"] is Severity.WARN
    assert report.is_ok


def test_a_spike_among_others_is_a_wild_market_and_only_warns(bars: pl.DataFrame) -> None:
    stormy = spiked(bars, 3.0).with_columns(
        pl.when(at("A", 302)).then(pl.col(name) * 3.0).otherwise(name).alias(name) for name in PRICES
    )
    report = check(stormy)
    assert severities(report, "suspicious_spikes") == {}
    assert severities(report, "spikes")["A"] is Severity.WARN


def test_zero_volume_warns_here_and_there_and_fails_when_common(bars: pl.DataFrame) -> None:
    here = pl.int_range(pl.len()).over("ticker")
    few = bars.with_columns(volume=pl.when(here % 100 == 0).then(0.0).otherwise("volume"))
    many = bars.with_columns(volume=pl.when(here % 10 == 0).then(0.0).otherwise("volume"))
    assert set(severities(check(few), "zero_volume").values()) == {Severity.WARN}
    assert set(severities(check(many), "zero_volume").values()) == {Severity.FAIL}


@pytest.mark.parametrize(
    "broken",
    [pl.col("low") * -1, pl.lit(None, pl.Float64), pl.lit(float("nan")), pl.col("high") * 2],
    ids=["negative", "null", "nan", "above the high"],
)
def test_a_faulty_row_that_slipped_into_the_bars_fails(bars: pl.DataFrame, broken: pl.Expr) -> None:
    report = check(bars.with_columns(low=pl.when(at("B", 10)).then(broken).otherwise("low")))
    assert report.failing_tickers == ("B",)


def test_a_doubled_bar_and_a_bar_off_the_calendar_fail(bars: pl.DataFrame) -> None:
    doubled = pl.concat([bars, bars.filter(at("A", 10)).with_columns(close=pl.col("low"))])
    off = bars.with_columns(session=pl.when(at("B", 9)).then(None).otherwise("session"))
    assert check(doubled).failing_tickers == ("A",)
    assert check(off).failing_tickers == ("B",)


def test_quarantined_rows_warn_and_fail_beyond_one_percent(bars: pl.DataFrame) -> None:
    assert severities(check(bars, A=6), "quarantined") == {"A": Severity.WARN}
    assert severities(check(bars, A=7), "quarantined") == {"A": Severity.FAIL}
    assert check(bars, C=1).is_ok, "a ticker that was not asked for stops nothing"


def test_the_error_names_every_failing_ticker_and_why(bars: pl.DataFrame) -> None:
    with pytest.raises(QualityError, match=r"A: .*31 bars missing"):
        check(bars.filter(~at("A", 100, 31))).require_pass()


def test_every_finding_has_a_documented_name(bars: pl.DataFrame) -> None:
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    for name in CHECKS:
        assert f"`{name}`" in text
    for key in QualityLimits.model_fields:
        assert f"`{key}`" in text


def test_no_bars_give_an_empty_report() -> None:
    report = check_bars(pl.DataFrame(schema=SILVER_SCHEMA), {}, DAILY, QualityLimits())
    assert report.is_ok and not report.rows


@pytest.mark.parametrize(
    ("file", "timeframe", "n_tickers"),
    [("crypto_1d", "1d", 25), ("equities_1d", "1d", 47), ("fx_15m", "15m", 5), ("fx_1h", "1h", 5)],
)
def test_the_real_files_pass(shared_data: Path, file: str, timeframe: str, n_tickers: int) -> None:
    length = Timeframe.parse(timeframe)
    bars = pl.read_parquet(shared_data / "bars" / f"{file}.parquet")
    calendar = infer_calendar(bars.filter(pl.col("ticker") == bars["ticker"][0])["ts"], length)
    silver = stamp(bars, calendar, length).select(SILVER_SCHEMA.names())
    report = check_bars(silver, {str(name): On(calendar) for name in bars["ticker"].unique()}, length, QualityLimits())
    assert report.failing == {}
    assert len(report.rows) == n_tickers


def test_the_real_rise_of_doge_by_392_percent_only_warns(shared_data: Path) -> None:
    bars = pl.read_parquet(shared_data / "bars" / "crypto_1d.parquet").filter(pl.col("ticker") == "DOGEUSDT")
    report = check_bars(stamp(bars, ALWAYS, DAILY).select(SILVER_SCHEMA.names()), {}, DAILY, QualityLimits())
    assert severities(report, "spikes") == {"DOGEUSDT": Severity.WARN}
    assert any("+392.4%" in finding.what for finding in report.findings)
