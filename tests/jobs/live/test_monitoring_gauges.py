"""The figures of a running loop as gauges."""

from dataclasses import replace
from pathlib import Path

import pytest

from live_market import AT, BAR, SERVING, add_bars, grid, live_world, say, serve_first
from pawl.jobs.live.measured import Drift, Measured
from pawl.jobs.live.monitoring import Standing, monitor
from pawl.jobs.live.monitoring_gauges import GAUGES, gauges
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.monitored_rows import EndedJob, PendingOutcomes, SkippedTrainings, VersionResults
from pawl.ledger.trigger_firings import StoredFiring
from pawl.triggers.history import Feed
from pawl.triggers.trigger_config import TriggerSettings

SETTINGS = TriggerSettings()


@pytest.fixture
def world(tmp_path: Path, sqlite_ledger: Ledger) -> WatchedWorld:
    """A world in which `tiny-1.0` serves."""
    with sqlite_ledger.transaction() as tx:
        serve_first(tx)
    return live_world(tmp_path, sqlite_ledger)


def test_rev_r44_gauges_carry_the_same_figures(world: WatchedWorld) -> None:
    """REV-R44: every gauge is one that is documented; what could not be measured is absent."""
    add_bars(world, grid(AT - 10 * 96 * BAR, AT))
    with world.ledger.transaction() as tx:
        for k in range(40):
            say(tx, AT - (60 - k) * BAR, "buy", 0.001 if k % 2 else -0.001)
    found = monitor(world, AT, SETTINGS, late_sec={"signals": 2.0})
    shown = {
        (one.name, *sorted(one.labels.items())): one.value for one in gauges(found, found.measured, found.late_sec)
    }
    assert {name for name, *_ in shown} <= set(GAUGES)
    learner = ("learner", "tiny")
    assert shown["pawl_win_rate", learner, ("shadow", "false"), ("version", SERVING)] == 0.5
    assert shown["pawl_owed_bars", learner, ("ticker", "EURUSD")] == 0.0
    assert shown["pawl_cycle_late_seconds", ("cycle", "signals"), learner] == 2.0
    assert ("pawl_hold_share", learner) not in shown  # 40 decisions are too few to say
    assert shown["pawl_paused", learner] == 0.0


def lasting(kind: str) -> StoredFiring:
    return StoredFiring(
        firing_id=identity("firing", kind), learner="tiny", kind=kind, effect="alert", at=AT, values={}, reason="so",
        fired_by="pawl", renewed_at=None, ended_at=None, ended_by=None, end_reason=None, train_job_id=None, worth=None,
        worth_at=None,
    )  # fmt: skip


def job(training_type: str, version: str, train: float | None, val: float | None) -> EndedJob:
    return EndedJob(
        training_type=training_type, version=version, status="succeeded", finished_at=AT, train_loss=train,
        val_loss=val, train_accuracy=None, val_accuracy=None, error=None,
    )  # fmt: skip


def results(version: str, *, is_shadow: bool, wins: int, losses: int, pnl_bps: float | None) -> VersionResults:
    return VersionResults(
        version=version, is_shadow=is_shadow, n_signals=90, n_holds=40, n_resolved=wins + losses, n_wins=wins,
        n_losses=losses, pnl_bps=pnl_bps,
    )  # fmt: skip


FOUND = Standing(
    learner="tiny", at=AT, serving=SERVING, is_paused=True, lasting=(lasting("hold_share"), lasting("data_anomaly")),
    n_waiting=3, trainings=(job("full", "tiny-1.0", 0.5, 0.75), job("incremental", "tiny-1.0-daily", None, 0.5)),
    pending=PendingOutcomes(n=11, oldest=AT - BAR), ran_at={"signals": AT - BAR, "daily": AT - 8 * BAR},
)  # fmt: skip
MEASURED = Measured(
    at=AT - BAR, skipped=SkippedTrainings(n=4, newest="too few"),
    drift=Drift(feature="rsi_14", psi=0.31, n_changes=40, limit=0.2, why=""),
    versions=(results("tiny-1.0", is_shadow=False, wins=3, losses=1, pnl_bps=12.5),
              results("tiny-1.1", is_shadow=True, wins=1, losses=3, pnl_bps=-7.5),
              results("tiny-1.2", is_shadow=False, wins=0, losses=0, pnl_bps=None)),
    feeds=(Feed(ticker="EURUSD", n_expected=96, n_present=72, n_owed=5, n_refused=2),
           Feed(ticker="USDJPY", n_expected=0, n_present=0, n_owed=6, n_refused=7)),
    hold_share=0.9,
)  # fmt: skip


def test_rev_r44_every_figure_has_its_gauge_and_what_is_not_known_has_none() -> None:
    """REV-R44: each with its labels and its value: gap, drift, performance, data quality, and what else is watched."""
    shown = [(one.name, one.value, {name: label for name, label in one.labels.items() if name != "learner"})
             for one in gauges(FOUND, MEASURED, {"signals": 2.5})]  # fmt: skip
    assert {one.labels["learner"] for one in gauges(FOUND, MEASURED, {})} == {"tiny"}
    serves, tried = ({"version": "tiny-1.0", "shadow": "false"}, {"version": "tiny-1.1", "shadow": "true"})
    euro, yen = {"ticker": "EURUSD"}, {"ticker": "USDJPY"}
    assert shown == [
        ("pawl_paused", 1.0, {}),
        ("pawl_waiting_firings", 3.0, {}),
        ("pawl_lasting", 1.0, {"kind": "hold_share"}),
        ("pawl_lasting", 1.0, {"kind": "data_anomaly"}),
        ("pawl_train_val_gap", 0.25, {"training_type": "full", "version": "tiny-1.0"}),
        ("pawl_pending_outcomes", 11.0, {}),
        ("pawl_cycle_age_seconds", 900.0, {"cycle": "signals"}),
        ("pawl_cycle_age_seconds", 7200.0, {"cycle": "daily"}),
        ("pawl_cycle_late_seconds", 2.5, {"cycle": "signals"}),
        ("pawl_measured_timestamp_seconds", (AT - BAR).timestamp(), {}),
        ("pawl_feature_drift_psi", 0.31, {"feature": "rsi_14"}),
        ("pawl_win_rate", 0.75, serves),
        ("pawl_pnl_bps", 12.5, serves),
        ("pawl_resolved_signals", 4.0, serves),
        ("pawl_win_rate", 0.25, tried),
        ("pawl_pnl_bps", -7.5, tried),
        ("pawl_resolved_signals", 4.0, tried),
        ("pawl_resolved_signals", 0.0, {"version": "tiny-1.2", "shadow": "false"}),
        ("pawl_missing_bar_share", 0.25, euro),
        ("pawl_owed_bars", 5.0, euro),
        ("pawl_dirty_rows", 2.0, euro),
        ("pawl_owed_bars", 6.0, yen),
        ("pawl_dirty_rows", 7.0, yen),
        ("pawl_hold_share", 0.9, {}),
        ("pawl_samples_skipped_trainings", 4.0, {}),
    ]
    assert {name for name, *_ in shown} == set(GAUGES)
    unknown = replace(MEASURED, hold_share=None, drift=replace(MEASURED.drift, feature=None, psi=None))
    names = {one.name: one.value for one in gauges(replace(FOUND, is_paused=False), unknown, {})}
    assert names["pawl_paused"] == 0.0 and not {"pawl_hold_share", "pawl_feature_drift_psi"} & set(names)
