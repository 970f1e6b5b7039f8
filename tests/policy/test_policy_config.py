"""What the rules may be set to."""

from math import nan

import pytest
from pydantic import ValidationError

from pawl.policy.policy_config import PolicyConfig


@pytest.mark.parametrize(
    "thresholds",
    [{"theta_short": 0.0}, {"theta_short": 0.001}, {"theta_long": 0.0}, {"theta_long": -0.001}, {"theta_long": nan}],
)
def test_m002_r40_thresholds_on_the_wrong_side_of_zero_are_refused(thresholds: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PolicyConfig(**thresholds)


def test_m002_r40_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="theta_sideways"):
        PolicyConfig.model_validate({"theta_sideways": 0.1})
