"""The small values of the contract; what a learner promises is tried by the checks."""

from datetime import UTC, datetime

import pytest

from pawl.features.feature import FeatureSet
from pawl.features.price import ret_5
from pawl.learners.learner import DECISION_COLUMNS, Fit, FitContext, LearnerSpec, NoCache, silent
from pawl.learners.m002 import M002, M002Model


def test_a_fit_is_told_its_seed_and_asks_for_nothing_else() -> None:
    context = FitContext(seed=3)
    assert context.report_from is None
    assert context.on_progress is silent
    context.cache.put("key", {"a": b"1"})
    assert context.cache.get("key") is None, "without a cache nothing is remembered"


def test_no_cache_is_shared_between_fits() -> None:
    assert FitContext(seed=1).cache is not FitContext(seed=2).cache


def test_the_values_of_the_contract_do_not_change(m002: M002) -> None:
    context, fit = FitContext(seed=3), Fit(model=1.0, scored_from=datetime(2024, 1, 1, tzinfo=UTC), metrics={})
    for value, name in ((context, "seed"), (fit, "model"), (m002.spec, "name")):
        with pytest.raises(AttributeError):
            setattr(value, name, 0)


def test_what_a_learner_is_must_be_said_in_full() -> None:
    with pytest.raises(TypeError, match="horizon_bars"):
        LearnerSpec(  # type: ignore[call-arg]
            name="mine", feature_set=FeatureSet(name="mine", features=(ret_5,)), foresees="a gain"
        )


def test_a_shipped_learner_speaks_the_words_of_the_contract(m002: M002, fit: Fit[M002Model], silver: object) -> None:
    decided = m002.decide(m002.predict(fit.model, silver))  # type: ignore[arg-type]
    assert tuple(decided.columns) == DECISION_COLUMNS
    assert NoCache().get("anything") is None
