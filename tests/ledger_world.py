"""What the ledger's tests share: versions trained on paper, verdicts made to measure, and real processes."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from pawl.gates.condition import Floor
from pawl.gates.figure import Figure
from pawl.gates.gate import Gate
from pawl.gates.verdict import Verdict
from pawl.ids import DatasetHash, ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.deployments import Deployment, Move, promote
from pawl.ledger.evaluations import EvaluationReport, NewEvaluation, record_evaluation
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.live_tables import live_log, market_data, user_trading_history
from pawl.ledger.model_versions import NewVersion, champion, record_version
from pawl.ledger.monthly_selections import NewSelection
from pawl.ledger.pair_tables import preference_pairs
from pawl.ledger.personal_tables import personal_data
from pawl.ledger.schedule_runs import take_up
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals
from pawl.ledger.train_jobs import NewJob, TrainingFigures, enqueue_job, fail_job, start_job, succeed_job
from pawl.ledger.training_tables import dataset_versions

START = datetime(2024, 1, 1, tzinfo=UTC)
GATE = Gate("test", (Floor(metric="gain", above=0.0, min_sample=10),))


def day(number: int) -> datetime:
    """An instant, days after the start."""
    return START + timedelta(days=number)


def move(number: int, reason: str = "measured better") -> Move:
    """A move on a day."""
    return Move(by="test", reason=reason, at=day(number))


def new_version(version: str, job_id: UUID | None = None) -> NewVersion:
    """A version as a training would hand it over."""
    return NewVersion(
        version=ModelVersion(version),
        trained_at=START,
        max_t1=START - timedelta(days=1),
        dataset_hash=DatasetHash("d" * 64),
        artifact="a" * 64,
        tickers=("BTCUSDT", "ETHUSDT"),
        certificate={"dataset_hash": "d" * 64, "max_t1": (START - timedelta(days=1)).isoformat()},
        metrics={"hit_rate": 0.52, "sharpe": None},
        baselines={"linear": {"hit_rate": 0.5}},
        train_job_id=job_id,
    )


def trained(tx: sa.Connection, version: str) -> UUID:
    """Record a dataset, a finished job and the version they gave; the id of the job."""
    dataset = NewDataset(
        learner="m002", content_hash=DatasetHash("d" * 64), window_start=START, window_end=day(1), sample_count=10,
        filters={"tickers": ["BTCUSDT"]}, quality_report={},
    )  # fmt: skip
    dataset_id = record_dataset(tx, dataset, START)
    job = NewJob(version=ModelVersion(version), dataset_version_ids=[dataset_id], hyperparams={"seed": 7})
    job_id = enqueue_job(tx, job, START)
    start_job(tx, job_id, START)
    succeed_job(tx, job_id, TrainingFigures(artifacts={"set": "a" * 64}), START)
    record_version(tx, new_version(version, job_id), START)
    return job_id


def failed(tx: sa.Connection, version: str, why: str, at: datetime) -> None:
    """A training that began and failed at an instant."""
    job = enqueue_job(tx, NewJob(version=ModelVersion(version), dataset_version_ids=[], hyperparams={}), at)
    start_job(tx, job, at)
    fail_job(tx, job, why, at)


def verdict(*, passes: bool = True, is_first: bool = False) -> Verdict:
    """A verdict that says what is wanted; one on a first version always passes."""
    figures = {"gain": Figure(1.0 if passes else -1.0, 50)}
    return GATE.judge_first(figures) if is_first else GATE.judge({}, figures)


def judged(tx: sa.Connection, version: str, *, passes: bool = True, on: int = 0) -> EvaluationReport:
    """Judge a version against today's champion."""
    baseline = champion(tx, "m002")
    found = verdict(passes=passes, is_first=baseline is None)
    new = NewEvaluation(version=ModelVersion(version), baseline=baseline, verdict=found, figures={"gain_bps": 1.5})
    return record_evaluation(tx, new, day(on))


def promoted(tx: sa.Connection, version: str, on: int) -> Deployment:
    """Train, judge and promote a version on a day."""
    trained(tx, version)
    return promote(tx, ModelVersion(version), judged(tx, version, on=on).eval_id, move(on))


