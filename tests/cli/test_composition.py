"""From the settings to what the jobs take."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pawl.cli.composition import config_of, learner_named, reporting_of
from pawl.errors import NotFoundError
from pawl.learners.m002 import M002
from pawl.learners.m002_config import M002Config
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_config import ReversalConfig
from pawl.market.limits import QualityLimits
from pawl.settings import Settings

OWN = """
class Mine:
    spec = "mine"

def learner():
    return Mine()
"""


def test_m002_is_the_one_that_the_settings_describe() -> None:
    config = M002Config(n_folds=3, embargo_bars=9)
    learner = learner_named("m002", Settings(m002=config))
    assert isinstance(learner, M002)
    assert learner.config == config
    assert learner.spec.embargo_bars == 9


def test_reversal_is_the_one_that_the_settings_describe() -> None:
    config = ReversalConfig(months=2, embargo_bars=24)
    learner = learner_named("reversal", Settings(reversal=config))
    assert isinstance(learner, Reversal)
    assert (learner.config, learner.spec.embargo_bars) == (config, 24)
    assert config_of("reversal", Settings(reversal=config))["months"] == 2
    assert config_of("m002", Settings())["n_folds"] == 4


def test_a_file_named_in_the_settings_is_a_learner_too(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    settings = Settings(learners={"mine": tmp_path / "mine.py"})
    assert learner_named("mine", settings).spec == "mine"


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        learner_named("m003", Settings(learners={"mine": tmp_path / "mine.py"}))
    assert caught.value.fix == "known learners: m002, mine, reversal"


def test_a_file_cannot_stand_in_for_a_shipped_learner(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    assert isinstance(learner_named("m002", Settings(learners={"m002": tmp_path / "mine.py"})), M002)


def test_a_report_follows_the_seed_and_the_limits_of_the_settings() -> None:
    now, limits = datetime(2024, 5, 1, tzinfo=UTC), QualityLimits(max_gap_days=3)
    reporting = reporting_of(Settings(seed=5, quality=limits), now)
    assert (reporting.now, reporting.seed, reporting.limits, reporting.profile) == (now, 5, limits, "")
