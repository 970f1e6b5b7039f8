"""What versions earn in production, and the arms of a test: counted from the signals themselves, never incremented.

So a retry counts nothing twice, and a figure that is wrong today is right at the next look.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import sqlalchemy as sa

from pawl.evaluation.backtest_fields import DAYS_PER_YEAR
from pawl.evaluation.trading import sharpe_ratio
from pawl.ids import ModelVersion
from pawl.ledger.ab_tests import ArmFigures, get_test, running_test, track_arms
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.version_tables import model_versions
from pawl.market.basis_points import BPS

__all__ = ["arm_figures", "track_performance"]

RECENT = timedelta(days=2)
LARGEST_SHARPE = 99.9999
"""What DECIMAL(6,4) holds; a larger ratio comes of very few days, and is left empty."""


def track_performance(tx: sa.Connection, learner: str, at: datetime) -> list[ModelVersion]:
    """Bring the running test of a learner, and the production figures of versions with new signals, up to date.

    Gives the versions it looked at: those that acted, or had an outcome, in the last two days.
    """
    test = running_test(tx, learner)
    if test is not None:
        test_id = UUID(test.test_id)
        track_arms(tx, test_id, *arm_figures(tx, test_id), at)
    versions = _recent(tx, learner, at)
    for version, figures in _production(tx, learner, versions).items():
        tx.execute(sa.update(model_versions).where(model_versions.c.version == version).values(figures))
    return versions


def arm_figures(tx: sa.Connection, test_id: UUID) -> tuple[ArmFigures, ArmFigures]:
    """Both arms of a test: the signals that acted in it, with what was resolved by its end. avg_pnl: bps of notional,
    net of costs.
    """
    stored = get_test(tx, test_id)
    test, c = stored.test, trading_signals.c
    # The first two conditions say nothing new; an index answers them.
    since = (c.learner == stored.learner) & (c.created_at >= test.started_at)
    found = _sums(tx, since & (c.ab_test_id == test_id) & ~c.is_shadow, c.resolved_at <= test.ends_at)
    a, b = (_arm(found.get(version)) for version in (test.model_a, test.model_b))
    return a, b


def _production(
    tx: sa.Connection, learner: str, versions: Sequence[ModelVersion]
) -> dict[ModelVersion, dict[str, Any]]:
    c = trading_signals.c
    acting = (c.learner == learner) & c.model_version.in_(versions) & ~c.is_shadow
    daily = _daily_returns(tx, acting)
    figures = {}
    for version, row in _sums(tx, acting).items():
        arm = _arm(row)
        figures[ModelVersion(version)] = {
            "production_predictions": arm.predictions,
            "production_win_rate": arm.win_rate,
            "production_avg_pnl": arm.avg_pnl,
            "production_sharpe_ratio": _sharpe(daily.get(version, [])),
        }
    return figures


def _sums(
    tx: sa.Connection, which: sa.ColumnElement[bool], counts: sa.ColumnElement[bool] | None = None
) -> dict[str, Any]:
    """By version, of the chosen signals. counts: whose outcome does; None for every one."""
    c = trading_signals.c
    does_count = sa.true() if counts is None else counts
    is_win = does_count & (c.actual_outcome == "win")
    is_decided = does_count & c.actual_outcome.in_(("win", "loss"))
    chosen = (
        sa.select(
            c.model_version,
            sa.func.count().label("predictions"),
            sa.func.sum(sa.case((is_win, 1), else_=0)).label("wins"),
            sa.func.sum(sa.case((is_decided, 1), else_=0)).label("decided"),
            sa.func.avg(sa.case((does_count & (c.signal != "hold"), c.actual_pnl), else_=None)).label("pnl"),
        )
        .where(which)
        .group_by(c.model_version)
    )
    return {row.model_version: row for row in tx.execute(chosen)}


def _arm(row: Any | None) -> ArmFigures:  # noqa: ANN401 - a row of SQL
    if row is None:
        return ArmFigures(predictions=0, win_rate=None, avg_pnl=None)
    return ArmFigures(
        predictions=int(row.predictions),
        # To the digits that the columns hold, so that a figure reads the same before and after it is stored.
        win_rate=round(int(row.wins) / int(row.decided), 4) if row.decided else None,
        avg_pnl=None if row.pnl is None else round(float(row.pnl) * BPS, 2),
    )


def _daily_returns(tx: sa.Connection, acting: sa.ColumnElement[bool]) -> dict[str, list[float]]:
    """What the positions of a version earned together on each UTC day on which one ended, by version."""
    c = trading_signals.c
    ended = (
        sa.select(c.model_version, c.resolved_at, c.actual_pnl)
        .where(acting, c.signal != "hold", c.actual_pnl.is_not(None))
        .order_by(c.model_version, c.resolved_at, c.id)
    )
    days: dict[str, dict[object, list[float]]] = {}
    for version, resolved_at, pnl in tx.execute(ended):
        days.setdefault(version, {}).setdefault(resolved_at.date(), []).append(pnl)
    return {version: [math.fsum(found) for found in by_day.values()] for version, by_day in days.items()}


def _sharpe(daily: Sequence[float]) -> float | None:
    found = sharpe_ratio(np.array(daily, dtype=np.float64), DAYS_PER_YEAR)
    return float(found) if abs(found) <= LARGEST_SHARPE else None  # NaN is no number below it


def _recent(tx: sa.Connection, learner: str, at: datetime) -> list[ModelVersion]:
    c = trading_signals.c
    since = at - RECENT
    is_new = (c.created_at > since) | (c.resolved_at > since)
    found = sa.select(c.model_version).where(c.learner == learner, ~c.is_shadow, is_new).distinct()
    return [ModelVersion(version) for version in tx.execute(found.order_by(c.model_version)).scalars()]
