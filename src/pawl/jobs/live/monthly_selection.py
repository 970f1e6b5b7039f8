"""The monthly selection: every version on the same month, the best of them before the gate, and what is given up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pawl.evaluation.ranking import Ranked, rank
from pawl.gates.verdict import Verdict
from pawl.ids import ModelVersion
from pawl.jobs.live.monthly_scoring import Compared, Ground, compare_month, unread_from
from pawl.jobs.live.monthly_settings import MonthlySettings
from pawl.jobs.live.retention import may_go, sweep
from pawl.jobs.live.training_world import ask_nobody
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.verdicts import Case, Terms, reach_verdict
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.deployments import Deployment, Move, promote
from pawl.ledger.evaluations import NewEvaluation, count_trials, record_evaluation
from pawl.ledger.model_versions import StoredVersion, champion, list_versions
from pawl.ledger.monthly_selections import NewSelection, Selection, find_selection, record_selection
from pawl.ledger.retirement import ever_served, give_up_files, in_use, retire
from pawl.market.bars import visible_before
from pawl.registry.versions import VersionRecord

__all__ = ["MonthlyWorld", "month_before", "select_monthly"]

ROLE = "policy"
BY = "monthly selection"
UNDER_WAY = ("an arm of the running A/B test", "in a rollout")


def _nothing(tx: sa.Connection, moved: Deployment) -> None:
    """Tell nobody of a move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyWorld:
    """What a selection works on, and the doors to the rest of the loop.

    is_paused: whether extreme conditions hold every deployment back. begin_rollout: called with the candidate and the
    instant, after the commit, and again with the same when a run is repeated; None lets the passing verdict promote at
    once. also_needed: versions that something else may ask for, each with what. on_move: in the transaction of a move.
    before_effect: called before anything is written, outside of any transaction.
    """

    workspace: Workspace
    learner: Learner[Any]
    tickers: tuple[str, ...]
    terms: Terms
    settings: MonthlySettings
    is_paused: Callable[[sa.Connection, str, datetime], bool]
    begin_rollout: Callable[[ModelVersion, datetime], object] | None = None
    also_needed: Callable[[sa.Connection], Mapping[ModelVersion, str]] = lambda tx: {}
    on_move: Callable[[sa.Connection, Deployment], None] = _nothing
    before_effect: Callable[[], None] = ask_nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """The ledger as the selection found it. under_way: what forbids a switch, or empty."""

    versions: Sequence[StoredVersion]
    needed: Mapping[ModelVersion, str]
    served: frozenset[ModelVersion]
    serving: ModelVersion | None
    under_way: str

    @property
    def contenders(self) -> list[ModelVersion]:
        """Every version with its files but those that were retired as poor."""
        return [
            one.version
            for one in self.versions
            if one.files_removed_at is None and (one.status != "retired" or one.version in self.served)
        ]


def month_before(at: datetime) -> str:
    """The month that a selection is about: the one of the instant just before it, YYYY-MM.

    >>> from datetime import UTC
    >>> month_before(datetime(2026, 2, 1, tzinfo=UTC))
    '2026-01'
    """
    return f"{at - timedelta(microseconds=1):%Y-%m}"


def select_monthly(world: MonthlyWorld, at: datetime) -> Selection:
    """Rank all kept versions over the last days, and let the best one serve, or begin a rollout, if the gate agrees.

    Everything that the selection decides is one transaction, and a second run for the same instant finds it done and
    only finishes what follows from it: the rollout's beginning, and the sweep of files that were given up before. The
    caller holds the lock of trainings. While the loop is paused, or a test or rollout runs, the champion stays.
    """
    ledger, name = world.workspace.versions.ledger, world.learner.spec.name
    with ledger.reading() as tx:
        done = find_selection(tx, name, ROLE, at)
        state = _state(tx, world, at)
    if done is None:
        done = _hold(world, state, at)
    if done.act == "rollout" and done.best is not None and world.begin_rollout is not None:
        world.begin_rollout(done.best, at)
    sweep(world.workspace)
    return done


def _state(tx: sa.Connection, world: MonthlyWorld, at: datetime) -> _State:
    name = world.learner.spec.name
    needed = {**world.also_needed(tx), **in_use(tx, name, ROLE)}
    under_way = next((f"`{one}` is {why}" for one, why in sorted(needed.items()) if why in UNDER_WAY), "")
    if world.is_paused(tx, name, at):
        under_way = "extreme conditions hold every deployment back"
    return _State(
        versions=[one for one in list_versions(tx, name) if one.role == ROLE],
        needed=needed,
        served=frozenset(ever_served(tx, name, ROLE)),
        serving=champion(tx, name, ROLE),
        under_way=under_way,
    )


def _hold(world: MonthlyWorld, state: _State, at: datetime) -> Selection:
    ground = Ground(tickers=world.tickers, costs=world.terms.costs, rules=world.settings.ranking, at=at)
    compared = compare_month(world.workspace, world.learner, state.versions, state.contenders, ground)
    ranking = rank({str(name): one for name, one in compared.figures.items()}, world.settings.ranking, state.serving)
    best = ModelVersion(ranking[0].version) if ranking and ranking[0].place else None
    obstacle = _obstacle(best, state)
    n_ranked = sum(one.place is not None for one in ranking)
    verdict = None if best is None or obstacle else _ask_gate(world, state, best, n_ranked, at)
    reason = obstacle or _told(best, state.serving, verdict)
    new = NewSelection(
        learner=world.learner.spec.name, role=ROLE, month=month_before(at), held_at=at,
        scored_from=compared.scored_from, ranking=_rows(ranking, compared), champion=state.serving, best=best,
        act="kept", reason=reason, eval_id=None, retired=_poor(ranking, state, world.settings, best),
        removed=may_go(state.versions, _kept_as(state, best, verdict), at, world.settings.daily_files_months),
    )  # fmt: skip
    return _write(world, new, verdict)


