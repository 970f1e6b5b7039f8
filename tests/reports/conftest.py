"""A report of synthetic figures, and a real headless Chromium to open it in."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from pawl.reports.replay_data import ReplayReport
from pawl.reports.report_data import (
    ActionCounts,
    Better,
    Calibration,
    CalibrationBin,
    CertificateFacts,
    Comparison,
    CurveRole,
    EquityCurve,
    FeatureGain,
    Headline,
    Interval,
    MetricRow,
    QualityRow,
    QualityVerdict,
    ReportData,
    StateProbabilities,
    Trades,
    Unit,
)
from synthetic_curve import walk
from synthetic_replay import synthetic_replay

START, END = datetime(2024, 1, 15, tzinfo=UTC), datetime(2025, 9, 1, tzinfo=UTC)
STATES = tuple(f"state_prob_{name}" for name in ("accumulation", "early_up", "peak", "distribution", "late_down"))
BASELINES = ("linear", "lightgbm without regime")
TICKERS = ("ADAUSDT", "BNBUSDT", "BTCUSDT", "DOGEUSDT", "ETHUSDT", "SOLUSDT")


@pytest.fixture
def report_data() -> ReportData:
    """A whole report, the same at every call."""
    return synthetic_report(np.random.default_rng(11))


@pytest.fixture
def replay_report() -> ReplayReport:
    """A whole replay, the same at every call."""
    return synthetic_replay(np.random.default_rng(3))


def synthetic_report(rng: np.random.Generator) -> ReportData:
    """A model that beats one baseline and not the other."""
    ts = pl.datetime_range(START, END, "1d", closed="left", eager=True, time_zone="UTC").alias("ts")
    return ReportData(
        version="m002-1.0",
        learner="m002",
        timeframe="1d",
        start=START,
        end=END,
        n_tickers=len(TICKERS),
        made_at=datetime(2025, 9, 1, 8, 30, tzinfo=UTC),
        primary_metric="Sharpe",
        headline=Headline(
            net_return=Interval(0.184, -0.062, 0.431),
            sharpe=Interval(0.81, -0.28, 1.87),
            max_drawdown=Interval(0.127, 0.081, 0.226),
            hit_rate=Interval(0.536, 0.497, 0.575),
            turnover=14.2,
            n_trades=612,
            ece=0.031,
            net_bps_per_trade=Interval(11.4, -4.1, 26.3),
        ),
        certificate=_certificate(),
        curves=_curves(ts, rng),
        metrics=_metrics(),
        calibration=_calibration(rng),
        actions=_actions(rng),
        states=_states(ts, rng),
        importance=tuple(
            FeatureGain(feature=f"feature_{i:02d}", gain=float(900 * 0.87**i), meaning=f"what feature {i} means")
            for i in range(38)
        ),
        quality=_quality(),
        trades=_trades(rng),
        notes=("Funding is not modelled for spot tickers.",),
    )


def _certificate() -> CertificateFacts:
    return CertificateFacts(
        dataset_hash="sha256:9f2c" + "0a7d51be" * 7 + "44e1",
        max_ts=datetime(2023, 12, 31, tzinfo=UTC),
        max_t1=datetime(2024, 1, 6, tzinfo=UTC),
        seed=7,
        code="pawl 0.1.0 (8e85615)",
        libraries={"torch": "2.13.0", "lightgbm": "4.7.0", "polars": "2.1.0"},
        first_allowed=date(2024, 1, 12),
    )


def _curves(ts: pl.Series, rng: np.random.Generator) -> tuple[EquityCurve, ...]:
    kinds = (
        ("m002-1.0", CurveRole.MODEL, 0.0006, 0.008),
        ("linear", CurveRole.BASELINE, 0.0003, 0.008),
        ("lightgbm without regime", CurveRole.BASELINE, 0.0004, 0.009),
        ("buy and hold, equal weight", CurveRole.BENCHMARK, 0.0008, 0.022),
    )
    return tuple(
        EquityCurve(name=name, role=role, frame=walk(ts, rng, drift, noise)) for name, role, drift, noise in kinds
    )


def _metrics() -> tuple[MetricRow, ...]:
    higher, lower = Better.HIGHER, Better.LOWER
    nothing = float("nan")
    rows = (  # model, then the value and the interval of the difference of each baseline
        ("Sharpe", Unit.RATIO, higher, (0.81, -0.28, 1.87), (0.20, 0.05, 1.20), (0.63, -0.40, 0.70)),
        ("Net return", Unit.PERCENT, higher, (0.184, -0.062, 0.431), (0.041, 0.01, 0.28), (0.12, -0.1, 0.2)),
        ("Max drawdown", Unit.PERCENT, lower, (0.127, 0.081, 0.226), (0.166, -0.1, 0.02), (0.141, -0.08, 0.05)),
        ("Net per trade", Unit.BPS, higher, (11.4, -4.1, 26.3), (2.7, -6.1, 23.0), (7.2, -9.4, 18.0)),
        ("Average precision", Unit.SCORE, higher, (0.412, 0.398, 0.427), (0.39, 0.009, 0.034), (0.411, -0.004, 0.006)),
        ("Brier", Unit.SCORE, lower, (0.214, 0.209, 0.22), (0.209, 0.001, 0.008), (0.215, -0.003, 0.001)),
        ("ECE", Unit.SCORE, lower, (0.031, 0.022, 0.043), (nothing, nothing, nothing), (0.03, -0.007, 0.009)),
    )
    return tuple(
        MetricRow(
            name=name,
            unit=unit,
            better=better,
            model=Interval(*model),
            comparisons=tuple(
                Comparison(baseline=baseline, value=Interval(value), difference=Interval(model[0] - value, low, high))
                for baseline, (value, low, high) in zip(BASELINES, sides, strict=True)
            ),
        )
        for name, unit, better, model, *sides in rows
    )


def _calibration(rng: np.random.Generator) -> Calibration:
    counts = (0, 312, 1105, 1892, 1204, 521, 188, 61, 12, 0)
    bins = []
    for i, n in enumerate(counts):
        middle = (i + 0.5) / 10
        foreseen, came = (middle, 0.08 + 0.8 * middle + rng.normal(0, 0.02)) if n else (float("nan"), float("nan"))
        bins.append(CalibrationBin(low=i / 10, high=(i + 1) / 10, n=n, mean_probability=foreseen, hit_share=came))
    event = "return ≥ +1 % within 5 days, without falling more than 3 %"
    return Calibration(event=event, bins=tuple(bins), brier=0.214, ece=0.031, base_rate=0.361)


def _actions(rng: np.random.Generator) -> ActionCounts:
    month = pl.date_range(date(2024, 1, 1), date(2025, 8, 1), "1mo", eager=True).alias("month")
    long, short = rng.integers(20, 70, len(month)), rng.integers(5, 30, len(month))
    return ActionCounts(pl.DataFrame({"month": month, "n_long": long, "n_short": short, "n_flat": 180 - long - short}))


def _states(ts: pl.Series, rng: np.random.Generator) -> StateProbabilities:
    parts = []
    for ticker in TICKERS:
        logits = np.cumsum(rng.normal(0, 0.25, (len(ts), len(STATES))), axis=0)
        logits -= logits.mean(axis=0)
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        close = 100 * np.cumprod(1 + rng.normal(0.0005, 0.03, len(ts)))
        columns = {name: shares[:, i] for i, name in enumerate(STATES)}
        parts.append(pl.DataFrame({"ticker": [ticker] * len(ts), "ts": ts, "close": close, **columns}))
    return StateProbabilities(states=STATES, frame=pl.concat(parts), chosen="BTCUSDT")


def _quality() -> tuple[QualityRow, ...]:
    def row(ticker: str, verdict: QualityVerdict, n_gaps: int, *reasons: str) -> QualityRow:
        first, last = datetime(2019, 9, 8, tzinfo=UTC), datetime(2025, 8, 31, tzinfo=UTC)
        n_rows = 2185 - n_gaps
        return QualityRow(
            ticker=ticker,
            calendar="24/7",
            n_rows=n_rows,
            first=first,
            last=last,
            n_gaps=n_gaps,
            n_warnings=len(reasons),
            n_quarantined=4 if verdict is QualityVerdict.FAIL else 0,
            verdict=verdict,
            reasons=reasons,
        )

    return (
        *(row(ticker, QualityVerdict.PASS, 0) for ticker in TICKERS[:4]),
        row("ETHUSDT", QualityVerdict.WARN, 2, "2 short outages"),
        row("SOLUSDT", QualityVerdict.FAIL, 91, "91 bars missing inside its listing", "4 rows with high < low"),
    )


def _trades(rng: np.random.Generator) -> Trades:
    n = 612
    entry = pl.Series("entry_ts", sorted(rng.integers(0, 580, n))) * 86_400_000_000
    start = pl.lit(START).dt.cast_time_unit("us")
    frame = pl.DataFrame(
        {
            "ticker": rng.choice(TICKERS, n),
            "side": rng.choice(["long", "short"], n, p=[0.7, 0.3]),
            "entry_ts": entry,
            "exit_ts": entry + pl.Series(rng.integers(1, 8, n)) * 86_400_000_000,
            "entry_price": np.round(rng.lognormal(4, 3, n), 4),
            "net_bps": rng.standard_t(3, n) * 140 + 11.4,
            "exit_reason": rng.choice(["signal", "stop", "target", "trailing"], n),
        }
    ).with_columns(
        (pl.col("entry_price") * (1 + pl.col("net_bps") / 1e4)).alias("exit_price"),
        (start + pl.duration(microseconds=pl.col("entry_ts"))).alias("entry_ts"),
        (start + pl.duration(microseconds=pl.col("exit_ts"))).alias("exit_ts"),
    )
    return Trades(frame)
