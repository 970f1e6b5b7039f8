"""The three policies of a replay (tests/jobs/test_replaying.py runs the whole of it)."""

from datetime import timedelta

import pytest

from ledger_world import GATE
from pawl.gates.figure import Figure
from pawl.gates.verdict import Verdict
from pawl.jobs.replay import Judged, _serving
from pawl.jobs.replay_plan import Step
from pawl.registry.versions import VersionRecord
from small_replay import ORDER
from small_workspace import Trained

PASSED = GATE.judge({}, {"gain": Figure(1.0, 50)})
REFUSED = GATE.judge({}, {"gain": Figure(-1.0, 50)})


def candidates(trained: Trained, verdicts: list[Verdict]) -> list[Judged]:
    def record(number: int) -> VersionRecord:
        values = {name: getattr(trained.result.record, name) for name in VersionRecord.__slots__}
        return VersionRecord(**{**values, "version": f"m002-1.{number}"})

    step = Step(0, ORDER.start, ORDER.start + timedelta(days=1))
    return [Judged(step=step, record=record(n), champion=None, verdict=one) for n, one in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("verdicts", "gated"),
    [
        ([PASSED], "m002-1.0"),
        ([PASSED, REFUSED], "m002-1.0"),
        ([PASSED, REFUSED, PASSED], "m002-1.2"),
        ([PASSED, PASSED, REFUSED], "m002-1.1"),
        ([REFUSED], None),
        ([REFUSED, PASSED], "m002-1.1"),
    ],
)
def test_gated_serves_the_newest_that_passed_and_nothing_before_the_first(
    trained: Trained, verdicts: list[Verdict], gated: str | None
) -> None:
    serving = {policy: one.version for policy, one in _serving(candidates(trained, verdicts), ORDER).items()}
    assert serving.get("gated") == gated
    assert serving["always"] == f"m002-1.{len(verdicts) - 1}"
    assert serving["frozen"] == "m002-1.0"
