"""A small world as Passport sees it: two users with decisions of their own, datasets, trainings and verdicts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
import sqlalchemy as sa

from decision_events import closed, converted, opened, record, tracked, user
from ledger_world import trained
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.gates.figure import Figure
from pawl.gates.gate import Gate
from pawl.gates.policy_gate import GateSettings, policy_conditions
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs.learning_status import PassportRules
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import EvaluationReport, NewEvaluation, record_evaluation
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import champion
from pawl.ledger.pair_tables import preference_pairs
from pawl.ledger.train_jobs import NewJob, enqueue_job

__all__ = [
    "ME", "NOW", "OTHER", "RULES", "WEEK", "cut_dataset", "decide", "fill_world", "judge_version", "learn_from",
    "pairs_of", "serve_version",
]  # fmt: skip

ME, OTHER = user(1), user(2)
NOW = datetime(2024, 5, 24, 12, tzinfo=UTC)  # a Friday
WEEK = datetime(2024, 5, 20, tzinfo=UTC)
RULES = PassportRules(behaviour=BehaviourSettings(), passport=PassportSettings())
GATE = Gate("policy", policy_conditions(GateSettings()))


def decide(tx: sa.Connection, who: UUID, n: int, seed: int) -> None:
    """Decisions of a user over the ten weeks before NOW: followed, overridden or free, and some of them still open."""
    rng = np.random.default_rng(seed)
    events: list[dict[str, Any]] = []
    for number in range(n):
        key, at = f"{seed}-{number}", NOW - timedelta(days=70) + timedelta(hours=float(1600 * number / n))
        pnl = float(rng.normal(-5.0, 100.0))
        action: dict[str, Any] = {
            "side": str(rng.choice(["long", "short"])),
            "size": float(rng.uniform(500, 3000)),
            "leverage": float(rng.choice([1.0, 3.0, 20.0])),
        }
        stop = 98.8 if action["side"] == "long" else 101.2
        action["stop_price"] = stop if rng.random() < 0.6 else None
        context = {"volatility": 0.01, "funding": 0.0, "oi_change": 0.0, "market_regime": "up_low",
                   "session_band": "asia", "stretch": float(rng.normal()), "known_at": at.isoformat()}  # fmt: skip
        ends: dict[str, Any] = {
            "pnl_bps": pnl, "pnl": pnl, "exit_price": 100.0 + float(rng.normal(0, 2)),
            "move_bps": float(rng.normal(0, 90)), "hold_sec": int(rng.integers(600, 40_000)),
            "stop_price": action["stop_price"],
        }  # fmt: skip
        if rng.random() < 0.6:
            advice = {
                "direction": str(rng.choice(["long", "short", "flat"])),
                "confidence": float(rng.uniform(0.4, 0.9)),
            }
            events.append(tracked(key, at, who=who, recommendation=advice, context=context))
            if rng.random() < 0.1:
                continue
            follows = advice["direction"] == action["side"]
            events.append(converted(key, at, who=who, is_followed=follows, **action))
        else:
            events.append(opened(key, at, who=who, context=context, **action))
        if rng.random() < 0.9:
            of = "trade" if events[-1]["event_type"] == "trade.opened" else "signal"
            events.append(closed(key, at, who=who, of=of, **ends))
    fold_events(tx, record(tx, [one for one in events if one["recorded_at"] <= NOW]), RULES.passport, NOW)


def cut_dataset(tx: sa.Connection, home: Path, kind: str, at: datetime, owners: Mapping[UUID, int]) -> UUID:
    """A dataset version of a type, with so many rows of each user. Pairs stand in the ledger, other rows in a file."""
    n_rows = sum(owners.values())
    new = NewDataset(
        learner="policy",
        dataset_type=kind,
        content_hash=DatasetHash(f"{kind}{at:%j%H}".ljust(64, "0")),
        window_start=at - timedelta(days=60),
        window_end=at,
        sample_count=n_rows,
        filters={"kind": kind},
        quality_report={
            "n_duplicates": 3,
            "class_shares": {"long": 0.5, "short": 0.5},
            "quarantine": {"n": 1, "trajectory_ids": [str(identity("trajectory", OTHER))]},
            str(OTHER): {"n": 7},
        },
    )
    dataset_id = record_dataset(tx, new, at)
    if kind == "orpo":
        for who, n in owners.items():
            pairs_of(tx, dataset_id, who, n, at)
    else:
        path = home / "datasets" / str(dataset_id) / "rows.parquet"
        path.parent.mkdir(parents=True)
        names = [str(who) for who, n in owners.items() for _ in range(n)]
        pl.DataFrame({"split": ["train"] * n_rows, "user_id": names}).write_parquet(path)
    return dataset_id


def pairs_of(tx: sa.Connection, dataset_id: UUID, who: UUID, n: int, at: datetime) -> None:
    """Preference pairs of a user in a dataset version."""
    row = {"dataset_version_id": dataset_id, "user_id": who, "prompt": {}, "chosen": {}, "rejected": {},
           "margin_score": 12.5, "pair_quality": "low", "learner": "policy", "created_at": at}  # fmt: skip
    rows = [
        {**row, "trace_id": f"u/{number}", "pair_id": identity("pair", dataset_id, who, number)} for number in range(n)
    ]
    if rows:
        tx.execute(sa.insert(preference_pairs), rows)


def learn_from(tx: sa.Connection, version: str, dataset_ids: list[UUID], at: datetime) -> UUID:
    """A training that waits."""
    job = NewJob(version=ModelVersion(version), dataset_version_ids=dataset_ids, hyperparams={}, train_type="orpo")
    return enqueue_job(tx, job, at)


def judge_version(tx: sa.Connection, version: str, at: datetime, *, scope: str = "offline", **figures: float) -> (
    EvaluationReport
):  # fmt: skip
    """Judge a version by the five conditions against today's champion, whose figures are the defaults."""
    usual = {"hit_rate": 0.5, "pnl_bps": 2.0, "max_drawdown": 0.05, "risk_violation_rate": 0.01, "ece": 0.05}
    before, after = ({name: Figure(value, 200) for name, value in each.items()} for each in (usual, usual | figures))
    baseline = champion(tx, "m002")
    found = GATE.judge_first(after) if baseline is None else GATE.judge(before, after)
    new = NewEvaluation(version=ModelVersion(version), baseline=baseline, verdict=found, figures={}, scope=scope)
    return record_evaluation(tx, new, at)


def serve_version(tx: sa.Connection, version: str, at: datetime, **figures: float) -> EvaluationReport:
    """Train, judge and promote a version."""
    trained(tx, version)
    report = judge_version(tx, version, at, **figures)
    promote(tx, report.version, report.eval_id, Move(by="test", reason="measured better", at=at))
    return report


def fill_world(tx: sa.Connection, home: Path) -> None:
    """Decisions of two users; three dataset versions of this week and one of the last; two versions that served."""
    decide(tx, ME, 120, 1)
    decide(tx, OTHER, 90, 2)
    cut_dataset(tx, home, "sft", WEEK - timedelta(days=3), {ME: 50, OTHER: 1})
    pairs = cut_dataset(tx, home, "orpo", WEEK + timedelta(days=1), {ME: 3, OTHER: 9})
    cut_dataset(tx, home, "pretrain", WEEK + timedelta(days=2), {ME: 5, OTHER: 15})
    serve_version(tx, "m002-1.0", WEEK - timedelta(days=20))
    serve_version(tx, "m002-1.1", WEEK - timedelta(days=10), hit_rate=0.55, pnl_bps=3.5, ece=0.04)
    learn_from(tx, "policy-1.0", [pairs], WEEK + timedelta(days=3))
