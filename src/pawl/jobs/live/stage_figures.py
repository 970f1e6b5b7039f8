"""What the signals of a stage say of a candidate: the guard-rails, the conditions, and the gain over the champion.

All of a version's signals count, acting or in shadow: whoever does not act decides beside it on the same bars, and what
came of it is known from the bars. Results are net of costs, of one unit of notional; `hold` earns nothing.
"""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pawl.evaluation.calibration import ece
from pawl.evaluation.trading import max_drawdown
from pawl.gates.figure import Figure, Figures
from pawl.ids import ModelVersion
from pawl.market.basis_points import BPS

__all__ = ["Pairs", "condition_figures", "count_resolved", "paired_gains", "rail_figures", "taken_positions"]

Floats = NDArray[np.float64]
BAR = ("pair", "timeframe", "bar_timestamp")
TAIL = 0.99
IS_POSITION = pl.col("signal") != "hold"
IS_KNOWN = ~IS_POSITION | pl.col("actual_pnl").is_not_null()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Challenger less champion on the bars that both decided, in order of time. gain_bps: (n,) NaN while unresolved."""

    decided_at: list[datetime]
    gain_bps: Floats


def count_resolved(rows: pl.DataFrame, version: ModelVersion) -> int:
    """Positions of a version whose outcome is known."""
    return _resolved(_of(rows, version)).height


def rail_figures(rows: pl.DataFrame, candidate: ModelVersion) -> dict[str, Figure]:
    """The figures of the five guard-rails by their names, each with its sample.

    error_rate: bars that another version of the stage answered and the candidate did not. risk_violation_rate:
    decisions for more than the whole capital of a ticker; one without a size is for one unit of it.
    """
    own = _of(rows, candidate)
    resolved = _resolved(own)
    taken = taken_positions(own)
    latency = own["latency_ms"].drop_nulls().to_numpy()
    n_bars = rows.select(BAR).n_unique() if rows.height else 0
    return {
        "max_drawdown_bps": Figure(_drawdown(taken, _n_pairs(rows)) * BPS, taken.height),
        "risk_violation_rate": _violations(own),
        "error_rate": Figure((n_bars - own.height) / n_bars if n_bars else math.nan, n_bars),
        "latency_p99_ms": Figure(
            float(np.quantile(latency, TAIL, method="higher")) if latency.size else math.nan, latency.size
        ),
        "ece": _calibration(resolved),
    }


def condition_figures(rows: pl.DataFrame, version: ModelVersion, other: ModelVersion) -> Figures:
    """The five conditions of a version on the bars that both versions decided and whose outcomes are known for both.

    max_drawdown rests on days, the rest on decisions, as in the offline gate.
    """
    both = _both_known(rows, version, other)
    resolved = _resolved(both)
    pnl = resolved["actual_pnl"].to_numpy()
    n, n_days = len(pnl), both["created_at"].dt.date().n_unique() if both.height else 0
    return {
        "hit_rate": Figure(float((pnl > 0).mean()) if n else math.nan, n),
        "pnl_bps": Figure(float(pnl.mean()) * BPS if n else math.nan, n),
        "max_drawdown": Figure(_drawdown(taken_positions(both), _n_pairs(rows)), n_days),
        "risk_violation_rate": _violations(both),
        "ece": _calibration(resolved),
    }


def paired_gains(rows: pl.DataFrame, candidate: ModelVersion, champion: ModelVersion) -> Pairs:
    """What the candidate earned more than the champion on each bar that both decided."""
    earned = pl.when(IS_POSITION).then(pl.col("actual_pnl")).otherwise(0.0)
    ours, theirs = (_of(rows, one).select(*BAR, "created_at", earned=earned * BPS) for one in (candidate, champion))
    both = ours.join(theirs, on=BAR, suffix="_champion", how="inner", maintain_order="left")
    gain = (both["earned"] - both["earned_champion"]).cast(pl.Float64)
    return Pairs(decided_at=both["created_at"].to_list(), gain_bps=gain.fill_null(math.nan).to_numpy())


def taken_positions(own: pl.DataFrame) -> pl.DataFrame:
    """The positions that whoever follows one version holds, one at a time a pair, whose outcome is known; in the order
    in which they ended. A signal that comes while one is open opens nothing.
    """
    positions = own.filter(IS_POSITION).sort("created_at", maintain_order=True)
    busy_until: dict[str, datetime | None] = {}
    is_taken = []
    for pair, created_at, resolved_at in positions.select("pair", "created_at", "resolved_at").iter_rows():
        until = busy_until.get(pair, created_at)
        is_free = until is not None and until <= created_at
        is_taken.append(is_free)
        if is_free:
            busy_until[pair] = resolved_at
    taken = positions.filter(pl.Series(is_taken, dtype=pl.Boolean))
    return taken.filter(pl.col("actual_pnl").is_not_null()).sort("resolved_at", maintain_order=True)


def _of(rows: pl.DataFrame, version: ModelVersion) -> pl.DataFrame:
    return rows.filter(pl.col("model_version") == version)


def _resolved(own: pl.DataFrame) -> pl.DataFrame:
    return own.filter(IS_POSITION & pl.col("actual_pnl").is_not_null())


def _both_known(rows: pl.DataFrame, version: ModelVersion, other: ModelVersion) -> pl.DataFrame:
    ours, theirs = (_of(rows, one).filter(IS_KNOWN) for one in (version, other))
    return ours.join(theirs.select(BAR), on=BAR, how="semi", maintain_order="left")


def _n_pairs(rows: pl.DataFrame) -> int:
    return max(1, rows["pair"].n_unique())


def _drawdown(taken: pl.DataFrame, n_pairs: int) -> float:
    """Largest fall of the equity where each pair has an equal share of the capital; 0 while nothing has ended."""
    return max_drawdown(taken["actual_pnl"].to_numpy() / n_pairs) if taken.height else 0.0


def _violations(own: pl.DataFrame) -> Figure:
    n = own.height
    return Figure(float((own["position_size"].fill_null(1.0).abs() > 1.0).sum()) / n if n else math.nan, n)


def _calibration(resolved: pl.DataFrame) -> Figure:
    hit = (resolved["actual_outcome"] == "win").cast(pl.Float64).to_numpy()
    return Figure(ece(resolved["confidence"].to_numpy(), hit), resolved.height)
