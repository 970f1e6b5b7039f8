"""The log of a replay: rows in an order that a ledger takes, batch after batch."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl

from pawl.jobs.replay import replay
from pawl.jobs.replay_result import log_rows, results
from pawl.jobs.workspace import Workspace
from pawl.registry.versions import VersionStore
from small_replay import ORDER, WATCH, learner
from small_workspace import fill


def test_batches_follow_each_other_and_hold_every_decision(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    fill(workspace)
    bars = workspace.silver.scan(learner().spec.timeframe).collect()
    own = replace(workspace, versions=VersionStore(tmp_path / "replay"))
    replayed = replay(own, learner(), ORDER, bars, WATCH)
    result = results(replayed, ORDER)
    batches = list(log_rows("id", "lightgbm_no_regime", replayed, result))
    keys = [[row.key for row in batch] for batch in batches]
    for earlier, later in pairwise(keys):
        assert max(earlier) < min(later)
    rows = [row for batch in batches for row in batch]
    decided = [row for row in rows if row.kind == "decision"]
    assert len(decided) == result.n_decisions
    assert result.n_decisions == 3 * 2 * 275  # policies × tickers × days from 2022-03-02 to 2022-12-01
    assert len({row.payload["trace_id"] for row in decided}) == len(decided)
    outcomes = [row for row in rows if row.kind == "outcome" and row.policy == "frozen"]
    earned = sum(row.payload["net_return"] for row in outcomes)
    frozen = result.policies["frozen"].backtest.returns
    last = pl.col("ts") < ORDER.end
    assert abs(earned - frozen.filter(last)["net_return"].sum()) < 1e-9
