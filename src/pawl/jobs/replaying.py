"""A replay as a user runs it: open or resume its ledger, drive the loop, log it step by step, seal the log."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl

from pawl.errors import TooLittleDataError
from pawl.evaluation.backtest import Backtest
from pawl.evaluation.trading import net_return
from pawl.jobs.proving import require_proof
from pawl.jobs.replay import Judged, Played, ReplayWorld, replay
from pawl.jobs.replay_accounts import Accounts
from pawl.jobs.replay_plan import ReplayOrder, inputs_of, steps
from pawl.jobs.replay_result import ReplayResult, results
from pawl.jobs.replay_rows import RowMaker
from pawl.jobs.replay_tickers import Joining
from pawl.jobs.workers import workers
from pawl.jobs.workspace import Workspace
from pawl.lake.atomic import locked
from pawl.learners.learner import Learner
from pawl.ledger.column_types import canonical_json
from pawl.ledger.database import LEDGER_FILE, Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.replay_log import ReplayRow, append_rows, finish_replay, newest_trace, open_replay, replay_states
from pawl.market.bars import UTC_TIME
from pawl.market.instants import latest
from pawl.registry.versions import VersionStore

__all__ = ["Progress", "SealedReplay", "Watch", "run_replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A step as it ends. net_return: of each policy so far, fraction. n_steps: of the whole replay."""

    played: Played
    net_return: Mapping[str, float]
    n_steps: int

    @property
    def judged(self) -> Judged:
        """The step's candidate and its verdict."""
        return self.played.judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told what: on_stage of the work, on_step when a step has been decided and logged as far as it is final."""

    on_stage: Callable[[str, float], None]
    on_step: Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedReplay:
    """A finished replay. order: as it was carried out, its end no later than the newest bar. home: the folder with its
    own ledger. bars: those it ran on. left_out: ticker → why it was never decided on. newest_trace: of its newest
    decision, the newest that took a position if one did.
    """

    replay_id: UUID
    order: ReplayOrder
    ledger_hash: str
    home: Path
    result: ReplayResult
    bars: pl.DataFrame
    left_out: Mapping[str, str]
    newest_trace: str | None


def run_replay(
    workspace: Workspace, learner: Learner[Any], order: ReplayOrder, config: Mapping[str, Any], watch: Watch
) -> SealedReplay:
    """Replay, or go on with a replay of the same inputs that was cut off; the log ends with the same hash either way.

    Every replay has a ledger of its own below `replays/`, so it never touches what the workspace serves. config: the
    learner's settings, part of what the replay follows from. A second run of the same inputs waits for the first. A
    replay that is to go past the newest bar ends with it.
    """
    bars = _bars(workspace, learner, order)
    order = replace(order, end=min(order.end, latest(bars["available_at"])))
    joining = Joining(workspace.silver, learner.spec, order, bars)
    inputs = inputs_of(order, learner.spec, bars, config)
    name = sha256(canonical_json(dict(inputs)).encode()).hexdigest()[:12]
    root = workspace.home / "replays"
    with locked(root / f".{name}.lock"):
        home = _unfinished(root, name)
        own = replace(workspace, versions=VersionStore(home))
        with own.versions.ledger.transaction() as tx:
            replay_id = open_replay(tx, inputs, order.now)
        with workers(order.n_jobs):
            proved_on = require_proof(workspace, learner.spec, bars, watch.on_stage)
        world = ReplayWorld(workspace=own, learner=learner, bars=bars, joining=joining, proved_on=proved_on)
        result, left_out = _play(world, order, replay_id, watch)
        with own.versions.ledger.transaction() as tx:
            ledger_hash = finish_replay(tx, replay_id, order.now)
            trace = newest_trace(tx, replay_id)
    return SealedReplay(
        replay_id=replay_id,
        order=order,
        ledger_hash=ledger_hash,
        home=home,
        result=result,
        bars=bars,
        left_out=left_out,
        newest_trace=trace,
    )


def _play(
    world: ReplayWorld, order: ReplayOrder, replay_id: UUID, watch: Watch
) -> tuple[ReplayResult, Mapping[str, str]]:
    ledger = world.workspace.versions.ledger
    accounts = Accounts(order, world.bars)
    log = _Log(
        ledger, replay_id, RowMaker(replay_id=str(replay_id), learner=world.learner.spec.name, bars=accounts.bars)
    )
    n_steps = len(steps(order))
    candidates: list[Judged] = []
    traded: Mapping[str, Backtest] = {}
    left_out: dict[str, str] = {}
    watch.on_stage("replaying", 0.0)
    for played in replay(world, order):
        traded = accounts.take(played)
        log.take(played, traded, order.now)
        candidates.append(played.judged)
        is_first = len(candidates) == 1
        left_out = {ticker: why for ticker, why in played.left_out.items() if is_first or ticker in left_out}
        watch.on_step(Progress(played=played, net_return=_net_returns(traded), n_steps=n_steps))
        watch.on_stage("replaying", len(candidates) / n_steps)
    log.close(traded, order.now)
    with ledger.reading() as tx:
        moves = tuple(list_deployments(tx, world.learner.spec.name))
    return results(accounts, traded, tuple(candidates), moves), left_out


class _Log:
    """Writes the rows of a step when the next one has been decided: only then is it final what its last bars brought,
    for a decision at the step's last close is filled at the open of the next.
    """

    def __init__(self, ledger: Ledger, replay_id: UUID, maker: RowMaker) -> None:
        self.ledger = ledger
        self.replay_id = replay_id
        self.maker = maker
        self._waiting: Played | None = None

    def take(self, played: Played, traded: Mapping[str, Backtest], now: datetime) -> None:
        """Write the step before, and the candidate of this one, which shares its instant with that step's last bars."""
        rows = list(self._rows_of_waiting(traded))
        self._append([*rows, *self.maker.candidate(played.judged, played.tickers)], now)
        self._waiting = played

    def close(self, traded: Mapping[str, Backtest], now: datetime) -> None:
        """Write the last step."""
        self._append(list(self._rows_of_waiting(traded)), now)
        self._waiting = None

    def _rows_of_waiting(self, traded: Mapping[str, Backtest]) -> Iterator[ReplayRow]:
        if self._waiting is None:
            return
        yield from self.maker.decided(self._waiting)
        for policy, done in traded.items():
            yield from self.maker.earned(policy, done, self._waiting.step.holds())

    def _append(self, rows: list[ReplayRow], now: datetime) -> None:
        with self.ledger.transaction() as tx:
            append_rows(tx, self.replay_id, rows, now)


