"""The market regime of a day: five states, scored by priority, from the features of that day."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

__all__ = ["REGIME_HORIZON_BARS", "REGIME_INPUTS", "STATES", "STATE_TO_ID", "State", "assign_regime_labels"]

REGIME_HORIZON_BARS = 0
"""A regime label is known at its own close: `interval(REGIME_HORIZON_BARS)` gives its t0 = t1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One regime: its number in the model, its priority (the highest true one wins), and when it holds."""

    name: str
    state_id: int
    priority: int
    condition: pl.Expr


_RANGE_POS = pl.col("range_pos_60")
_RSI = pl.col("rsi_smooth")
_CURVATURE = pl.col("curv_2")
_DRAWDOWN = pl.col("drawdown_60")
_VOLUME_RATIO = pl.col("volume_ratio_20")
_SPREAD = pl.col("ema_spread_rel")

# "Rising over 5 days": above its own value of 5 bars ago, which needs no column of its own.
_IS_SPREAD_RISING = _SPREAD > _SPREAD.shift(5).over("ticker")

_IS_FLAT = pl.col("ret_20").abs() < 0.05

# fmt: off
STATES: tuple[State, ...] = (
    State(name="Accumulation", state_id=0, priority=4,
          condition=(_DRAWDOWN < -0.10) & _IS_FLAT & (_CURVATURE > -0.5) & (_VOLUME_RATIO > 0.7)),
    State(name="EarlyUp", state_id=1, priority=3,
          condition=(_RSI > 40) & _IS_SPREAD_RISING & (pl.col("ret_10") > 0) & (_RANGE_POS < 0.80)),
    State(name="Peak", state_id=2, priority=5,
          condition=(_RANGE_POS > 0.90) & (_RSI > 60) & (_CURVATURE < 0)),
    State(name="Distribution", state_id=3, priority=1,
          condition=(_RANGE_POS > 0.60) & (pl.col("ret_5") < 0.02) & (_VOLUME_RATIO > 1.0)),
    State(name="LateDown", state_id=4, priority=2,
          condition=(_DRAWDOWN < -0.15) & (pl.col("ret_10") < 0) & (pl.col("price_accel") > 0)),
)
# fmt: on
"""The five states in the order of their numbers; limits as in the m002 spec, loose on purpose, to even the classes."""

STATE_TO_ID: Mapping[str, int] = MappingProxyType({state.name: state.state_id for state in STATES})

REGIME_INPUTS = tuple(sorted({name for state in STATES for name in state.condition.meta.root_names()} - {"ticker"}))
"""The feature columns the conditions read."""


def assign_regime_labels(frame: pl.DataFrame, states: tuple[State, ...] = STATES) -> pl.DataFrame:
    """The frame with `regime_state` (the name) and `regime_state_id`, both null on a row that meets no condition.

    frame: ordered by (ticker, ts), with REGIME_INPUTS. Each condition is evaluated by itself and scores its priority;
    the highest score names the state, so neither the order of `states` nor overlaps matter. A comparison with a null is
    false, and a score of 0 is no state.

    >>> days = {"ticker": ["A"], "range_pos_60": [0.95], "rsi_smooth": [70.0], "curv_2": [-1.0], "drawdown_60": [0.0],
    ...         "ret_5": [0.1], "ret_10": [0.1], "ret_20": [0.1], "volume_ratio_20": [None], "ema_spread_rel": [0.1],
    ...         "price_accel": [0.0]}
    >>> assign_regime_labels(pl.DataFrame(days)).select("regime_state", "regime_state_id").row(0)
    ('Peak', 2)
    """
    score = pl.max_horizontal(
        pl.when(state.condition.fill_null(value=False)).then(state.priority).otherwise(0) for state in states
    )
    by_priority = {state.priority: state for state in states}
    name = score.replace_strict(
        {p: state.name for p, state in by_priority.items()}, default=None, return_dtype=pl.String
    )
    number = score.replace_strict(
        {p: state.state_id for p, state in by_priority.items()}, default=None, return_dtype=pl.Int64
    )
    return frame.with_columns(name.alias("regime_state"), number.alias("regime_state_id"))
