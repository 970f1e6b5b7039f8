"""Everything a report says, as plain values: the job fills them in, the pages and tables only show them.

The report itself calculates nothing beyond shares, verdicts in words and down-sampling, so a figure on the page is the
figure the evaluation gave. Fractions are fractions (0.034 is 3.4 %), times are timezone-aware UTC, and a figure that is
NaN, infinite or None is shown as "–". A part that is None or empty is said to be missing, in one sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

import polars as pl

from pawl.errors import SchemaError

__all__ = [
    "ActionCounts",
    "Better",
    "Calibration",
    "CalibrationBin",
    "CertificateFacts",
    "Comparison",
    "CurveRole",
    "EquityCurve",
    "FeatureGain",
    "Headline",
    "Interval",
    "MetricRow",
    "QualityRow",
    "QualityVerdict",
    "ReportData",
    "StateProbabilities",
    "Trades",
    "Unit",
]


class Unit(Enum):
    """How a figure is written: 0.0341 is `3.4 %` as PERCENT, 12.3 is `12.3 bps` as BPS, 1.234 is `1.23` as RATIO,
    `1.234` as SCORE, `1.2 ×` as TIMES and `1` as COUNT.
    """

    PERCENT = "percent"
    BPS = "bps"
    RATIO = "ratio"
    SCORE = "score"
    TIMES = "times"
    COUNT = "count"


class Better(Enum):
    """Which way a metric is better."""

    HIGHER = "higher"
    LOWER = "lower"


class CurveRole(Enum):
    """What a curve stands for, which decides how it is drawn."""

    MODEL = "model"
    BASELINE = "baseline"
    BENCHMARK = "benchmark"


class QualityVerdict(Enum):
    """What the data check says of a ticker; `fail` stops training on it."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its interval (95 % unless the report says otherwise); no bounds means none were estimated.

    >>> Interval(0.8, 0.1, 1.5).low
    0.1
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What a version was trained on, and the first date it may be scored on."""

    dataset_hash: str
    max_ts: datetime
    max_t1: datetime
    seed: int
    code: str
    libraries: Mapping[str, str]
    first_allowed: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The figures of the cards, all of the model, after costs, on unseen rows.

    net_return: fraction of the starting capital over the period. sharpe: annualised. max_drawdown: fraction, a
    magnitude ≥ 0. hit_rate: fraction of trades with net_bps > 0. turnover: one-way traded notional over capital, a
    year. n_trades: count. ece: in [0, 1]. net_bps_per_trade: of entry notional.
    """

    net_return: Interval
    sharpe: Interval
    max_drawdown: Interval
    hit_rate: Interval
    turnover: float
    n_trades: int
    ece: float
    net_bps_per_trade: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityCurve:
    """One curve of capital.

    frame: `ts` (UTC), `equity` (1.0 = the starting capital), `drawdown` (fall from the running peak, fraction ≤ 0),
    sorted by `ts`, at any length (the page draws at most 3,000 points and keeps the extremes).
    """

    name: str
    role: CurveRole
    frame: pl.DataFrame

    def __post_init__(self) -> None:
        _require(self.frame, ("ts", "equity", "drawdown"), f"EquityCurve `{self.name}`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A baseline on the same rows. difference: model − baseline, with its own (paired) interval."""

    baseline: str
    value: Interval
    difference: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric of the model beside its baselines. name: as printed (`Sharpe`). comparisons: one a baseline."""

    name: str
    unit: Unit
    better: Better
    model: Interval
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Predictions in [low, high). n: count. mean_probability and hit_share: fractions, NaN where n = 0."""

    low: float
    high: float
    n: int
    mean_probability: float
    hit_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How honest the probabilities are. event: what they foresee, in words (`return ≥ 1 % within 5 days ...`)."""

    event: str
    bins: tuple[CalibrationBin, ...]
    brier: float
    ece: float
    base_rate: float


@dataclass(frozen=True, slots=True)
class ActionCounts:
    """Decisions by month. frame: `month` (Date, its first day), `n_long`, `n_short`, `n_flat` (counts), sorted."""

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        _require(self.frame, ("month", "n_long", "n_short", "n_flat"), "ActionCounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateProbabilities:
    """What the market state was thought to be, by ticker.

    states: the probability columns in stacking order (`state_prob_accumulation`, ...; the prefix is not printed).
    frame: `ticker`, `ts`, `close` and those columns (fractions; null, not 0, where none was measured), sorted by
    ticker and ts. chosen: the ticker shown first; None takes the first.
    """

    states: tuple[str, ...]
    frame: pl.DataFrame
    chosen: str | None = None

    def __post_init__(self) -> None:
        _require(self.frame, ("ticker", "ts", "close", *self.states), "StateProbabilities")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureGain:
    """What one feature gave the head. gain: total split gain, any scale ≥ 0 (shown as a share). meaning: one line."""

    feature: str
    gain: float
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRow:
    """The data check of one ticker. first, last: open times of its bars. reasons: what warned or failed, in words."""

    ticker: str
    calendar: str
    n_rows: int
    first: datetime
    last: datetime
    n_gaps: int
    n_warnings: int
    n_quarantined: int
    verdict: QualityVerdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trades:
    """Every closed trade of the model, unseen rows.

    frame: `ticker`, `side` (`long` or `short`), `entry_ts`, `exit_ts` (UTC), `entry_price`, `exit_price`, `net_bps`
    (after fees, slippage and funding, of entry notional), `exit_reason`; any order.
    """

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        columns = ("ticker", "side", "entry_ts", "exit_ts", "entry_price", "exit_price", "net_bps", "exit_reason")
        _require(self.frame, columns, "Trades")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """One report: a model version on rows that no training run of it has read.

    start inclusive, end exclusive, both UTC. n_tickers: scored. profile: a named variant of the run (`demo`), empty for
    the full one. primary_metric: the name of the MetricRow that the answer is read from. made_at: printed at the foot.
    notes: caveats, one sentence each.
    """

    version: str
    learner: str
    timeframe: str
    start: datetime
    end: datetime
    n_tickers: int
    made_at: datetime
    primary_metric: str
    headline: Headline | None = None
    certificate: CertificateFacts | None = None
    curves: tuple[EquityCurve, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    calibration: Calibration | None = None
    actions: ActionCounts | None = None
    states: StateProbabilities | None = None
    importance: tuple[FeatureGain, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    trades: Trades | None = None
    profile: str = ""
    notes: tuple[str, ...] = ()


def _require(frame: pl.DataFrame, columns: tuple[str, ...], owner: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise SchemaError(
            f"{owner} lacks the columns {', '.join(missing)}",
            where="reports/report_data.py",
            fix=f"hand in a frame with {', '.join(columns)}",
        )