def _net_returns(traded: Mapping[str, Backtest]) -> dict[str, float]:
    return {policy: net_return(done.equity["net_return"].to_numpy()) for policy, done in traded.items()}


def _bars(workspace: Workspace, learner: Learner[Any], order: ReplayOrder) -> pl.DataFrame:
    """Every bar that closes by the end."""
    timeframe = learner.spec.timeframe
    end = pl.lit(order.end, UTC_TIME)
    bars = workspace.silver.scan(timeframe, order.tickers).filter(pl.col("available_at") <= end).collect()
    if bars.is_empty():
        raise TooLittleDataError(
            f"no {timeframe} bars close by {order.end:%Y-%m-%d}",
            where=str(workspace.home),
            fix=f"import some: pawl data import FILE --timeframe {timeframe}",
        )
    last = latest(bars["available_at"])
    if last <= order.start:
        raise TooLittleDataError(
            f"no {timeframe} bar closes between {order.start:%Y-%m-%d} and {order.end:%Y-%m-%d}: "
            f"the newest closed at {last:%Y-%m-%d %H:%M}",
            where="--from, --to",
            fix="choose an earlier range, or import newer bars",
        )
    return bars.sort("ticker", "ts")


def _unfinished(root: Path, name: str) -> Path:
    """The folder of the unfinished replay of these inputs, or of a new one."""
    attempt = 1
    while _is_finished(root / f"{name}-{attempt}"):
        attempt += 1
    return root / f"{name}-{attempt}"


def _is_finished(home: Path) -> bool:
    if not (home / LEDGER_FILE).exists():
        return False
    with Ledger.open(home).reading() as tx:
        return any(state.ledger_hash is not None for state in replay_states(tx))
