"""The triggers asked of a live world: PASS-R27, REV-R42, REV-R43 and REV-R44 as the process has them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from live_market import AT, BAR, add_bars, add_features, grid, live_world, say, serve_first
from pawl.ids import ModelVersion
from pawl.jobs.live.asking_triggers import _record, ask_triggers
from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.database import Ledger
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.signals import open_signals
from pawl.ledger.train_jobs import NewJob, enqueue_job, fail_job, start_job
from pawl.ledger.trigger_firings import end_pause, is_paused, list_firings, waiting
from pawl.triggers.firing import Reading
from pawl.triggers.history import FeatureRows, History
from pawl.triggers.trigger_config import TriggerSettings

SETTINGS = TriggerSettings()
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path, ledger: Ledger) -> LiveWorld:
    """A world in which `tiny-1.0` serves, and no bar is stored."""
    with ledger.transaction() as tx:
        serve_first(tx)
    return live_world(tmp_path, ledger)


def alerts(world: LiveWorld) -> list[Mapping[str, Any]]:
    """The payloads of every alert that was announced, in order."""
    c = loop_outbox.c
    with world.ledger.reading() as tx:
        return list(tx.execute(sa.select(c.payload).where(c.topic == "alert").order_by(c.number)).scalars())


def decide(world: LiveWorld, n: int, until: datetime, signal: str = "buy", wins: float | None = None) -> None:
    """So many signals, fifteen minutes apart, the last one closed at `until`; a share of them won, spread evenly."""
    with world.ledger.transaction() as tx:
        for k in range(n):
            won = wins is not None and int((k + 1) * wins) > int(k * wins)
            pnl = None if wins is None else 0.001 if won else -0.001
            say(tx, until - (n - k) * BAR, signal, pnl)


def test_pass_r27_fewer_wins_ask_for_one_training_with_what_was_measured(world: LiveWorld) -> None:
    """PASS-R27 in the process: 60 % before and 54 % now fires once, 55 % does not; the values are those of the rows."""
    decide(world, 1000, AT - 20 * DAY, wins=0.6)
    decide(world, 200, AT - DAY, wins=0.55)
    honest = TriggerSettings(ece_rise=0.9)
    assert ask_triggers(world, AT, honest)["fired"] == []
    decide(world, 100, AT - DAY - 210 * BAR, wins=0.5)
    told = ask_triggers(world, AT, SETTINGS)
    assert told["fired"] == ["win_rate_drop", "calibration_drift"] and told["waiting"] == 2
    with world.ledger.reading() as tx:
        firings = {one.kind: one for one in list_firings(tx, "tiny")}
    drop = firings["win_rate_drop"]
    assert drop.values["win_rate"] == pytest.approx(160 / 300) and drop.values["reference_win_rate"] == 0.6
    assert (drop.effect, drop.at, drop.train_job_id) == ("retrain", AT, None)
    assert [one["kind"] for one in alerts(world)] == ["performance_drop", "performance_drop"]


def test_pass_r27_a_trigger_rests_between_two_firings_of_the_loop(world: LiveWorld) -> None:
    """PASS-R27 in the process: asked every day of a fortnight, one firing, and one more after its rest."""
    decide(world, 1000, AT - 20 * DAY, wins=0.6)
    decide(world, 1500, AT + DAY * 14, wins=0.3)
    memory = FeatureMemory()
    fired_at = []
    for day in range(16):
        at = AT + day * DAY
        if "win_rate_drop" in ask_triggers(world, at, SETTINGS, memory)["fired"]:
            fired_at.append(at)
    assert fired_at == [AT, AT + 14 * DAY]


def test_the_same_instant_asked_twice_changes_nothing(world: LiveWorld) -> None:
    """A run that is repeated after a crash writes nothing twice."""
    decide(world, 1000, AT - 20 * DAY, wins=0.6)
    decide(world, 300, AT - DAY, wins=0.5)
    add_bars(world, grid(AT - 95 * DAY, AT - DAY))
    first = ask_triggers(world, AT, SETTINGS)
    assert "win_rate_drop" in first["fired"]
    with world.ledger.reading() as tx:
        before = list_firings(tx)
    told = alerts(world)
    assert ask_triggers(world, AT, SETTINGS)["fired"] == []
    with world.ledger.reading() as tx:
        assert list_firings(tx) == before
    assert alerts(world) == told


def test_rev_r42_a_wild_day_pauses_once_and_lifts_after_a_calm_one(world: LiveWorld) -> None:
    """REV-R42: four times the usual volatility pauses and tells it once; asked hourly it is renewed in silence; the end
    comes a day after the last wild look, and is told. Decisions and outcomes are taken all the while.
    """
    calm, wild, calm_again = AT - 95 * DAY, AT - DAY, AT
    add_bars(world, grid(calm, wild))
    add_bars(world, grid(wild, calm_again), scale=0.004)
    add_bars(world, grid(calm_again, AT + 4 * DAY))
    memory = FeatureMemory()
    assert ask_triggers(world, wild, SETTINGS, memory)["is_paused"] is False
    began, ended, last_wild = None, None, None
    for hour in range(1, 24 * 4):
        at = wild + hour * HOUR
        told = ask_triggers(world, at, SETTINGS, memory)
        if "extreme_conditions" in told["fired"]:
            assert began is None
            began = at
        with world.ledger.transaction() as tx:
            (pause,) = [one for one in list_firings(tx) if one.kind == "extreme_conditions"] or [None]
            say(tx, at, "buy")  # serving goes on
            assert len(open_signals(tx, "tiny")) == hour
        if pause is not None and pause.renewed_at == at:
            last_wild = at
        if began is not None and ended is None and not told["is_paused"]:
            ended = at
    assert began is not None and last_wild is not None and began < last_wild
    assert ended == last_wild + DAY
    shown = [(one["kind"], one["is_over"]) for one in alerts(world) if one["kind"] == "pause"]
    assert shown == [("pause", False), ("pause", True)]
    with world.ledger.reading() as tx:
        assert is_paused(tx, "tiny", began) and not is_paused(tx, "tiny", ended)
        (pause,) = [one for one in list_firings(tx) if one.kind == "extreme_conditions"]
    assert pause.values["volatility_ratio"] > 3.0 and pause.end_reason == "a day without"


def test_rev_r42_holes_pause_too_and_a_person_who_resumes_is_not_overruled(world: LiveWorld) -> None:
    """REV-R42: a quarter of a day's bars missing; resumed by hand it stays so for a day, then the holes pause again."""
    kept = [at for n, at in enumerate(grid(AT - 30 * DAY, AT + 3 * DAY)) if n % 4 or at < AT - 5 * DAY]
    add_bars(world, kept)
    assert ask_triggers(world, AT, SETTINGS)["is_paused"] is True
    with world.ledger.transaction() as tx:
        end_pause(tx, "tiny", AT + 900 * DAY, "pawl triggers", "seen")  # a person's clock is another
    assert ask_triggers(world, AT + 23 * HOUR, SETTINGS)["is_paused"] is False
    assert ask_triggers(world, AT + DAY, SETTINGS)["is_paused"] is True
    with world.ledger.reading() as tx:
        assert list_firings(tx)[0].values["missing_share"] == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(("n_hold", "is_told"), [(950, False), (996, True)])
