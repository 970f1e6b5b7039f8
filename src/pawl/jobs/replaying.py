"""A replay as a user runs it: open or resume its ledger, drive the loop, seal the log."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl

from pawl.errors import TooLittleDataError
from pawl.jobs.replay import Watch, replay
from pawl.jobs.replay_plan import ReplayOrder, inputs_of
from pawl.jobs.replay_result import ReplayResult, log_rows, results
from pawl.jobs.workspace import Workspace
from pawl.lake.atomic import write_atomically
from pawl.learners.learner import Learner
from pawl.ledger.column_types import canonical_json
from pawl.ledger.replay_log import append_rows, finish_replay, open_replay
from pawl.market.checks import check_bars
from pawl.registry.versions import VersionStore

__all__ = ["SealedReplay", "run_replay"]

DONE = "ledger_hash"
"""The file that marks a replay as finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedReplay:
    """A finished replay. home: the folder with its own ledger. left_out: ticker → why it was not replayed."""

    replay_id: UUID
    ledger_hash: str
    home: Path
    result: ReplayResult
    left_out: Mapping[str, str]


def run_replay(
    workspace: Workspace, learner: Learner[Any], order: ReplayOrder, config: Mapping[str, Any], watch: Watch
) -> SealedReplay:
    """Replay, or go on with a replay of the same inputs that was cut off; the log ends with the same hash either way.

    Every replay has a ledger of its own below `replays/`, so it never touches what the workspace serves. config: the
    learner's settings, part of what the replay follows from.
    """
    bars, left_out = _bars(workspace, learner, order)
    inputs = inputs_of(order, learner.spec, bars, config)
    home = _home(workspace, inputs)
    own = replace(workspace, versions=VersionStore(home))
    ledger = own.versions.ledger
    with ledger.transaction() as tx:
        replay_id = open_replay(tx, inputs, order.now)
    replayed = replay(own, learner, order, bars, watch)
    result = results(replayed, order)
    for rows in log_rows(str(replay_id), learner.spec.name, replayed, result):
        with ledger.transaction() as tx:
            append_rows(tx, replay_id, rows, order.now)
    with ledger.transaction() as tx:
        ledger_hash = finish_replay(tx, replay_id, order.now)
    write_atomically(home / DONE, ledger_hash.encode())
    return SealedReplay(replay_id=replay_id, ledger_hash=ledger_hash, home=home, result=result, left_out=left_out)


def _bars(workspace: Workspace, learner: Learner[Any], order: ReplayOrder) -> tuple[pl.DataFrame, dict[str, str]]:
    """Every bar that closes by the end, of the tickers that pass their checks."""
    timeframe = learner.spec.timeframe
    bars = workspace.silver.scan(timeframe, order.tickers).filter(pl.col("available_at") <= order.end).collect()
    if bars.is_empty():
        raise TooLittleDataError(
            f"no {timeframe} bars close by {order.end:%Y-%m-%d}",
            where=str(workspace.home),
            fix=f"import some: pawl data import FILE --timeframe {timeframe}",
        )
    calendars, quarantined = workspace.silver.calendars(timeframe), workspace.silver.quarantined(timeframe)
    failing = check_bars(bars, calendars, timeframe, order.limits, quarantined).failing
    return bars.filter(~pl.col("ticker").is_in(list(failing))), failing


def _home(workspace: Workspace, inputs: Mapping[str, Any]) -> Path:
    """The folder of the unfinished replay of these inputs, or of a new one."""
    name = sha256(canonical_json(dict(inputs)).encode()).hexdigest()[:12]
    root = workspace.home / "replays"
    attempt = 1
    while (root / f"{name}-{attempt}" / DONE).exists():
        attempt += 1
    return root / f"{name}-{attempt}"
