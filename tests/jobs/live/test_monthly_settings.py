"""What can be set of a monthly selection."""

import pytest
from pydantic import ValidationError

from pawl.jobs.live.monthly_settings import MonthlySettings


def test_the_defaults_are_those_of_the_design() -> None:
    found = MonthlySettings()
    assert (found.ranking.window_days, found.ranking.min_resolved, found.daily_files_months) == (30, 30, 3)


@pytest.mark.parametrize("wrong", [{"daily_files_months": 0}, {"ranking": {"min_resolved": 1}}, {"keep": 3}])
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MonthlySettings.model_validate(wrong)
