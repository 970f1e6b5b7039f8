"""Which rows each layer reads, and the name of a fitted layer."""

import polars as pl
import pytest

from pawl.errors import TooLittleDataError
from pawl.learners.m002 import M002
from pawl.learners.m002_samples import Samples, layer_key


def test_the_snapshot_is_chosen_on_later_rows_than_the_classifier_is_fitted_on(
    m002: M002, silver: pl.DataFrame
) -> None:
    samples = Samples.of(silver, m002.label(silver), m002.config)
    for fold in (*samples.plan.folds, samples.plan.serving):
        assert samples.frame["t1"].filter(fold.fitted).max() < samples.frame["t0"].filter(fold.snapshot).min()
        assert not (fold.fitted & fold.snapshot).any()


def test_a_layer_is_named_by_all_it_follows_from(m002: M002, silver: pl.DataFrame) -> None:
    samples = Samples.of(silver, m002.label(silver), m002.config)
    key = layer_key("head", samples, {"depth": 1}, seed=3)
    assert key == layer_key("head", samples, {"depth": 1}, seed=3)
    assert len({key, layer_key("regime", samples, {"depth": 1}, 3), layer_key("head", samples, {"depth": 2}, 3)}) == 3
    assert layer_key("head", samples, {"depth": 1}, seed=4) != key


def test_too_short_a_history_is_refused(m002: M002, silver: pl.DataFrame) -> None:
    few = silver.group_by("ticker").head(15)
    with pytest.raises(TooLittleDataError):
        Samples.of(few, m002.label(few), m002.config)


def test_a_report_can_begin_at_an_instant_of_the_caller_s(m002: M002, silver: pl.DataFrame) -> None:
    begin = silver["available_at"].unique().sort()[500]
    samples = Samples.of(silver, m002.label(silver), m002.config, report_from=begin)
    assert samples.scored_from == begin
    assert samples.frame["t1"].filter(samples.is_fitted).max() < begin
    assert layer_key("head", samples, {}, 3) != layer_key(
        "head", Samples.of(silver, m002.label(silver), m002.config), {}, 3
    )
