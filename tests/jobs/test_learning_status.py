"""The status of a user's learning, against figures recomputed from the tables by other means."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from passport_world import ME, NOW, OTHER, RULES, WEEK, cut_dataset, decide, fill_world
from pawl.datasets.own_samples import OwnSamples
from pawl.evaluation.behaviour_patterns import PATTERNS
from pawl.jobs.learning_status import LearningStatus, learning_status
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity

SINCE = WEEK - timedelta(weeks=11)


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> Ledger:
    """The small world, on each database."""
    with ledger.transaction() as tx:
        fill_world(tx, tmp_path)
    return ledger


def status_of(ledger: Ledger, home: Path, who: UUID = ME) -> LearningStatus:
    """The status of one user now."""
    with ledger.reading() as tx:
        return learning_status(tx, who, RULES, OwnSamples(home), NOW)


def raw(tx: sa.Connection, query: str, who: UUID) -> Iterator[dict[str, Any]]:
    """Rows by bare SQL; JSON is read, whatever the database gives."""
    stored = who if tx.dialect.name == "postgresql" else who.hex
    for row in tx.execute(sa.text(query), {"who": stored}).mappings():
        yield {
            name: json.loads(value) if isinstance(value, str) and value[:1] in "{[" else value
            for name, value in row.items()
        }


def trajectories(tx: sa.Connection, who: UUID) -> list[dict[str, Any]]:
    """What a user did, flat, from the bare table: action and outcome of every trade."""
    found = []
    query = "SELECT trajectory_id, context_features, decision_features, outcome_features FROM decision_trajectories"
    for row in raw(tx, f"{query} WHERE user_id = :who", who):
        decision, outcome = row["decision_features"], row["outcome_features"]
        action = decision["action"]
        if action is not None:
            opened = datetime.fromisoformat(action["time"])
            ended = opened + timedelta(seconds=outcome["hold_sec"]) if outcome else None
            found.append(
                {"id": UUID(str(row["trajectory_id"])), "opened": opened, "ended": ended, "decision": decision,
                 "action": action, "outcome": outcome, "stretch": row["context_features"]["stretch"],
                 "sign": 1 if action["side"] == "long" else -1}
            )  # fmt: skip
    return found


def by_hand(trades: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Occasions and occurrences of every pattern that is no matter of what came before, counted trade by trade."""
    flags: dict[str, list[bool]] = {name: [] for name in PATTERNS if name != "revenge_trading"}
    ended = [one for one in trades if one["ended"] and SINCE <= one["ended"] <= NOW]
    wins = sorted(one["outcome"]["hold_sec"] for one in trades if one["outcome"] and one["outcome"]["pnl_bps"] > 0)
    usual = (wins[(len(wins) - 1) // 2] + wins[len(wins) // 2]) / 2
    for one in trades:
        action = one["action"]
        if action["followed"] is not True:
            flags["chasing_overbought"].append(one["sign"] * one["stretch"] >= 1.5)
        flags["over_leverage"].append(action["leverage"] > 10)
        flags["no_stop_loss"].append(action["stop_price"] is None)
    for one in ended:
        action, outcome = one["action"], one["outcome"]
        fell = -one["sign"] * (outcome["exit_price"] / action["price"] - 1) * 1e4
        if action["stop_price"] is not None and fell > 0:
            stop = -one["sign"] * (action["stop_price"] / action["price"] - 1) * 1e4
            flags["delayed_stops"].append(fell - stop > max(20, stop / 4))
        if outcome["pnl_bps"] < 0:
            flags["holding_losers"].append(outcome["hold_sec"] > 2 * usual)
        if one["decision"]["is_recommended"] and action["overrode"]:
            flags["overriding_right_calls"].append(is_right(one))
    return {name: (len(found), sum(found)) for name, found in flags.items()}


def is_right(one: dict[str, Any]) -> bool:
    """Whether the market went the way that was recommended."""
    move, direction = one["outcome"]["move_bps"], one["decision"]["direction"]
    return bool({"long": move > 0, "short": move < 0, "flat": abs(move) < 25}[direction])


def test_the_status_holds_the_four_items_as_the_tables_have_them(world: Ledger, tmp_path: Path) -> None:
    """PASS-R42: each of the four display items, recomputed from the bare tables."""
    status = status_of(world, tmp_path)
    with world.reading() as tx:
        trades = trajectories(tx, ME)
        (counted,) = raw(tx, "SELECT count(*) AS n FROM ml_preference_pairs WHERE user_id = :who", ME)
        verdicts = list(
            raw(tx, "SELECT r.metrics, r.baseline_version FROM ml_eval_reports r JOIN model_versions v "
                "ON v.version = r.model_version WHERE v.is_active AND :who IS NOT NULL ORDER BY r.report_number", ME)
        )  # fmt: skip

    contribution, pairs = status.contribution, counted["n"]
    assert (contribution.n_datasets, contribution.n_samples, contribution.n_all_samples) == (2, pairs + 5, 12 + 20)
    assert (contribution.share, contribution.n_trained_samples) == ((pairs + 5) / 32, pairs)
    assert (contribution.week, contribution.n_unknown_datasets) == (WEEK, 0)

    (improvement,) = status.improvements
    assert (improvement.version, improvement.preceding) == ("m002-1.1", verdicts[-1]["baseline_version"])
    for metric, row in zip(improvement.metrics, verdicts[-1]["metrics"]["verdict"]["rows"], strict=True):
        assert metric.metric == row["requirement"]["metric"]
        assert (metric.before, metric.after) == (row["champion"]["value"], row["challenger"]["value"])

    told = {one.pattern: (one.n_exposures, one.n_occurrences) for one in status.weaknesses}
    assert {name: told[name] for name in by_hand(trades)} == by_hand(trades)
    assert all(n for n, _ in told.values())
    for one in status.weaknesses:
        assert sum(week.n_exposures for week in one.weeks) == one.n_exposures
        assert sum(week.n_occurrences for week in one.weeks) == one.n_occurrences

    advised = [one for one in trades if one["decision"]["is_recommended"] and one["outcome"]]
    right = sum(map(is_right, advised))
    mean = sum(one["decision"]["confidence"] for one in advised) / len(advised)
    assert (status.confidence.n, status.confidence.mean_confidence) == (len(advised), pytest.approx(mean))
    assert status.confidence.gap == pytest.approx(mean - right / len(advised))
    assert status.confidence.low == pytest.approx(mean - wilson_high(right, len(advised)))
    assert [one.version for one in status.serving] == ["m002-1.1"]
    assert [one.version for one in status.runs.next] == ["policy-1.0"]


def wilson_high(hits: int, n: int) -> float:
    """The larger root of (p − hits/n)² = z² p (1 − p) / n."""
    z = NormalDist().inv_cdf(0.975)
    a, b, c = 1 + z * z / n, -(2 * hits / n + z * z / n), (hits / n) ** 2
    return float((-b + (b * b - 4 * a * c) ** 0.5) / (2 * a))


def test_another_users_decisions_change_nothing_of_mine_but_the_share(world: Ledger, tmp_path: Path) -> None:
    """PASS-R41: what the status says of a user follows from that user's rows."""
    before = status_of(world, tmp_path)
    with world.transaction() as tx:
        decide(tx, OTHER, 50, 3)
        cut_dataset(tx, tmp_path, "orpo", WEEK + timedelta(days=3), {OTHER: 100})
    after = status_of(world, tmp_path)
    assert (after.weaknesses, after.confidence) == (before.weaknesses, before.confidence)
    assert after.contribution.n_samples == before.contribution.n_samples
    assert after.contribution.n_all_samples == before.contribution.n_all_samples + 100


def test_every_shown_occurrence_leads_to_events_of_the_user(world: Ledger, tmp_path: Path) -> None:
    status = status_of(world, tmp_path)
    with world.reading() as tx:
        mine = {str(UUID(str(row["event_id"]))) for row in
                raw(tx, "SELECT event_id FROM passport_event_outbox WHERE user_id = :who", ME)}  # fmt: skip
    linked = [event for one in status.weaknesses for each in one.evidence for event in each.event_ids]
    assert linked and set(linked) <= mine
    assert all(len(one.evidence) == min(5, one.n_occurrences) for one in status.weaknesses)


def test_a_user_that_never_decided_has_a_status_too(world: Ledger, tmp_path: Path) -> None:
    status = status_of(world, tmp_path, identity("user", "nobody"))
    assert (status.contribution.n_samples, status.contribution.share) == (0, 0.0)
    assert {one.verdict for one in status.weaknesses} == {"too_few"}
    assert status.confidence.n == 0
    assert len(status.improvements) == 1


def test_an_empty_ledger_has_no_share_and_no_improvement(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    status = status_of(sqlite_ledger, tmp_path)
    assert (status.contribution.share, status.improvements, status.serving) == (None, (), ())


def test_rows_that_are_elsewhere_count_on_neither_side_of_the_share(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    with sqlite_ledger.transaction() as tx:
        cut_dataset(tx, tmp_path, "orpo", WEEK, {ME: 1, OTHER: 3})
        cut_dataset(tx, tmp_path / "elsewhere", "sft", WEEK, {ME: 5})
    found = status_of(sqlite_ledger, tmp_path).contribution
    assert (found.n_datasets, found.n_unknown_datasets, found.share) == (2, 1, 0.25)
