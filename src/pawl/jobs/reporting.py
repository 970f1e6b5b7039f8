"""From a scored version to the values that a report shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pawl.evaluation.bootstrap import Estimate
from pawl.evaluation.calibration import calibration_curve
from pawl.jobs.backtesting import ScoredVersion
from pawl.jobs.comparison import Compared
from pawl.jobs.evaluation import Scored
from pawl.jobs.report_frames import equity_frame, monthly_actions
from pawl.learners.learner import LearnerSpec
from pawl.market.basis_points import BPS
from pawl.market.checks import QualityReport, Severity
from pawl.registry.versions import VersionRecord
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

__all__ = ["ReportContext", "report_data"]

_STATES = "state_prob_"
_STATE_MISSING = "state_prob_missing"

_SHOWN = {
    "daily_net_return": ("Net return a day", Unit.BPS, Better.HIGHER),
    "net_return": ("Net return", Unit.PERCENT, Better.HIGHER),
    "sharpe": ("Sharpe", Unit.RATIO, Better.HIGHER),
    "max_drawdown": ("Max drawdown", Unit.PERCENT, Better.LOWER),
    "hit_rate": ("Hit rate", Unit.PERCENT, Better.HIGHER),
    "net_bps_per_trade": ("Net a trade", Unit.BPS, Better.HIGHER),
    "average_precision": ("Average precision", Unit.SCORE, Better.HIGHER),
    "brier": ("Brier", Unit.SCORE, Better.LOWER),
    "ece": ("ECE", Unit.SCORE, Better.LOWER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """What a report needs beside the figures. profile: a named variant of the run, or empty."""

    spec: LearnerSpec
    quality: QualityReport
    calendars: Mapping[str, str]
    now: datetime
    profile: str = ""


def report_data(scored: ScoredVersion, compared: Mapping[str, Compared], context: ReportContext) -> ReportData:
    """Everything the page shows of a version over its span."""
    model = scored.model
    return ReportData(
        version=scored.record.version,
        learner=scored.record.learner,
        timeframe=str(context.spec.timeframe),
        start=scored.span.start,
        end=scored.span.end,
        n_tickers=model.backtest.returns["ticker"].n_unique(),
        made_at=context.now,
        primary_metric=_SHOWN["daily_net_return"][0],
        headline=_headline(model, compared),
        certificate=_certificate(scored.record),
        curves=_curves(scored),
        metrics=tuple(_row(name, compared[name]) for name in _SHOWN),
        calibration=_calibration(model, context.spec.foresees),
        actions=_actions(model.decisions),
        states=_states(model.predictions, scored.bars),
        importance=_importance(scored.importance, context.spec),
        quality=_quality(scored.bars, context),
        trades=Trades(model.backtest.trades.rename({"pnl_bps": "net_bps"})),
        profile=context.profile,
    )


def _interval(estimate: Estimate, factor: float = 1.0) -> Interval:
    return Interval(estimate.value * factor, estimate.low * factor, estimate.high * factor)


def _headline(model: Scored, compared: Mapping[str, Compared]) -> Headline:
    return Headline(
        net_return=_interval(compared["net_return"].model),
        sharpe=_interval(compared["sharpe"].model),
        max_drawdown=_interval(compared["max_drawdown"].model),
        hit_rate=_interval(compared["hit_rate"].model),
        turnover=model.metrics["turnover"],
        n_trades=int(model.metrics["n_trades"]),
        ece=model.metrics["ece"],
        net_bps_per_trade=_interval(compared["net_bps_per_trade"].model),
    )


def _row(name: str, compared: Compared) -> MetricRow:
    title, unit, better = _SHOWN[name]
    factor = BPS if name == "daily_net_return" else 1.0
    return MetricRow(
        name=title,
        unit=unit,
        better=better,
        model=_interval(compared.model, factor),
        comparisons=tuple(
            Comparison(baseline=baseline, value=_interval(value, factor), difference=_interval(difference, factor))
            for baseline, (value, difference) in compared.baselines.items()
        ),
    )


def _certificate(record: VersionRecord) -> CertificateFacts:
    certificate = record.certificate
    return CertificateFacts(
        dataset_hash=certificate.dataset_hash,
        max_ts=certificate.max_ts,
        max_t1=certificate.max_t1,
        seed=certificate.seed,
        code=certificate.code,
        libraries=certificate.libraries,
        first_allowed=certificate.first_allowed.date(),
    )


def _curves(scored: ScoredVersion) -> tuple[EquityCurve, ...]:
    curves = [_curve(scored.record.version, CurveRole.MODEL, scored.model)]
    curves += [_curve(name, CurveRole.BASELINE, figures) for name, figures in scored.baselines.items()]
    return (*curves, _buy_and_hold(scored))


def _curve(name: str, role: CurveRole, scored: Scored) -> EquityCurve:
    return EquityCurve(name=name, role=role, frame=equity_frame(scored.backtest))


def _buy_and_hold(scored: ScoredVersion) -> EquityCurve:
    """Every ticker held in equal parts, brought back to equal each bar; no costs."""
    growth = (
        scored.bars.filter(scored.span.holds())
        .with_columns(pl.col("close").pct_change().over("ticker").fill_null(0.0).alias("change"))
        .group_by("ts")
        .agg(pl.col("change").mean())
        .sort("ts")
        .with_columns((1 + pl.col("change")).cum_prod().alias("equity"))
    )
    drawdown = (pl.col("equity") / pl.max_horizontal(pl.col("equity").cum_max(), 1.0) - 1).alias("drawdown")
    return EquityCurve(
        name="buy and hold, equal weights", role=CurveRole.BENCHMARK, frame=growth.select("ts", "equity", drawdown)
    )


def _calibration(model: Scored, event: str) -> Calibration | None:
    if model.judged.is_empty():
        return None
    probability = model.judged["probability"].to_numpy()
    curve = calibration_curve(probability, model.judged["target"].cast(pl.Float64).to_numpy())
    return Calibration(
        event=event,
        bins=tuple(CalibrationBin(**row) for row in curve.iter_rows(named=True)),
        brier=model.metrics["brier"],
        ece=model.metrics["ece"],
        base_rate=model.metrics["base_rate"],
    )


def _actions(decisions: pl.DataFrame) -> ActionCounts | None:
    if decisions.is_empty():
        return None
    return ActionCounts(monthly_actions(decisions))


def _states(predictions: pl.DataFrame, bars: pl.DataFrame) -> StateProbabilities | None:
    """The learner's own view of the market, where it has one."""
    states = tuple(name for name in predictions.columns if name.startswith(_STATES) and name != _STATE_MISSING)
    if not states:
        return None
    # Five zeros stand for "not measured": on the page they are a hole, not a market without a state.
    measured = [pl.when(pl.col(_STATE_MISSING) == 0).then(pl.col(name)).alias(name) for name in states]
    closes = bars.select("ticker", "ts", "close")
    frame = predictions.select("ticker", "ts", *measured).join(closes, on=["ticker", "ts"], how="left")
    return StateProbabilities(states=states, frame=frame.sort("ticker", "ts"))


