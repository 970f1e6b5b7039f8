"""The figures that a month is ranked by: every version on the same bars, which none of them has been trained on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pawl.errors import CorruptArtifactError
from pawl.evaluation.backtest import backtest
from pawl.evaluation.backtest_fields import backtest_fields
from pawl.evaluation.costs import Costs
from pawl.evaluation.ranking import MonthFigures, RankingRules
from pawl.ids import ModelVersion
from pawl.jobs.evaluation import Span
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.workspace import Workspace
from pawl.learners.certificate import Certificate
from pawl.learners.learner import Learner
from pawl.ledger.model_versions import StoredVersion
from pawl.market.bars import visible_before

__all__ = ["Compared", "Ground", "compare_month", "unread_from"]

HISTORY_BARS = 2_000
"""Bars a ticker before the first that is scored: what features look back on, the same for every version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """On what versions are compared."""

    tickers: tuple[str, ...]
    costs: Costs
    rules: RankingRules
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """scored_from: the first bar (open time) that all were scored on; None where no version could be. left_out: why a
    version has no figures.
    """

    scored_from: datetime | None
    figures: Mapping[ModelVersion, MonthFigures]
    left_out: Mapping[ModelVersion, str]


def compare_month(
    workspace: Workspace,
    learner: Learner[Any],
    versions: Sequence[StoredVersion],
    contenders: Collection[ModelVersion],
    ground: Ground,
) -> Compared:
    """What each version would have done over the last days, by the backtest that the gate uses too.

    versions: all of the learner, for what an ancestor of a contender has read counts as read by it. Versions are
    comparable on the same bars alone, so the span starts where the newest training of those that take part ends; a
    version trained in the newest `min_unread_days` takes no part, and can next month. Signals that were given in this
    time, acting or in shadow, are the same ones: live and replay say the same.
    """
    by_name = {one.version: one for one in versions}
    starts = {name: unread_from(by_name[name], by_name) for name in sorted(contenders)}
    latest_start = ground.at - timedelta(days=ground.rules.min_unread_days)
    left_out = {
        name: f"trained on bars up to {start:%Y-%m-%d}: fewer than {ground.rules.min_unread_days} unread days"
        for name, start in starts.items()
        if start > latest_start
    }
    taking_part = [name for name in starts if name not in left_out]
    if not taking_part:
        return Compared(scored_from=None, figures={}, left_out=left_out)
    earliest = ground.at - timedelta(days=ground.rules.window_days)
    start = max(earliest, *(starts[name] for name in taking_part))
    bars = _bars(workspace, learner, ground, start)
    models = LoadedModels(workspace, learner)
    figures = {}
    for name in taking_part:
        try:
            figures[name] = _figures(models, name, bars, Span(start, ground.at), ground.costs)
        except CorruptArtifactError as error:
            left_out[name] = error.what
        models.keep_only(())
    return Compared(scored_from=start, figures=figures, left_out=left_out)


def unread_from(one: StoredVersion, by_name: Mapping[ModelVersion, StoredVersion]) -> datetime:
    """The first bar (open time) that neither a version nor any of its ancestors has been trained on."""
    first = Certificate.from_json(one.certificate).first_allowed
    parent = by_name.get(one.parent) if one.parent is not None else None
    return first if parent is None else max(first, unread_from(parent, by_name))


def _bars(workspace: Workspace, learner: Learner[Any], ground: Ground, start: datetime) -> pl.DataFrame:
    """What had closed, with a history that is equally long for every ticker."""
    known = visible_before(workspace.silver.scan(learner.spec.timeframe, ground.tickers), ground.at).collect()
    older = known.filter(pl.col("ts") < start).sort("ticker", "ts").group_by("ticker", maintain_order=True)
    return pl.concat([older.tail(HISTORY_BARS).select(known.columns), known.filter(pl.col("ts") >= start)]).sort(
        "ticker", "ts"
    )


def _figures(models: LoadedModels, name: ModelVersion, bars: pl.DataFrame, span: Span, costs: Costs) -> MonthFigures:
    learner = models.learner
    model = models.of(models.workspace.versions.get(name))
    decisions = learner.decide(learner.predict(model, bars, since=span.start))
    fields = backtest_fields(backtest(bars.filter(span.holds()), decisions, costs))
    return MonthFigures(
        n_resolved=fields.total_trades,
        signal_share=fields.total_trades / decisions.height if decisions.height else 0.0,
        win_rate=fields.win_rate,
        avg_pnl=fields.avg_pnl,
        sharpe_ratio=fields.sharpe_ratio,
        max_drawdown=fields.max_drawdown,
    )
