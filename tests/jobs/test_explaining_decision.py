"""A decision of the service: back to its cause, on to what was learnt from it, and derived again to the byte."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest
import sqlalchemy as sa

from decision_events import START, Row, chain, opened, record
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events
from pawl.errors import NotFoundError
from pawl.jobs.explaining_decision import DecisionExplained, explain_decision
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.policy.label_quality import LabelSettings
from pawl.policy.utility import UtilitySettings
from tampering import tamper

NOW = START + timedelta(days=1)
SETTINGS = PassportSettings()
C = decision_trajectories.c


def decided(key: str = "a", *, hours: int = 0) -> list[Row]:
    """Tracked on a recommendation, followed and ended."""
    rows = chain(key, START + timedelta(hours=hours))
    return [{**row, "inference_id": identity("inference", key)} for row in rows]


def told(ledger: Ledger, rows: list[Row], *, is_folded: bool = True) -> str:
    with ledger.transaction() as tx:
        ids = record(tx, rows)
        if is_folded:
            assert len(fold_events(tx, ids, SETTINGS, NOW).processed) == len(rows)
    trace: str = rows[0]["trace_id"]
    return trace


def explained(ledger: Ledger, home: Path, trace: str, settings: PassportSettings = SETTINGS) -> DecisionExplained:
    with ledger.reading() as tx:
        return explain_decision(tx, home, trace, settings)


def test_pass_r3_a_trajectory_leads_to_trace_events_and_inference(ledger: Ledger, tmp_path: Path) -> None:
    rows = decided()
    trace = told(ledger, rows)
    told(ledger, decided("b", hours=3))
    found = explained(ledger, tmp_path, trace)
    assert found.is_identical
    assert [row["event_id"] for row in found.record.events] == [row["event_id"] for row in rows]
    assert found.record.inference is not None
    assert found.record.inference["inference_id"] == identity("inference", "a")
    assert found.record.trajectory is not None
    assert found.record.trajectory["trace_id"] == trace
    assert found.record.trajectory["source_event_id"] == rows[0]["source_event_id"]
    assert (found.datasets, found.train_job_ids, found.model_versions) == ((), (), ())


def test_an_idea_of_ones_own_has_no_inference(ledger: Ledger, tmp_path: Path) -> None:
    found = explained(ledger, tmp_path, told(ledger, [opened("a")]))
    assert found.is_identical
    assert found.record.inference is None


def test_what_is_not_folded_yet_is_no_fault(ledger: Ledger, tmp_path: Path) -> None:
    rows = decided()
    trace = told(ledger, rows[:1], is_folded=False)
    found = explained(ledger, tmp_path, trace)
    assert (found.is_folded, found.is_identical) == (False, True)
    with ledger.transaction() as tx:
        fold_events(tx, [rows[0]["event_id"]], SETTINGS, NOW)
    told(ledger, rows[1:], is_folded=False)
    found = explained(ledger, tmp_path, trace)  # its action and outcome are still to come
    assert (found.is_folded, found.is_identical) == (True, True)


def test_a_trajectory_that_is_gone_is_missed(ledger: Ledger, tmp_path: Path) -> None:
    trace = told(ledger, decided())
    with ledger.transaction() as tx:
        assert tamper(tx, decision_trajectories, C.trace_id == trace, None) == 1
    found = explained(ledger, tmp_path, trace)
    assert found.differences == ("trajectory",)
    assert not found.is_identical


@pytest.mark.parametrize(
    ("values", "differing"),
    [
        ({"context_features": {"volatility": 0.02}}, "context_features"),
        ({"decision_features": {"ticker": "ETHUSDT"}}, "decision_features"),
        ({"outcome_features": {"pnl_bps": 9000.0}}, "outcome_features"),
        ({"utility_score": 9000.0}, "utility_score"),
        ({"label_quality": "bad"}, "label_quality"),
        ({"user_id": UUID(int=7)}, "user_id"),
    ],
)
def test_whatever_was_changed_in_a_trajectory_is_named(
    ledger: Ledger, tmp_path: Path, values: Row, differing: str
) -> None:
    trace = told(ledger, decided())
    with ledger.transaction() as tx:
        assert tamper(tx, decision_trajectories, C.trace_id == trace, values) == 1
    found = explained(ledger, tmp_path, trace)
    assert found.differences == (differing,)
    assert not found.is_identical


def test_a_label_that_a_dataset_made_ambiguous_is_no_change(ledger: Ledger, tmp_path: Path) -> None:
    trace = told(ledger, decided())
    with ledger.transaction() as tx:
        tx.execute(sa.update(decision_trajectories).where(C.trace_id == trace).values(label_quality="ambiguous"))
    assert explained(ledger, tmp_path, trace).is_identical


def test_other_settings_give_another_outcome(ledger: Ledger, tmp_path: Path) -> None:
    trace = told(ledger, decided())
    other = SETTINGS.model_copy(update={"utility": UtilitySettings(w1=0.5), "labels": LabelSettings(good_from=1e5)})
    assert explained(ledger, tmp_path, trace, other).differences == ("utility_score", "label_quality")


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (event_outbox, {"payload": {"version": 1}}),
        (inference_logs, {"response_payload": {"direction": "short"}}),
        (inference_logs, {"row_hash": None}),
        (decision_trajectories, {"context_features": {}}),
    ],
)
def test_a_chained_row_that_was_changed_is_named(ledger: Ledger, tmp_path: Path, table: sa.Table, values: Row) -> None:
    trace = told(ledger, decided())
    told(ledger, decided("b", hours=3))
    with ledger.transaction() as tx:
        of_trace = table.c.trace_id == trace
        key = next(iter(table.primary_key))
        one = tx.execute(sa.select(key).where(of_trace).limit(1)).scalar_one()
        assert tamper(tx, table, key == one, values) == 1
    found = explained(ledger, tmp_path, trace)
    assert [text.split(":")[0] for text in found.broken] == [f"{table.name} {one}"]
    assert not found.is_identical


def test_a_row_behind_it_that_is_gone_is_missed(ledger: Ledger, tmp_path: Path) -> None:
    trace, later = told(ledger, decided()), told(ledger, decided("b", hours=3))
    told(ledger, decided("c", hours=6))
    with ledger.transaction() as tx:
        e = event_outbox.c
        first = sa.select(sa.func.min(e.chain_number)).where(e.trace_id == later).scalar_subquery()
        assert tamper(tx, event_outbox, e.chain_number == first, None) == 1
    assert "the row behind it is gone" in explained(ledger, tmp_path, trace).broken[0]


def test_the_datasets_that_hold_it_are_named(ledger: Ledger, tmp_path: Path) -> None:
    trace, other = told(ledger, decided()), told(ledger, decided("b", hours=3))
    mine, its = (explained(ledger, tmp_path, each).record.trajectory for each in (trace, other))
    assert mine is not None
    assert its is not None
    names = [mine["trajectory_id"].hex, its["trajectory_id"].hex]
    contents = {
        "sft": pl.DataFrame({"trajectory_id": [names[1]]}),
        "pretrain": pl.DataFrame({"trajectory_id": [names[0], names[1], names[0]]}),
        "orpo": pl.DataFrame({"chosen_id": [names[1]], "rejected_id": [names[0]]}),
    }
    new = NewDataset(
        learner="policy", content_hash="h", window_start=START - timedelta(days=1), window_end=NOW, sample_count=1,
        filters={}, quality_report={}, dataset_type="sft",
    )  # fmt: skip
    for name, rows in contents.items():
        version = replace(new, dataset_type=name, content_hash=name)
        with ledger.transaction() as tx:
            record_dataset(tx, version, NOW)
        folder = tmp_path / "datasets" / str(version.dataset_version_id)
        folder.mkdir(parents=True)
        rows.write_parquet(folder / "rows.parquet")
    before = replace(new, content_hash="before", window_end=START - timedelta(hours=1))
    with ledger.transaction() as tx:
        record_dataset(tx, before, NOW)
    found = explained(ledger, tmp_path, trace)
    assert {one.dataset_type: one.n_rows for one in found.datasets} == {"pretrain": 2, "orpo": 1}
    elsewhere = explained(ledger, tmp_path / "elsewhere", trace)
    assert {one.dataset_type: one.n_rows for one in elsewhere.datasets} == dict.fromkeys(contents)


def test_an_unknown_trace_is_told(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        explained(ledger, tmp_path, "u/nothing")