def _obstacle(best: ModelVersion | None, state: _State) -> str:
    """Why the champion stays without the gate being asked; empty where it is asked."""
    if best is None:
        return "no version is ranked"
    if best == state.serving:
        return f"`{best}` serves already and ranks first"
    return f"`{best}` ranks first, but {state.under_way}" if state.under_way else ""


def _ask_gate(world: MonthlyWorld, state: _State, best: ModelVersion, n_ranked: int, at: datetime) -> Verdict:
    """The verdict on the best, on bars that neither it, the champion, nor any ancestor of theirs has been trained on.

    It was chosen for its figures of a month that the gate looks at too, so every version it was chosen from is a trial.
    """
    with world.workspace.versions.ledger.reading() as tx:
        n_trials = count_trials(tx, best) + n_ranked - 1
    record = _unread(world, state, best)
    case = Case(
        candidate=record,
        champion=None if state.serving is None else _unread(world, state, state.serving),
        n_trials=n_trials,
    )
    bars = visible_before(world.workspace.silver.scan(world.learner.spec.timeframe, record.tickers), at).collect()
    return reach_verdict(LoadedModels(world.workspace, world.learner), case, bars, world.terms)


def _unread(world: MonthlyWorld, state: _State, version: ModelVersion) -> VersionRecord:
    """The record of a version that may be scored where its ancestors have read nothing either."""
    record = world.workspace.versions.get(version)
    by_name = {one.version: one for one in state.versions}
    start = unread_from(by_name[version], by_name)
    return replace(record, certificate=replace(record.certificate, scored_from=start, first_allowed=start))


def _told(best: ModelVersion | None, serving: ModelVersion | None, verdict: Verdict | None) -> str:
    if verdict is None or not verdict.passed:
        return f"`{best}` ranks first, but the gate refused it: {'; '.join(verdict.reasons) if verdict else ''}"
    against = f"against `{serving}`" if serving else "while nothing served"
    return f"`{best}` ranks first, and passed the gate {against}"


def _poor(
    ranking: Sequence[Ranked], state: _State, settings: MonthlySettings, best: ModelVersion | None
) -> dict[str, str]:
    """Ranked versions that lost money and never served, each with why it goes."""
    waiting = {one.version for one in state.versions if one.status in ("challenger", "refused")}
    found = {}
    for one in ranking:
        version, earned = ModelVersion(one.version), one.figures.avg_pnl
        is_free = version in waiting and version not in state.served and version not in state.needed
        if one.place and is_free and version != best and earned is not None and earned < settings.poor_below_bps:
            found[one.version] = (
                f"{earned:.1f} bps a signal over {one.figures.n_resolved} signals, below {settings.poor_below_bps:g}"
            )
    return found


def _kept_as(state: _State, best: ModelVersion | None, verdict: Verdict | None) -> Mapping[ModelVersion, str]:
    """What is needed after the selection: a version that moves forward, and what it leaves behind for a rollback."""
    return {**state.needed, best: "the best of the month"} if best and verdict and verdict.passed else state.needed


def _rows(ranking: Sequence[Ranked], compared: Compared) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "version": one.version,
            "place": one.place,
            "score": one.score,
            "reason": one.reason,
            "n_resolved": one.figures.n_resolved,
            "signal_share": one.figures.signal_share,
            "win_rate": one.figures.win_rate,
            "avg_pnl": one.figures.avg_pnl,
            "sharpe_ratio": one.figures.sharpe_ratio,
            "max_drawdown": one.figures.max_drawdown,
            "parts": dict(one.parts),
        }
        for one in ranking
    ]
    return rows + [
        {"version": version, "place": None, "score": None, "reason": compared.left_out[version]}
        for version in sorted(compared.left_out)
    ]


def _write(world: MonthlyWorld, new: NewSelection, verdict: Verdict | None) -> Selection:
    """All of it, or nothing."""
    at = new.held_at
    world.before_effect()
    with world.workspace.versions.ledger.transaction() as tx:
        best = new.best
        if verdict is not None and best is not None:
            asked = NewEvaluation(version=best, baseline=new.champion, verdict=verdict, figures={})
            report = record_evaluation(tx, asked, at)
            new = replace(new, eval_id=report.eval_id)
            if verdict.passed and world.begin_rollout is not None:
                new = replace(new, act="rollout")
            elif verdict.passed:
                moved = promote(tx, best, report.eval_id, Move(by=BY, reason=new.reason, at=at))
                world.on_move(tx, moved)
                new = replace(new, act="promoted")
        for version, reason in new.retired.items():
            retire(tx, ModelVersion(version), f"poor in {new.month}: {reason}", at)
        old = f"daily version older than {world.settings.daily_files_months} months"
        give_up_files(tx, [ModelVersion(one) for one in new.removed], old, at)
        return record_selection(tx, new)
