"""The rows of a replay's log: final when written, in an order that a ledger takes, each leading to its cause."""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pawl.evaluation.backtest import backtest
from pawl.jobs.replay_plan import steps
from pawl.jobs.replay_rows import RowMaker
from pawl.jobs.replaying import SealedReplay
from pawl.jobs.workspace import Workspace
from pawl.ledger.column_types import canonical_json
from pawl.ledger.replay_log import read_rows
from pawl.registry.versions import VersionStore
from small_replay import NAME, ORDER, run
from small_workspace import fill

Row = dict[str, Any]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> SealedReplay:
    home = tmp_path_factory.mktemp("rows")
    fill(Workspace.at(home))
    return run(home)


@pytest.fixture(scope="module")
def rows(sealed: SealedReplay) -> dict[str, list[Any]]:
    """Kind → rows of the log."""
    by_kind: dict[str, list[Any]] = defaultdict(list)
    with VersionStore(sealed.home).ledger.reading() as tx:
        for row in read_rows(tx, sealed.replay_id):
            by_kind[row.kind].append(row)
    return by_kind


def payloads(rows: list[Any]) -> list[Row]:
    return [json.loads(row.payload) for row in rows]


def test_every_decision_is_logged_once_with_ids_of_its_own(sealed: SealedReplay, rows: dict[str, list[Any]]) -> None:
    decisions = payloads(rows["decision"])
    assert len(decisions) == sealed.result.n_decisions
    assert sealed.result.n_decisions == 3 * 2 * 275  # policies × tickers × days from 2022-03-02 to 2022-12-01
    for name in ("trace_id", "source_event_id", "trajectory_id"):
        assert len({one[name] for one in decisions}) == len(decisions)


def test_every_decision_leads_to_an_inference_of_its_version(rows: dict[str, list[Any]]) -> None:
    inferences = {one["inference_id"]: one for one in payloads(rows["inference"])}
    assert len(inferences) == len(rows["inference"])
    for one in payloads(rows["decision"]):
        inference = inferences[one["inference_id"]]
        assert inference["version"] == one["version"]
        assert inference["response"]["position_size"] == one["position_size"]
        assert inference["response"]["pred_rebound_prob"] == one["probability"]


def test_what_was_logged_on_the_way_is_what_the_whole_backtest_says(
    sealed: SealedReplay, rows: dict[str, list[Any]]
) -> None:
    """Steps are logged before the replay ends; a step's last bars must not bear the marks of being the last."""
    maker = RowMaker(
        replay_id=str(sealed.replay_id), learner=NAME, bars=sealed.bars.filter(pl.col("ts") >= ORDER.start)
    )
    for policy, result in sealed.result.policies.items():
        whole = backtest(maker.bars, result.decisions, ORDER.costs)
        expected = [
            (row.kind, row.ticker, row.virtual_time, canonical_json(dict(row.payload)))
            for row in maker.earned(policy, whole, pl.lit(value=True))
        ]
        logged = [
            (row.kind, row.ticker, row.virtual_time, row.payload)
            for row in (*rows["fill"], *rows["outcome"])
            if row.policy == policy
        ]
        assert sorted(logged) == sorted(expected)
        assert any(kind == "fill" for kind, *_ in logged)


def test_what_an_outcome_earned_adds_up_and_names_the_decision_before(
    sealed: SealedReplay, rows: dict[str, list[Any]]
) -> None:
    decided_at = {json.loads(row.payload)["trace_id"]: row.virtual_time for row in rows["decision"]}
    for row in (*rows["outcome"], *rows["fill"]):
        assert decided_at[json.loads(row.payload)["trace_id"]] == row.virtual_time - timedelta(days=1)
    frozen = payloads([row for row in rows["outcome"] if row.policy == "frozen"])
    total = sealed.result.policies["frozen"].backtest.returns["net_return"].sum()
    assert sum(one["net_return"] for one in frozen) == pytest.approx(total, abs=1e-12)
    assert total != 0


def test_each_step_logs_its_training_and_verdict_and_the_moves_of_the_alias(
    sealed: SealedReplay, rows: dict[str, list[Any]]
) -> None:
    begins = [step.begin for step in steps(ORDER)]
    assert [row.virtual_time for row in rows["training"]] == begins
    assert [row.virtual_time for row in rows["verdict"]] == begins
    moved = [one.record.version for one in sealed.result.candidates if one.is_promoted]
    assert [one["to"] for one in payloads(rows["deployment"])] == moved
    assert payloads(rows["training"])[0]["decides_on"] == ["AAA", "BBB"]


def test_the_log_of_one_policy_alone_is_the_same_for_that_policy(tmp_path: Path, rows: dict[str, list[Any]]) -> None:
    fill(Workspace.at(tmp_path))
    alone = run(tmp_path, replace(ORDER, policies=("frozen",)))
    assert alone.result.differences == {}
    assert {*alone.result.policies} == {"frozen"}
    with VersionStore(alone.home).ledger.reading() as tx:
        decided = [row for row in read_rows(tx, alone.replay_id) if row.kind == "decision"]
    said = [(row.virtual_time, row.ticker, one["action"]) for row, one in zip(decided, payloads(decided), strict=True)]
    frozen = [row for row in rows["decision"] if row.policy == "frozen"]
    assert said == [
        (row.virtual_time, row.ticker, one["action"]) for row, one in zip(frozen, payloads(frozen), strict=True)
    ]
