"""The figures of a running loop, REV-R44: against rows whose figures are known, as JSON and as gauges."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from live_market import AT, BAR, CHALLENGER, SERVING, add_bars, add_features, grid, live_world, say, serve_first
from pawl.jobs.live.asking_triggers import ask_triggers
from pawl.jobs.live.monitoring import monitor
from pawl.jobs.live.monitoring_gauges import gauges
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.schedule_runs import take_up
from pawl.ledger.training_outcomes import succeeded_job
from pawl.ledger.training_tables import train_jobs
from pawl.triggers.trigger_config import TriggerSettings

SETTINGS = TriggerSettings()
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path, ledger: Ledger) -> WatchedWorld:
    """A world in which `tiny-1.0` serves and `tiny-1.1` was trained."""
    with ledger.transaction() as tx:
        serve_first(tx)
    return live_world(tmp_path, ledger)


def test_rev_r44_every_field_is_visible_with_the_figure_of_its_rows(world: WatchedWorld) -> None:
    """REV-R44: train/val gap, performance by version, data quality, hold share, pending outcomes, delays, samples
    skipped; each against rows that were planted.
    """
    add_bars(world, grid(AT - 10 * DAY, AT))
    add_bars(world, grid(AT, AT + DAY)[:48], tickers=["USDJPY"])  # EURUSD owes the newest twelve hours
    at = AT + DAY / 2
    with world.ledger.transaction() as tx:
        for k in range(100):  # 30 hold, 70 are taken: 40 win 20 bps, 25 lose 10, 5 are pending
            pnl = None if k < 30 or k >= 95 else 0.002 if k < 70 else -0.001
            say(tx, AT - (120 - k) * BAR, "hold" if k < 30 else "buy", pnl)
        say(tx, AT - 30 * BAR, "sell", 0.001, version=CHALLENGER, is_shadow=True)
        say(tx, AT + 2 * DAY, "buy")  # after the instant
        losses = {"train_loss": 0.5, "val_loss": 0.8, "train_accuracy": 0.7, "val_accuracy": 0.6}
        job = train_jobs.c.train_job_id == succeeded_job(tx, CHALLENGER)
        tx.execute(sa.update(train_jobs).where(job).values(**losses, finished_at=AT - DAY))
        take_up(tx, "live tiny signals", at - 15 * BAR / 15, at)
        take_up(tx, "live tiny signals", at - 2 * HOUR, at)
        skipped = {"skipped": "57 sequences of at least 100"}
        log_live(tx, [LiveEntry(learner="tiny", at=AT - DAY, kind="training", name="daily update", payload=skipped)])
    shown = monitor(world, at, SETTINGS, late_sec={"signals": 1.5}).to_json()
    assert (shown["serving"], shown["is_paused"]) == (SERVING, False)
    (training,) = shown["trainings"]
    assert training["version"] == CHALLENGER and training["train_val_gap"] == pytest.approx(0.3)
    acted, shadow = shown["performance"]
    assert (acted["signals"], acted["holds"], acted["resolved"], acted["wins"], acted["losses"]) == (
        100,
        30,
        65,
        40,
        25,
    )
    assert acted["win_rate"] == pytest.approx(40 / 65)
    assert acted["pnl_bps"] == pytest.approx(40 * 20 - 25 * 10) and acted["mean_bps"] == pytest.approx(550 / 65)
    assert (shadow["version"], shadow["is_shadow"], shadow["mean_bps"]) == (CHALLENGER, True, pytest.approx(10.0))
    eurusd, usdjpy = shown["data_quality"]
    assert (eurusd["ticker"], eurusd["expected_bars"], eurusd["present_bars"], eurusd["owed_bars"]) == (
        "EURUSD",
        96,
        49,
        47,
    )  # fmt: skip - the bar that closes now may be on its way
    assert (usdjpy["missing_share"], usdjpy["owed_bars"]) == (0.0, 0)
    assert shown["hold_share"] == pytest.approx(0.3)
    assert shown["pending_outcomes"] == {"n": 5, "oldest_sec": (at - (AT - 24 * BAR)).total_seconds()}
    assert shown["cycles"] == {"signals": {"ran_at": (at - BAR).isoformat(), "age_sec": 900.0, "late_sec": 1.5}}
    assert shown["samples_skipped"] == {"trainings": 1, "newest": "57 sequences of at least 100"}
    assert shown["feature_drift"]["psi"] is None and shown["feature_drift"]["why"] == "no feature rows"


def test_rev_r44_feature_drift_is_visible_with_its_name(world: WatchedWorld, rng: np.random.Generator) -> None:
    """REV-R44: the index of the feature that moved, over its limit; nothing near it where nothing moved."""
    opened = [AT - BAR - n * HOUR - timedelta(minutes=45) for n in range(24 * 80, 0, -1)]
    values = rng.standard_normal((len(opened), 2, 2))
    values[-24 * 5 :, 0, 1] += 3.0
    add_features(world, opened, values)
    drift = monitor(world, AT, SETTINGS).to_json()["feature_drift"]
    assert drift["feature"] == "EURUSD ret_20" and drift["psi"] > drift["limit"] == 0.2
    before = monitor(world, AT - 6 * DAY, SETTINGS).to_json()["feature_drift"]
    assert before["psi"] < 0.1


def test_rev_r44_looking_writes_nothing(world: WatchedWorld) -> None:
    add_bars(world, [at for n, at in enumerate(grid(AT - 10 * DAY, AT)) if n % 2])
    assert monitor(world, AT, SETTINGS).is_paused is False
    assert ask_triggers(world, AT, SETTINGS)["is_paused"] is True
    found = monitor(world, AT, SETTINGS)
    assert found.is_paused and {one.kind for one in found.lasting} == {"data_anomaly", "extreme_conditions"}
    assert {one.name for one in gauges(found, found.measured)} >= {"pawl_lasting"}
