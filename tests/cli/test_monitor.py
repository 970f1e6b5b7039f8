"""`pawl monitor`: the figures of a loop, as JSON and as a page."""

import json
from pathlib import Path

import pytest

from ledger_world import day, promoted
from pawl.cli.main import run
from pawl.ledger.database import Ledger
from pawl.ledger.schedule_runs import take_up
from pawl.ledger.trigger_firings import NewFiring, record_firing


def test_rev_r44_a_loop_is_shown(tmp_path: Path, sqlite_ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    """REV-R44: as of the newest instant that the loop ran for; every part is there, measured or not."""
    pause = NewFiring(learner="m002", kind="extreme_conditions", effect="pause", at=day(4), reason="a wild day")
    with sqlite_ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        record_firing(tx, pause)
        take_up(tx, "live m002 signals", day(5), day(5))
    assert run(["monitor", "m002", "--json", "--home", str(tmp_path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {"trainings", "feature_drift", "performance", "data_quality", "hold_share", "pending_outcomes", "cycles",
            "samples_skipped", "triggers"} <= set(shown)  # fmt: skip
    assert (shown["at"], shown["serving"], shown["is_paused"]) == (day(5).isoformat(), "m002-1.0", True)
    assert run(["monitor", "m002", "--home", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert (
        "m002-1.0 serves; PAUSED" in text and "pause: extreme_conditions since 2024-01-05 00:00 UTC: a wild day" in text
    )
    assert "Next: pawl triggers ls m002" in text


def test_an_instant_of_the_past_is_shown_as_it_was(
    tmp_path: Path, sqlite_ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite_ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=3)
        take_up(tx, "live m002 signals", day(5), day(5))
    for at, serving, cycles in ((day(2), None, {}), (day(4), "m002-1.0", {})):
        assert run(["monitor", "m002", "--at", f"{at:%Y-%m-%d}", "--json", "--home", str(tmp_path)]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["serving"], shown["cycles"]) == (serving, cycles)
    assert run(["monitor", "m002", "--home", str(tmp_path)]) == 0
    assert "cycles: signals now" in capsys.readouterr().out


def test_an_empty_workspace_has_nothing_to_monitor(tmp_path: Path) -> None:
    assert run(["monitor", "m002", "--home", str(tmp_path)]) == 2