def loop_came_to(tx: sa.Connection, at: datetime, learner: str = "m002") -> None:
    """A loop of a learner lives here, on a time of its own, and has run for this instant last."""
    log_live(tx, [LiveEntry(learner=learner, at=at, kind="cycle", name="signals", payload={"signals": 1})])
    take_up(tx, f"live {learner} signals", at, at)


def held_selection(on: int = 32, **changes: object) -> NewSelection:
    """A selection in which nothing happened."""
    fields = {
        "learner": "m002", "role": "policy", "month": "2024-01", "held_at": day(on), "scored_from": None, "ranking": [],
        "champion": None, "best": None, "act": "kept", "reason": "no version is ranked", "eval_id": None,
        "retired": {}, "removed": [], **changes,
    }  # fmt: skip
    return NewSelection(**fields)  # type: ignore[arg-type]


USER = identity("user", "somebody")


def fill_user_tables(tx: sa.Connection) -> None:
    """One row in every table of users, pairs, A/B tests and signals; `m002-1.0` and a dataset must stand."""
    dataset = tx.execute(sa.select(dataset_versions.c.dataset_version_id).limit(1)).scalar_one()
    trained(tx, "m002-9.9")
    signal, trade, test = (identity(kind, 1) for kind in ("signal", "trade", "ab_test"))
    whose = {"user_id": USER, "trace_id": "trace"}
    rows: list[tuple[sa.Table, dict[str, object]]] = [
        (personal_data, {"user_id": USER, "email": "somebody@example.org"}),
        (event_outbox, {**whose, "source_table": "quick_trades", "source_event_id": trade, "event_type": "opened",
                        "payload": {"size": 100.0}, "occurred_at": START}),
        (tracked_signals, {**whose, "signal_id": signal, "ticker": "BTCUSDT", "direction": "long", "plan": {},
                           "tracked_at": START}),
        (quick_trades, {**whose, "trade_id": trade, "signal_id": signal, "ticker": "BTCUSDT", "side": "long",
                        "size": 100.0, "entry_price": 42_000.5, "opened_at": START}),
        (pnl_entries, {**whose, "trade_id": trade, "is_final": True, "pnl": 1.5, "pnl_bps": 150.0,
                       "max_drawdown_bps": 20.0, "hold_sec": 3600, "occurred_at": day(1)}),
        (preference_pairs, {**whose, "dataset_version_id": dataset, "prompt": {}, "chosen": {}, "rejected": {},
                            "margin_score": 12.5, "pair_quality": "low", "learner": "policy"}),
        (ab_tests, {"id": test, "test_name": "week 1", "model_a_version": "m002-1.0", "model_b_version": "m002-9.9",
                    "start_date": START, "learner": "m002"}),
        (trading_signals, {"pair": "EURUSD", "timeframe": "15m", "signal": "hold", "confidence": 0.5,
                           "model_version": "m002-1.0", "ab_test_id": test, "bar_timestamp": START,
                           "features_hash": "f" * 64, "learner": "m002", "trace_id": "trace"}),
        (user_trading_history, {"user_id": USER, "pair": "EURUSD", "opened_at": START, "entry": 1.1}),
        (market_data, {"pair": "EURUSD", "timeframe": "15m", "timestamp": START, "open": 1.1, "high": 1.2, "low": 1.0,
                       "close": 1.1, "volume": 0.0, "indicators": {"ret_1": None}, "closed_at": START,
                       "source": "test", "ingested_at": START, "feature_set": "reversal", "features_hash": "f" * 64}),
        (live_log, {"entry_id": test, "learner": "m002", "at": START, "kind": "cycle", "name": "signals", "key": "",
                    "payload": {}}),
    ]  # fmt: skip
    for table, row in rows:
        tx.execute(sa.insert(table).values(row))


def address(ledger: Ledger) -> str:
    """The whole URL of a ledger, for another process."""
    return ledger.engine.url.render_as_string(hide_password=False)


def run_together(code: str, arguments: Sequence[str], n: int, cwd: Path) -> list[str]:
    """Run the code in n processes at once, the number of each as its last argument; what each printed."""
    # The modules that tests share lie beside this one, where another process would not look for them.
    found = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{code}"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", found, *arguments, str(number)], cwd=cwd, text=True, stdout=subprocess.PIPE
        )
        for number in range(n)
    ]
    printed = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0] * n
    return printed
