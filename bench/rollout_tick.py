"""How long the hourly look at a rollout takes, with so many pairs and days in its stage.

    python bench/rollout_tick.py [--tickers 50] [--days 30]

A candidate in shadow beside the champion, a signal of each on every bar of 15 minutes (currencies), a quarter of them
positions. The ledger is SQLite. One JSON object on stdout: what is gathered with everything read, as the first look of
a process does, and with what has come since the look of the hour before.
"""

import argparse
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from pawl.gates.rollout_state import Rollout, Status
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.live.stage_evidence import gather
from pawl.jobs.live.stage_memory import StageMemory
from pawl.jobs.live.stage_rows import stage_rows
from pawl.ledger.rollouts import StoredRollout

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scrape import AT, HOUR, SERVING, SHADOW, make_world


def measure(n_tickers: int, n_days: int) -> dict[str, Any]:
    """Seconds of everything."""
    with tempfile.TemporaryDirectory() as home:
        ledger = make_world(Path(home), n_tickers, n_days).ledger
        memory, began = StageMemory(), AT - timedelta(days=n_days)
        world = RolloutWorld(
            ledger=ledger,
            learner="reversal",
            horizon=4 * HOUR,
            rules=RolloutRules(),
            plan_name="default",
            memory=memory,
        )
        state = Rollout(
            plan="default", candidate=SHADOW, champion=SERVING, stage=0, entered_at=began, status=Status.RUNNING,
            reason="",
        )  # fmt: skip
        stored = StoredRollout(
            rollout_id=uuid4(), learner="reversal", number=1, state=state, share=0.0, ab_test_id=None, started_at=began,
            updated_at=began,
        )  # fmt: skip
        took = {}
        with ledger.reading() as tx:
            for name, at in (("first_look_sec", AT), ("next_look_sec", AT + HOUR)):
                start = perf_counter()
                gather(tx, world, stored, at)
                took[name] = round(perf_counter() - start, 3)
            start = perf_counter()
            memory.rows(tx, "reversal", (SHADOW, SERVING), began, AT + 2 * HOUR)
            took["next_read_sec"] = round(perf_counter() - start, 3)
            start = perf_counter()
            n_rows = stage_rows(tx, "reversal", (SHADOW, SERVING), began, AT + HOUR).height
            took["whole_read_sec"] = round(perf_counter() - start, 3)
        ledger.close()
    return {"tickers": n_tickers, "days": n_days, "rows": n_rows, **took}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickers", type=int, default=50)
    parser.add_argument("--days", type=int, default=30)
    chosen = parser.parse_args()
    print(json.dumps(measure(chosen.tickers, chosen.days)))
