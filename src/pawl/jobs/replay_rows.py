"""The rows of a replay's log: trainings, verdicts, deployments, inferences, decisions, fills and outcomes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from pawl.evaluation.backtest import Backtest
from pawl.ids import ModelVersion
from pawl.jobs.replay import Judged, Played
from pawl.ledger.identity import identity
from pawl.ledger.replay_log import ReplayRow

__all__ = ["RowMaker", "decision_payload", "inference_payload"]

_KEYS = ("ticker", "ts", "available_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMaker:
    """Makes the rows of one replay. Every id is the UUIDv5 of what it names, so a second run gives the same ones."""

    replay_id: str
    learner: str
    bars: pl.DataFrame

    def candidate(self, judged: Judged, tickers: tuple[str, ...]) -> Iterator[ReplayRow]:
        """The training, the verdict and, where it passed, the deployment, all at the instant of the step."""
        record, at = judged.record, judged.step.begin
        training = {
            "version": record.version,
            "artifact": record.artifact,
            "dataset_hash": record.certificate.dataset_hash,
            "max_t1": record.certificate.max_t1.isoformat(),
            "decides_on": list(tickers),
        }
        yield self._row(at, "gated", "", "training", training)
        verdict = {"version": record.version, "passed": judged.verdict.passed, "reasons": list(judged.verdict.reasons)}
        yield self._row(at, "gated", "", "verdict", verdict)
        if judged.is_promoted:
            yield self._row(at, "gated", "", "deployment", {"from": judged.champion, "to": record.version})

    def decided(self, played: Played) -> Iterator[ReplayRow]:
        """What the versions answered in a step, once a version, and what each policy decided on it."""
        logged: set[ModelVersion] = set()
        for policy, version in played.serving.items():
            answers = played.answers[version]
            predictions = answers.predictions.drop(_KEYS, strict=False).to_dicts()
            for one, prediction in zip(answers.decisions.iter_rows(named=True), predictions, strict=True):
                ticker, at = one["ticker"], one["available_at"]
                inference_id = self._id("inference", version, ticker, one["ts"])
                if version not in logged:
                    answer = inference_payload(inference_id, version, prediction)
                    yield self._row(at, policy, ticker, "inference", answer)
                ids = self._ids(policy, ticker, one["ts"], inference_id)
                yield self._row(at, policy, ticker, "decision", decision_payload(ids, version, one))
            logged.add(version)

    def earned(self, policy: str, done: Backtest, within: pl.Expr) -> Iterator[ReplayRow]:
        """Fills and outcomes of the bars whose close lies within; known at the bar's close.

        A fill is at the bar's open, by the decision at the close before; on a ticker's last bar also at its close.
        """
        rows = (
            self.bars.select(*_KEYS, "open", "close")
            .join(done.returns, on=["ticker", "ts"], how="inner", maintain_order="left")
            .with_columns(decided_ts=pl.col("ts").shift(1).over("ticker"))
            .filter(within)
        )
        moved = (pl.col("net_return") != 0) | (pl.col("turnover") != 0) | (pl.col("exposure") != 0)
        for one in rows.filter(moved).iter_rows(named=True):
            at, ticker = one["available_at"], one["ticker"]
            decided = one["decided_ts"]
            cause = None if decided is None else self._id("trace", policy, ticker, decided)
            if one["turnover"] != 0:
                fill = {"trace_id": cause, "open": one["open"], "close": one["close"], "turnover": one["turnover"]}
                yield self._row(at, policy, ticker, "fill", fill)
            outcome = {"trace_id": cause, "net_return": one["net_return"], "exposure": one["exposure"]}
            yield self._row(at, policy, ticker, "outcome", outcome)

    def _ids(self, policy: str, ticker: str, ts: datetime, inference_id: str) -> dict[str, str]:
        names = {"trace_id": "trace", "source_event_id": "event", "trajectory_id": "trajectory"}
        own = {name: self._id(kind, policy, ticker, ts) for name, kind in names.items()}
        return {**own, "inference_id": inference_id}

    def _id(self, kind: str, *parts: object) -> str:
        texts = (part.isoformat() if isinstance(part, datetime) else part for part in parts)
        return str(identity(kind, self.replay_id, *texts))

    def _row(self, at: datetime, policy: str, ticker: str, kind: str, payload: Mapping[str, Any]) -> ReplayRow:
        return ReplayRow(
            virtual_time=at, learner=self.learner, policy=policy, ticker=ticker, kind=kind, payload=payload
        )


def decision_payload(ids: Mapping[str, str], version: str, decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision as it is logged. ids: trace, event, trajectory and inference. decision: a row of DECISION_COLUMNS."""
    names = ("action", "position_size", "probability", "reason")
    return {
        **ids,
        "version": version,
        "opened_at": decision["ts"].isoformat(),
        **{name: _plain(decision[name]) for name in names},
    }


def inference_payload(inference_id: str, version: str, prediction: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of a model as it is logged: all that the learner said, numbers that are not finite as null."""
    said = {name: _plain(value) for name, value in prediction.items()}
    return {"inference_id": inference_id, "version": version, "response": said}


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value