def _importance(importance: Mapping[str, float], spec: LearnerSpec) -> tuple[FeatureGain, ...]:
    meanings = {feature.name: feature.meaning for feature in spec.feature_set}
    return tuple(
        FeatureGain(feature=name, gain=gain, meaning=meanings.get(name, "")) for name, gain in importance.items()
    )


def _quality(bars: pl.DataFrame, context: ReportContext) -> tuple[QualityRow, ...]:
    verdicts = {"ok": QualityVerdict.PASS, "warn": QualityVerdict.WARN, "fail": QualityVerdict.FAIL}
    rows = []
    for ticker, count, first, last in (
        bars.group_by("ticker")
        .agg(pl.len(), pl.col("ts").min().alias("first"), pl.col("ts").max().alias("last"))
        .sort("ticker")
        .iter_rows()
    ):
        found = [finding for finding in context.quality.findings if finding.ticker == ticker]
        counts = {finding.check: finding.count for finding in found}
        rows.append(
            QualityRow(
                ticker=ticker,
                calendar=context.calendars.get(ticker, "24/7"),
                n_rows=count,
                first=first,
                last=last,
                n_gaps=counts.get("gaps", 0),
                n_warnings=sum(finding.severity is Severity.WARN for finding in found),
                n_quarantined=counts.get("quarantined", 0),
                verdict=verdicts[context.quality.verdict(ticker)],
                reasons=tuple(finding.what for finding in found),
            )
        )
    return tuple(rows)
