"""Bounds that the spec gives."""

import pytest
from pydantic import ValidationError

from pawl.models.regime_config import RegimeConfig


def test_m002_r14_defaults_are_those_of_the_spec() -> None:
    config = RegimeConfig()
    assert (config.hidden, config.layers, config.dropout, config.batch_size) == (64, 1, 0.2, 256)
    assert (config.learning_rate, config.label_smoothing, config.max_epochs, config.seq_len) == (1e-3, 0.15, 15, 20)


@pytest.mark.parametrize("wrong", [{"max_epochs": 16}, {"max_epochs": 0}, {"dropout": 1.0}, {"hiden": 64}])
def test_m002_r14_more_than_15_epochs_and_unknown_keys_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        RegimeConfig.model_validate(wrong)
