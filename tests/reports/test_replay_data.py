"""What the report of a replay asks of the frames it is handed."""

from dataclasses import replace

import pytest

from pawl.errors import SchemaError
from pawl.reports.replay_data import ReplayReport


@pytest.mark.parametrize(("part", "column"), [("equity", "drawdown"), ("calibration", "n"), ("actions", "month")])
def test_a_frame_without_a_column_is_refused_by_name(replay_report: ReplayReport, part: str, column: str) -> None:
    policy = replay_report.policies[0]
    with pytest.raises(SchemaError, match=f"`{column}`"):
        replace(policy, **{part: getattr(policy, part).drop(column)})
