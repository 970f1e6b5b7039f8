"""The feature sets, and the one function that computes them."""

import hashlib
import inspect
import json
from collections.abc import Iterable, Iterator
from types import CodeType

import numpy as np
import polars as pl

from pawl.errors import NotFoundError, SchemaError
from pawl.features import (
    channel,
    context,
    curvature,
    events,
    extremes,
    flags,
    kernel,
    lending,
    momentum,
    neighbours,
    price,
    recursions,
    reversal_bar,
    reversal_momentum,
    reversal_strength,
    reversal_structure,
    reversal_trend,
    reversal_volatility,
    rolling,
    segments,
    spreads,
    volatility,
    volume,
    windows,
    zero_divisor,
)
from pawl.features.feature import Feature, FeatureSet
from pawl.features.segments import with_segments

__all__ = ["FEATURE_SETS", "add_m002_features", "build_dataset", "compute", "definition_hash", "feature_set"]

V1 = FeatureSet(
    name="v1",
    features=(
        price.ret_1,
        price.ret_5,
        price.ret_10,
        price.ret_20,
        price.log_ret_1,
        volatility.vol_20,
        price.hl_range,
        price.co_ret,
        volume.volume_ratio_20,
    ),
)
V2 = FeatureSet(
    name="v2",
    features=(
        momentum.rsi_14,
        momentum.macd_rel,
        momentum.macd_signal_rel,
        momentum.macd_hist_rel,
        volatility.bb_pctb_20,
        volatility.bb_width_20,
        volatility.atr_14,
    ),
    steps=(momentum.macd_line,),
)
V3 = FeatureSet(
    name="v3",
    features=(
        price.dist_sma20,
        price.dist_sma60,
        price.drawdown_60,
        price.range_pos_60,
        volume.obv_slope_20,
        volume.volume_z_20,
    ),
)
_ADDITIONS = (
    momentum.rsi_smooth,
    volatility.atr_smooth,
    curvature.curv_2,
    momentum.price_accel,
    momentum.ema_spread_rel,
    volatility.atr_rel,
    events.event_local_vol_spike,
    events.event_volume_regain,
    events.event_rebound_candidate,
    events.event_breakdown_risk,
    events.I_bd_early,
    events.I_bd_late,
    events.I_vr_and_vs,
    context.event_volume_regain_freq20,
    context.days_since_volume_regain,
)
_ADDED_STEPS = (
    volatility.range_z_20,
    events.breakdown_days_10,
)
M002 = FeatureSet(
    name="m002",
    features=(*V1.features, *V2.features, *V3.features, *_ADDITIONS),
    steps=tuple(dict.fromkeys((*V1.steps, *V2.steps, *V3.steps, *_ADDED_STEPS))),
)

REVERSAL = FeatureSet(
    name="reversal",
    features=(
        price.ret_1,
        reversal_bar.ret_3,
        price.ret_5,
        price.ret_10,
        price.hl_range,
        reversal_bar.body,
        reversal_bar.upper_wick,
        reversal_bar.lower_wick,
        reversal_bar.close_pos,
        reversal_bar.gap,
        reversal_trend.sma_10_rel,
        reversal_trend.sma_20_rel,
        reversal_trend.sma_50_rel,
        reversal_trend.ema_12_rel,
        reversal_trend.ema_26_rel,
        reversal_trend.macd,
        reversal_trend.macd_signal,
        reversal_trend.macd_hist,
        reversal_strength.adx_14,
        reversal_strength.plus_di_14,
        reversal_strength.minus_di_14,
        reversal_strength.aroon_osc_25,
        reversal_momentum.rsi_7,
        reversal_momentum.rsi_14,
        reversal_momentum.stoch_k_14,
        reversal_momentum.stoch_d_3,
        reversal_momentum.cci_20,
        reversal_momentum.williams_r_14,
        reversal_momentum.roc_10,
        reversal_volatility.atr_14_rel,
        reversal_volatility.atr_ratio,
        reversal_volatility.bb_pctb_20,
        volatility.bb_width_20,
        reversal_volatility.rv_20,
        reversal_structure.dist_high_20,
        reversal_structure.dist_low_20,
        reversal_structure.hour_sin,
        reversal_structure.hour_cos,
    ),
    steps=(
        momentum.macd_line,
        volatility.atr_14,
        price.log_ret_1,
        reversal_strength.plus_dm,
        reversal_strength.minus_dm,
        reversal_strength.dx_14,
        reversal_momentum.highest_14,
        reversal_momentum.lowest_14,
        reversal_volatility.atr_7,
        reversal_volatility.atr_28,
        reversal_volatility.sma_20,
        reversal_volatility.sd_20,
    ),
)
"""38 columns; their order is part of every `reversal` model."""

FEATURE_SETS: dict[str, FeatureSet] = {each.name: each for each in (V1, V2, V3, M002, REVERSAL)}


