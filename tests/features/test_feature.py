"""Declarations: what follows from them."""

import cloudpickle
import polars as pl
import pytest

from pawl.features.feature import Feature, FeatureSet, feature
from pawl.features.sets import FEATURE_SETS


@feature(reads={"close": 3, "volume": 1}, unit="price")
def slow() -> pl.Expr:
    """Meaning.

    More about it.
    """
    return pl.col("close")


@feature(reads={slow: 5, "open": 6}, unit="price", limits=[(slow, 1.0)])
def slower() -> pl.Expr:
    """Meaning."""
    return pl.col("slow")


def test_a_lookback_adds_up_through_what_is_read() -> None:
    assert slow.lookback == 3
    assert slower.lookback == 7
    assert slower.inputs == ("slow", "open")
    assert slower.input_rows == (5, 6)


def test_a_declaration_takes_its_name_and_meaning_from_the_function() -> None:
    assert (slow.name, slow.meaning) == ("slow", "Meaning.")


def test_calling_a_feature_gives_its_expression_under_its_name() -> None:
    assert slower().meta.output_name() == "slower"


def test_the_lookback_of_a_set_is_the_longest_in_it() -> None:
    assert FeatureSet(name="both", features=(slow, slower)).lookback == 7


def test_a_part_of_a_set_keeps_what_it_reads_as_steps() -> None:
    part = FEATURE_SETS["m002"].only(["rsi_smooth", "atr_rel"])

    assert part.names == ("rsi_smooth", "atr_rel")
    assert {step.name for step in part.steps} == {"rsi_14", "atr_14"}


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_every_declaration_is_complete(name: str) -> None:
    features = FEATURE_SETS[name]
    for each in (*features.features, *features.steps):
        assert each.meaning.endswith("."), each.name
        assert each.unit
        assert len(each.input_rows) == len(each.inputs)
        assert {compared for compared, _ in each.limits} <= set(each.inputs)


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_every_feature_reads_what_it_declares_and_nothing_else(name: str) -> None:
    features = FEATURE_SETS[name]
    for each in (*features.features, *features.steps):
        assert set(each().meta.root_names()) - {"__segment_end"} == set(each.inputs), each.name


def test_a_set_travels_to_another_process() -> None:
    copy: FeatureSet = cloudpickle.loads(cloudpickle.dumps(FEATURE_SETS["m002"]))

    assert copy.names == FEATURE_SETS["m002"].names
    assert isinstance(copy.features[0], Feature)
