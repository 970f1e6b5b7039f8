"""The limits of the data checks."""

import pytest
from pydantic import ValidationError

from pawl.market.limits import QualityLimits


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_gap_hours"):
        QualityLimits.model_validate({"max_gap_hours": 3})


def test_every_limit_says_what_it_means() -> None:
    assert all(field.description for field in QualityLimits.model_fields.values())