def feature_set(name: str) -> FeatureSet:
    """The feature set of this name; NotFoundError, with the known ones, when there is none.

    >>> feature_set("v3").names[:2]
    ('dist_sma20', 'dist_sma60')
    """
    if name not in FEATURE_SETS:
        known = ", ".join(FEATURE_SETS)
        raise NotFoundError(f"no feature set `{name}`", where="feature sets", fix=f"take one of: {known}")
    return FEATURE_SETS[name]


def build_dataset(bars: pl.LazyFrame | pl.DataFrame, feature_set: str | FeatureSet = "m002") -> pl.LazyFrame:
    """The bars with the columns of a feature set behind their own, in the order of (ticker, ts).

    bars: ticker, ts and what the set reads; a NaN counts as null. SchemaError names a column that is missing, and two
    bars of one instant. A feature is null until its ticker has enough rows, and never filled backwards.

    >>> from datetime import datetime
    >>> days = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 3), "1d", eager=True)
    >>> bars = pl.DataFrame({"ticker": "A", "ts": days, "close": [10.0, 11.0, 12.1]})
    >>> returns = FeatureSet(name="returns", features=(price.ret_1,))
    >>> build_dataset(bars, returns).collect().get_column("ret_1").round(6).to_list()
    [None, 0.1, 0.1]
    """
    chosen = _named(feature_set) if isinstance(feature_set, str) else feature_set
    # Computed here and now: a filter or a slice behind this point must not reach the bars, since a feature needs the
    # rows it would take away; and inside a query the kernels run on a thread that gives all memory back at each step.
    return compute(bars.lazy().collect(), chosen).lazy()


def compute(bars: pl.DataFrame, features: FeatureSet) -> pl.DataFrame:
    """What `build_dataset` gives, at once: the features level by level, each level reading those before it."""
    kept = [column for column in bars.columns if column not in features.names]
    for column in ("ticker", "ts"):
        if column not in kept:
            raise _missing(column, "every feature", features)
    frame = with_segments(_without_nan(bars))
    try:
        for level in _levels(features, kept):
            frame = frame.with_columns_seq(each() for each in level)
    finally:
        lending.forget()
    return frame.select(*kept, *features.names)


def add_m002_features(frame: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """The frame with every column of the m002 set: those of v1, v2 and v3, and its own."""
    return build_dataset(frame, M002)


def definition_hash(features: FeatureSet) -> str:
    """SHA-256 of everything that makes the values: declarations, and the source of every module they are computed in.

    Proofs and cached layers stand under it: a changed line asks for a new proof. A feature typed into a console, which
    has no source, counts with its byte code.

    >>> definition_hash(V1) == definition_hash(V1), definition_hash(V1) == definition_hash(V2)
    (True, False)
    """
    declared = [
        [each.name, *each.inputs, *each.input_rows, each.lookback, each.kind, _source_of(each)]
        for each in (*features.steps, *features.features)
    ]
    shared = [inspect.getsource(module) for module in _COMPUTED_IN]
    return hashlib.sha256(json.dumps([features.name, declared, shared]).encode()).hexdigest()


_COMPUTED_IN = (
    channel,
    extremes,
    flags,
    kernel,
    lending,
    neighbours,
    recursions,
    rolling,
    segments,
    spreads,
    windows,
    zero_divisor,
)
_named = feature_set


def _source_of(feature: Feature) -> str:
    try:
        module = inspect.getmodule(feature.expression)
        return inspect.getsource(module or feature.expression)
    except (OSError, TypeError):
        code: CodeType = feature.expression.__code__
        return code.co_code.hex()


def _without_nan(bars: pl.DataFrame) -> pl.DataFrame:
    floats = pl.selectors.float()
    # A sum tells of a NaN for a fraction of what asking every value costs.
    if all(np.isfinite(total) for total in bars.select(floats.sum()).row(0)):
        return bars
    return bars.with_columns(floats.fill_nan(None))


def _levels(chosen: FeatureSet, columns: Iterable[str]) -> Iterator[list[Feature]]:
    """The features and steps in groups, each of which reads only columns of the bars and of groups before it."""
    known = {*columns}
    waiting = list(dict.fromkeys((*chosen.steps, *chosen.features)))
    while waiting:
        ready = [each for each in waiting if known.issuperset(each.inputs)]
        if not ready:
            blocked = waiting[0]
            own = {each.name for each in waiting}
            unknown = [name for each in waiting for name in each.inputs if name not in known | own]
            raise _missing(unknown[0] if unknown else blocked.inputs[0], f"`{blocked.name}`", chosen)
        yield ready
        known.update(each.name for each in ready)
        waiting = [each for each in waiting if each.name not in known]


def _missing(column: str, reader: str, chosen: FeatureSet) -> SchemaError:
    return SchemaError(
        f"column `{column}` is missing, which {reader} reads",
        where=f"bars for feature set {chosen.name}",
        fix=f"hand in bars with `{column}`",
    )
