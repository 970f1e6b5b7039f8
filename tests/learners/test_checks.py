"""Every shipped learner keeps the contract, and each check notices a learner that breaks it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from pawl.errors import ContractError
from pawl.learners.checks import LEARNER_CHECKS
from pawl.learners.learner import Fit, FitContext
from pawl.learners.m002 import M002, M002Model, M002Variant

SMALL_BARS = 420


@pytest.fixture(scope="module")
def bars(silver: pl.DataFrame) -> pl.DataFrame:
    return silver.group_by("ticker", maintain_order=True).head(SMALL_BARS)


@pytest.mark.parametrize("check", LEARNER_CHECKS)
@pytest.mark.parametrize("variant", M002Variant)
def test_a_learner_keeps_the_contract(m002: M002, bars: pl.DataFrame, variant: M002Variant, check: str) -> None:
    LEARNER_CHECKS[check](M002(m002.config, variant), bars)


class Wrapped(M002):
    """A learner that breaks one promise; the rest is m002's linear baseline."""

    def __init__(self, m002: M002) -> None:
        super().__init__(m002.config, M002Variant.LINEAR)


class EarlyT1(Wrapped):
    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        return super().label(bars).with_columns(t1=pl.col("t0"))


class Leaking(Wrapped):
    def predict(self, model: M002Model, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        predicted = super().predict(model, bars, since)
        return predicted.with_columns(pl.col("policy_score") - pl.col("policy_score").mean())


class ShortSighted(Wrapped):
    def predict(self, model: M002Model, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        asked = bars if since is None else bars.filter(pl.col("ts") >= since)
        return super().predict(model, asked)


class Random(Wrapped):
    def predict(self, model: M002Model, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        predicted = super().predict(model, bars, since)
        return predicted.with_columns(pl.Series("policy_score", np.random.default_rng().random(predicted.height)))


class OrderBound(Wrapped):
    def predict(self, model: M002Model, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        return super().predict(model, bars, since).with_columns(pl.lit(bars["ticker"][0]).alias("first"))


class Forgetful(Wrapped):
    def load(self, files: Mapping[str, bytes]) -> M002Model:
        loaded = super().load(files)
        loaded.head.intercepts[0] += 0.1  # type: ignore[union-attr]
        return loaded


class Restless(Wrapped):
    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[M002Model]:
        fitted = super().fit(bars, context)
        fitted.model.head.intercepts[0] += np.random.random()  # type: ignore[union-attr] # noqa: NPY002
        return fitted


class Wordy(Wrapped):
    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        return super().decide(predictions).with_columns(pl.lit("buy").alias("action"))


class Eager(Wrapped):
    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[Any]:
        return Fit(model=None, scored_from=bars["available_at"][0], metrics={})


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (EarlyT1, "labels_derive_their_interval_from_the_bars"),
        (Leaking, "predictions_do_not_change_when_the_future_is_cut"),
        (ShortSighted, "predictions_since_an_instant_are_the_same"),
        (Random, "predict_is_pure"),
        (OrderBound, "the_order_of_tickers_does_not_matter"),
        (Forgetful, "saved_is_loaded"),
        (Restless, "a_seed_repeats"),
        (Wordy, "decisions_speak_the_house_words"),
        (Eager, "too_few_bars_are_refused"),
    ],
)
def test_a_broken_promise_is_noticed(m002: M002, bars: pl.DataFrame, kind: type[Wrapped], check: str) -> None:
    with pytest.raises(ContractError):
        LEARNER_CHECKS[check](kind(m002), bars)
