"""A recipe is read back from its filters as it was."""

import json
from datetime import timedelta

import pytest

from decision_events import START
from pawl.datasets.eligibility import Window
from pawl.datasets.passport_settings import PassportSettings, SftSettings
from pawl.datasets.recipe import LAYER_TYPES, Recipe
from pawl.errors import InputError
from pawl.policy.utility import UtilitySettings

RULES = PassportSettings(utility=UtilitySettings(w1=0.1 + 0.2), sft=SftSettings(min_per_regime=33))


def made(kind: str = "sft", hours: int = 24) -> Recipe:
    window = Window(start=START, end=START + timedelta(hours=hours), cut_at=START + timedelta(days=9, microseconds=1))
    return Recipe(dataset_type=kind, window=window, settings=RULES, seed=3, code="0.1+x", without_traces=("u/1",))


@pytest.mark.parametrize("kind", LAYER_TYPES)
def test_pass_r38_the_filters_hold_all_of_a_recipe(kind: str) -> None:
    stored = json.loads(json.dumps(made(kind).filters()))
    assert Recipe.read(stored) == made(kind)


@pytest.mark.parametrize(("kind", "hours"), [("supervised", 24), ("", 24), ("sft", 0), ("sft", -1)])
def test_a_type_that_is_none_and_a_window_of_nothing_are_refused(kind: str, hours: int) -> None:
    with pytest.raises(InputError):
        made(kind, hours)