def test_rev_r43_a_model_that_only_holds_is_told_of(world: LiveWorld, n_hold: int, is_told: bool) -> None:
    """REV-R43: 99.6 % of 1,000 decisions alert, once, however often it is asked; 95 % does not."""
    with world.ledger.transaction() as tx:
        for k in range(500):
            for n, pair in enumerate(("EURUSD", "USDJPY")):
                signal = "hold" if 2 * k + n < n_hold else "buy"
                say(tx, AT - (501 - k) * BAR, signal, pair=pair)
    for hour in range(3):
        ask_triggers(world, AT + hour * HOUR, SETTINGS)
    found = [one for one in alerts(world) if one["kind"] == "hold_share"]
    assert len(found) == int(is_told)
    if is_told:
        assert found[0]["values"]["hold_share"] == 0.996


def test_rev_r43_shadows_do_not_count(world: LiveWorld) -> None:
    """REV-R43: what a shadow holds is its own affair."""
    decide(world, 300, AT, "buy")
    with world.ledger.transaction() as tx:
        for k in range(300):
            say(tx, AT - (301 - k) * BAR, "hold", version=ModelVersion("tiny-1.1"), is_shadow=True, pair="USDJPY")
    assert ask_triggers(world, AT, TriggerSettings(hold_share=0.4))["fired"] == []


