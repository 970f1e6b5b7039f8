"""A learner of one number a side, as a user would write it (docs/own-learner.md); `settings.toml` names this file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pawl.features.feature import FeatureSet
from pawl.features.price import ret_20
from pawl.features.sets import build_dataset
from pawl.labels.rebound import rebound_labels
from pawl.learners.learner import DECISION_COLUMNS, Fit, FitContext, LearnerSpec
from pawl.market.bars import Timeframe

__all__ = ["Shares", "Tiny", "learner"]


@dataclass(frozen=True)
class Shares:
    """How often a rise, and a fall, was followed by a gain."""

    after_rise: float
    after_fall: float


class Tiny:
    """Long where the 20-day return has been followed by gains more often than not."""

    spec = LearnerSpec(
        name="tiny",
        timeframe=Timeframe.parse("1d"),
        feature_set=FeatureSet(name="tiny", features=(ret_20,)),
        foresees="a gain after 5 bars",
        horizon_bars=5,
        embargo_bars=5,
        min_bars=120,
        cadence=timedelta(days=7),
        primary_metric="net_return",
    )

    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        """A gain after five bars."""
        labels = rebound_labels(bars.sort("ticker", "ts"), self.spec.horizon_bars)
        return labels.select("ticker", "ts", "t0", "t1", target=pl.col("fut_ret_pct") > 0)

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[Shares]:
        """Two shares."""
        frame = build_dataset(bars, self.spec.feature_set).collect().join(self.label(bars), on=["ticker", "ts"])
        scored_from = context.report_from or frame["t0"].unique().sort()[int(frame["t0"].n_unique() * 0.6)]
        known = frame.filter(pl.col("t1") < scored_from).drop_nulls(["ret_20", "target"])
        sides = [known.filter(side)["target"].mean() for side in (pl.col("ret_20") > 0, pl.col("ret_20") <= 0)]
        return Fit(model=Shares(float(sides[0]), float(sides[1])), scored_from=scored_from, metrics={})

    def predict(self, model: Shares, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        """The share of its side."""
        share = pl.when(pl.col("ret_20") > 0).then(model.after_rise).when(pl.col("ret_20") <= 0).then(model.after_fall)
        said = build_dataset(bars, self.spec.feature_set).collect().select("ticker", "ts", "available_at", share=share)
        return said if since is None else said.filter(pl.col("ts") >= since)

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Long above a half."""
        is_long = (pl.col("share") > 0.5).fill_null(False)
        return predictions.with_columns(
            action=pl.when(is_long).then(pl.lit("long")).otherwise(pl.lit("flat")),
            position_size=is_long.cast(pl.Float64),
            probability=pl.col("share"),
            reason=pl.when(pl.col("share").is_null()).then(pl.lit("fewer than 21 bars")),
        ).select(DECISION_COLUMNS)

    def baselines(self) -> Mapping[str, "Tiny"]:
        """None."""
        return {}

    def importance(self, model: Shares) -> Mapping[str, float]:
        """None."""
        return {}

    def save(self, model: Shares) -> Mapping[str, bytes]:
        """One file."""
        return {"shares.json": json.dumps([model.after_rise, model.after_fall]).encode()}

    def load(self, files: Mapping[str, bytes]) -> Shares:
        """From its file."""
        return Shares(*json.loads(files["shares.json"]))


def learner() -> Tiny:
    """For the settings."""
    return Tiny()
