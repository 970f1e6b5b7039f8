"""From a trained version to its verdict: champion and candidate on the same bars, which neither has read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from pawl.errors import RefusalError
from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.gates.verdict import Verdict
from pawl.ids import ModelVersion
from pawl.jobs.evaluation import Rulebook, Scored, Span, score
from pawl.jobs.judging import Trials, judge, judge_first
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.evaluations import EvaluationReport, NewEvaluation, count_trials, record_evaluation
from pawl.ledger.model_versions import champion, get_version
from pawl.market.bars import visible_before
from pawl.market.instants import earliest, latest
from pawl.registry.versions import VersionRecord

__all__ = ["Case", "Terms", "judge_version", "new_verdict", "reach_verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Who is judged against whom. champion: None while nothing serves. n_trials: looks ever taken, this one too."""

    candidate: VersionRecord
    champion: VersionRecord | None
    n_trials: int

    @property
    def baseline(self) -> ModelVersion | None:
        """The champion's name."""
        return self.champion.version if self.champion else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a verdict follows from beside the bars and the models. seed: of the bootstrap."""

    costs: Costs
    gate: GateSettings
    seed: int


def reach_verdict(models: LoadedModels, case: Case, bars: pl.DataFrame, terms: Terms) -> Verdict:
    """Score candidate and champion from the first bar that neither has read, and ask the gate.

    bars: those that had closed when the verdict is given. The candidate was purged and embargoed before its reported
    block by its fit, the champion before its first allowed bar by its certificate.
    """
    asked = bars.filter(pl.col("ticker").is_in(case.candidate.tickers))
    block = asked.filter(pl.col("available_at") >= case.candidate.certificate.scored_from)
    start = earliest(block["ts"])
    trials = Trials(n=case.n_trials, seed=terms.seed)
    if case.champion is None:
        return judge_first(_score(models, case.candidate, asked, start, terms), trials, terms.gate)
    unread = max(start, case.champion.certificate.first_allowed)
    theirs, ours = (_score(models, one, asked, unread, terms) for one in (case.champion, case.candidate))
    return judge(theirs, ours, trials, terms.gate)


def judge_version(
    workspace: Workspace, learner: Learner[Any], version: str, terms: Terms, now: datetime, only_as: int | None = None
) -> EvaluationReport:
    """Judge a recorded version against what serves now, on every bar that had closed, and record the verdict.

    Nothing is moved by it. Each look after the first counts as a trial more. RefusalError for the champion itself, and
    where the report cannot get the number that it must have (`only_as`).
    """
    new = new_verdict(workspace, learner, version, terms, now)
    with workspace.versions.ledger.transaction() as tx:
        return record_evaluation(tx, new, now, only_as)


def new_verdict(
    workspace: Workspace, learner: Learner[Any], version: str, terms: Terms, now: datetime
) -> NewEvaluation:
    """The verdict of `judge_version`, which is not recorded yet."""
    record = workspace.versions.get(version)
    with workspace.versions.ledger.reading() as tx:
        serving = champion(tx, record.learner, get_version(tx, record.version).role)
        n_trials = count_trials(tx, record.version)
    if serving == record.version:
        raise RefusalError(f"`{serving}` serves already", where="gate", fix="judge a challenger: pawl versions")
    champion_record = None if serving is None else workspace.versions.get(serving)
    case = Case(candidate=record, champion=champion_record, n_trials=n_trials)
    bars = visible_before(workspace.silver.scan(learner.spec.timeframe, record.tickers), now).collect()
    verdict = reach_verdict(LoadedModels(workspace, learner), case, bars, terms)
    return NewEvaluation(version=record.version, baseline=case.baseline, verdict=verdict, figures={})


def _score(models: LoadedModels, record: VersionRecord, bars: pl.DataFrame, start: datetime, terms: Terms) -> Scored:
    span = Span(start, latest(bars["ts"]) + models.learner.spec.timeframe.length)
    return score(models.learner, models.of(record), bars, span, Rulebook(costs=terms.costs))
