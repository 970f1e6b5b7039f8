"""Alias, rollout, verdict, test and account never come apart: by no failure and no kill -9, at any statement."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from pawl.ledger.database import Ledger
from pawl.ledger.tables import METADATA
from rollout_steps import PREPARED, STEPS
from rollout_world import Life, standing

TOLD = (
    "rollouts", "rollout_moves", "ml_eval_reports", "deployment_log", "model_versions", "model_ab_test", "loop_outbox",
    "live_log",
)  # fmt: skip
TESTS = Path(__file__).parents[2]


class StoppedError(Exception):
    """What is thrown at a statement."""


def all_told(ledger: Ledger) -> dict[str, list[Any]]:
    """Every row of what a step writes; without what the production figures are refreshed to."""
    with ledger.reading() as tx:
        found = {}
        for name in TOLD:
            table = METADATA.tables[name]
            columns = [one for one in table.c if not one.name.startswith(("production_", "model_a_", "model_b_"))]
            columns = [one for one in columns if not (name == "model_ab_test" and one.name == "updated_at")]
            columns = [one for one in columns if one.name not in ("created_at", "number")]
            found[name] = sorted(map(repr, tx.execute(sa.select(*columns)).all()))
        return found


def state(ledger: Ledger) -> tuple[Any, Any]:
    """Who serves, and how the newest rollout stands."""
    found = standing(ledger)
    return found[0], found[4] if len(found) > 1 else None


def failing_at(ledger: Ledger, number: int, name: str, at: Any) -> bool:
    """Take a step that fails at its n-th statement; whether it came so far."""
    left = [number]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise StoppedError

    event.listen(ledger.engine, "before_cursor_execute", count)
    try:
        STEPS[name](ledger, at)
    except StoppedError:
        return True
    finally:
        event.remove(ledger.engine, "before_cursor_execute", count)
    return False


@pytest.mark.parametrize("name", PREPARED)
def test_a_step_that_fails_at_any_statement_leaves_everything_as_it_was(ledger: Ledger, name: str) -> None:
    """All or nothing; and the same step again, as if nothing had been."""
    prepared = PREPARED[name]
    life = Life(ledger, plan=prepared.plan)
    prepared.lead(life)
    before = all_told(ledger)
    assert state(ledger) == prepared.before
    number = 1
    while failing_at(ledger, number, name, life.at):
        assert all_told(ledger) == before, f"statement {number}"
        number += 1
    assert number > 12  # it is a step of many statements
    assert state(ledger) == prepared.after
    after = all_told(ledger)
    assert {table for table in TOLD if before[table] != after[table]} >= {
        "rollouts", "rollout_moves", "deployment_log", "model_versions",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["test decided", "rolled back"])
def test_kill_9_at_any_statement_leaves_everything_as_it_was(sqlite_ledger: Ledger, tmp_path: Path, name: str) -> None:
    """Real processes, killed by the signal that nobody can catch; then the same step in a process that lives."""
    prepared = PREPARED[name]
    life = Life(sqlite_ledger, plan=prepared.plan)
    prepared.lead(life)
    before = all_told(sqlite_ledger)
    sqlite_ledger.close()
    killed = subprocess.run(
        [sys.executable, str(TESTS / "kill_rollout.py"), str(tmp_path), name, "60", life.at.isoformat()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout.split()  # fmt: skip
    signals = [int(one) for one in killed[1::2]]
    n_killed = signals.index(0)
    assert n_killed > 12 and set(signals[:n_killed]) == {9}
    # The first process that was not killed has taken the step, once; those after it found nothing to do.
    assert state(sqlite_ledger) == prepared.after
    with sqlite_ledger.reading() as tx:
        n_moves = tx.execute(sa.text("SELECT count(*) FROM rollout_moves")).scalar_one()
    assert n_moves == len(before["rollout_moves"]) + 1
