"""What the ledger says of a running loop: decisions, outcomes, events that wait, trainings, and when each cycle ran."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from pawl.jobs.live.cycle_runs import schedule_of
from pawl.jobs.live.surroundings import TrainingCounts
from pawl.ledger.column_types import UtcTime
from pawl.ledger.live_tables import market_data
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.schedule_runs import newest_taken
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.train_jobs import STANDING
from pawl.ledger.training_tables import train_jobs
from pawl.ledger.version_tables import deployment_log

__all__ = ["LoopFigures", "SpanFigures", "loop_figures", "span_figures"]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFigures:
    """At one instant. decisions: (version, signal) → given in the last day, by versions that act. hold_share: of those,
    None without any. pending: buys and sells without an outcome. backlog: events that wait to be published. trainings:
    status → jobs of the learner. learnt: what came of its trainings, as `training_counts` has it. newest_close: of the
    newest bar. ran_at: cycle → its newest run.
    """

    decisions: Mapping[tuple[str, str], int]
    hold_share: float | None
    pending: int
    backlog: int
    trainings: Mapping[str, int]
    learnt: Mapping[str, int]
    newest_close: datetime | None
    ran_at: Mapping[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanFigures:
    """Of a stretch of time: moves of the alias, trainings by status, signals by word, outcomes by word, events by topic
    and how many of those were published; of events that the outbox still keeps.
    """

    moves: Mapping[str, int]
    trainings: Mapping[str, int]
    signals: Mapping[str, int]
    outcomes: Mapping[str, int]
    events: Mapping[str, int]
    published: int


def loop_figures(
    tx: sa.Connection,
    learner: str,
    timeframe: str,
    cycles: Sequence[str],
    at: datetime,
    counts: TrainingCounts | None = None,
) -> LoopFigures:
    """The figures of one learner's loop. counts: kept by a caller that asks again and again."""
    s = trading_signals.c
    own = (s.learner == learner) & ~s.is_shadow
    counted = sa.select(s.model_version, s.signal, sa.func.count()).where(own, s.created_at > at - DAY)
    decisions = {(version, signal): n for version, signal, n in tx.execute(counted.group_by(s.model_version, s.signal))}
    n_all = sum(decisions.values())
    n_hold = sum(n for (_, signal), n in decisions.items() if signal == "hold")
    pending = sa.select(sa.func.count()).where(own, s.actual_outcome.is_(None), s.signal != "hold")
    waiting = sa.select(sa.func.count()).where(loop_outbox.c.published_at.is_(None))
    newest = sa.select(sa.func.max(market_data.c.closed_at, type_=UtcTime())).where(
        market_data.c.timeframe == timeframe
    )
    taken = newest_taken(tx, [schedule_of(learner, name) for name in cycles])
    return LoopFigures(
        decisions=decisions,
        hold_share=n_hold / n_all if n_all else None,
        pending=tx.execute(pending).scalar_one(),
        backlog=tx.execute(waiting).scalar_one(),
        trainings=_counts(tx, STANDING, train_jobs.c.learner == learner),
        learnt=(counts or TrainingCounts()).now(tx, learner),
        newest_close=tx.execute(newest).scalar_one(),
        ran_at={name: taken[key] for name in cycles if (key := schedule_of(learner, name)) in taken},
    )


def span_figures(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> SpanFigures:
    """What happened after `since` and not after `until`."""

    def within(column: sa.Column[datetime]) -> sa.ColumnElement[bool]:
        return (column > since) & (column <= until)

    s, o = trading_signals.c, loop_outbox.c
    own = (s.learner == learner) & ~s.is_shadow
    published = sa.select(sa.func.count()).where(within(o.at), o.published_at.is_not(None))
    d, t = deployment_log.c, train_jobs.c
    return SpanFigures(
        moves=_counts(tx, d.what, (d.learner == learner) & within(d.moved_at)),
        trainings=_counts(tx, STANDING, (t.learner == learner) & within(t.created_at)),
        signals=_counts(tx, s.signal, own & within(s.created_at)),
        outcomes=_counts(tx, s.actual_outcome, own & within(s.resolved_at)),
        events=_counts(tx, o.topic, within(o.at)),
        published=tx.execute(published).scalar_one(),
    )


def _counts(tx: sa.Connection, what: sa.ColumnElement[str], condition: sa.ColumnElement[bool]) -> dict[str, int]:
    value = what.label("value")
    chosen = sa.select(value, sa.func.count()).where(condition).group_by(value).order_by(value)
    return {value: n for value, n in tx.execute(chosen)}