def test_rev_r44_a_failed_training_is_told_once(world: LiveWorld) -> None:
    """REV-R44: the first of the three alerts."""
    with world.ledger.transaction() as tx:
        job = NewJob(version=ModelVersion("tiny-1.2"), dataset_version_ids=[], hyperparams={})
        job_id = enqueue_job(tx, job, AT - 2 * HOUR)
        start_job(tx, job_id, AT - 2 * HOUR)
        fail_job(tx, job_id, "no gradient", AT - HOUR)
    for hour in range(3):
        ask_triggers(world, AT + hour * HOUR, SETTINGS)
    (told,) = alerts(world)
    assert told["kind"] == "training_failed" and told["text"] == "tiny: the training of tiny-1.2 failed: no gradient"
    assert told["values"]["train_job_id"] == str(job_id)


def test_rev_r44_a_silent_feed_is_told_once_and_again_when_it_falls_silent_again(world: LiveWorld) -> None:
    """REV-R44: the data anomaly. One pair owes six bars; told once; bars come; a day later it is over; then again."""
    add_bars(world, grid(AT - 10 * DAY, AT))
    late, later = AT + 2 * HOUR, AT + 4 * DAY
    add_bars(world, grid(AT, late), tickers=["USDJPY"])
    for minutes in (0, 15, 30):
        ask_triggers(world, late + timedelta(minutes=minutes), SETTINGS)
    assert [one["kind"] for one in alerts(world)] == ["data_anomaly"]
    assert "EURUSD" in alerts(world)[0]["text"] and "USDJPY" not in alerts(world)[0]["text"]
    add_bars(world, grid(AT, later), tickers=["EURUSD"])
    add_bars(world, grid(late, later), tickers=["USDJPY"])
    for hour in range(3, 60):
        ask_triggers(world, AT + hour * HOUR, SETTINGS)
    with world.ledger.reading() as tx:
        (over,) = list_firings(tx)
    assert over.ended_at is not None and len(alerts(world)) == 1
    ask_triggers(world, later + 3 * HOUR, SETTINGS)
    assert [one["kind"] for one in alerts(world)] == ["data_anomaly", "data_anomaly"]


def test_rev_r44_drifting_features_are_named(world: LiveWorld, rng: np.random.Generator) -> None:
    """REV-R44: the feature of one pair moves by three deviations; its name and its index of stability are told."""
    opened = [AT - BAR - n * HOUR - timedelta(minutes=45) for n in range(24 * 80, 0, -1)]
    values = rng.standard_normal((len(opened), 2, 2))
    values[-24 * 5 :, 1, 0] += 3.0
    add_features(world, opened, values)
    told = ask_triggers(world, AT, SETTINGS)
    assert told["fired"] == ["feature_drift"]
    (alert,) = alerts(world)
    assert alert["values"]["feature"] == "USDJPY ret_1" and alert["values"]["psi"] > 0.2
    with world.ledger.reading() as tx:
        assert [one.kind for one in waiting(tx, "tiny")] == ["feature_drift"]


def test_an_empty_workspace_fires_nothing(world: LiveWorld) -> None:
    assert ask_triggers(world, AT, SETTINGS) == {"fired": [], "is_paused": False, "waiting": 0}


@pytest.mark.parametrize(("worst", "name"), [(1.0, "b"), (0.0, "a"), (-1.0, None)])
def test_a_drift_names_the_feature_with_the_greatest_psi_and_none_where_there_is_none(
    world: LiveWorld, worst: float, name: str | None
) -> None:
    nothing = np.array([], dtype="datetime64[us]")
    rows = FeatureRows(at=nothing, values=np.empty((0, 2)), changed_at=nothing, names=("a", "b"))
    values = {"psi": 0.4, "feature": worst, "n_changes": 3.0, "limit": 0.2}
    look = Reading(values=values, is_crossed=True, reason="ADWIN found 3 changes in a day")
    with world.ledger.transaction() as tx:
        assert _record(tx, "tiny", "feature_drift", look, History(features=rows), AT)
        (firing,) = list_firings(tx, "tiny")
    assert firing.values["feature"] == name
