"""What a training that a trigger asked for was worth: from pairs of signals whose gain is known."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger_world import trained
from live_market import AT, BAR, CHALLENGER, SERVING, live_world, say, serve_first
from pawl.gates.sequence_config import SequenceSettings
from pawl.ids import ModelVersion
from pawl.jobs.live.trigger_worth import measure_worth
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.database import Ledger
from pawl.ledger.training_outcomes import succeeded_job
from pawl.ledger.trigger_firings import NewFiring, answer, list_firings, record_firing

DAY = timedelta(days=1)
FIRST = AT.replace(hour=0) - BAR  # closes at midnight, where blocks begin
FIRING = NewFiring(learner="tiny", kind="regime_change", effect="retrain", at=AT - DAY, reason="calm no more")


@pytest.fixture
def world(tmp_path: Path, ledger: Ledger) -> LiveWorld:
    """A world in which `tiny-1.1` answered a firing while `tiny-1.0` served."""
    with ledger.transaction() as tx:
        serve_first(tx)
        record_firing(tx, FIRING)
    return live_world(tmp_path, ledger)


def answered_by(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job of `tiny-1.1` stands as ended on START, before anything served; here it ends after."""
    import sqlalchemy as sa

    from pawl.ledger.training_tables import train_jobs

    with world.ledger.transaction() as tx:
        job_id = succeeded_job(tx, CHALLENGER)
        tx.execute(sa.update(train_jobs).where(train_jobs.c.train_job_id == job_id).values(finished_at=AT - DAY / 2))
        answer(tx, [FIRING.firing_id], job_id)


def lived(world: LiveWorld, n_days: int, gain: float) -> None:
    """Days on which the candidate's signals earn this much more than the champion's, of the same bars."""
    rng = np.random.default_rng(1)
    with world.ledger.transaction() as tx:
        for day in range(n_days):
            for k in range(4):
                bar = FIRST + day * DAY + k * 8 * BAR
                base = float(rng.standard_normal()) * 1e-3
                more = gain + float(rng.standard_normal()) * 2e-4
                say(tx, bar, "buy", base)
                if k == 3:
                    say(tx, bar, "hold", version=CHALLENGER, is_shadow=True)  # a hold earns nothing
                else:
                    say(tx, bar, "sell", base + more, version=CHALLENGER, is_shadow=True)


def worth(world: LiveWorld) -> Any:
    with world.ledger.reading() as tx:
        return list_firings(tx)[0].worth


@pytest.mark.parametrize(("gain", "proved"), [(0.002, True), (-0.003, False), (0.0, None)])
def test_pairs_of_a_shadow_say_whether_it_beat_doing_nothing(
    world: LiveWorld,
    monkeypatch: pytest.MonkeyPatch,
    gain: float,
    proved: bool | None,
) -> None:
    answered_by(world, monkeypatch)
    lived(world, 20, gain)
    at = FIRST + 22 * DAY
    assert measure_worth(world, at, SequenceSettings()) == {"looked_at": 1, "written": 1}
    found = worth(world)
    assert (found["version"], found["stayed"], found["n_pairs"]) == (CHALLENGER, SERVING, 80)
    assert (found["n_blocks"], found["beat_doing_nothing"]) == (20, proved)
    assert measure_worth(world, at, SequenceSettings())["written"] == 0


def test_the_mean_is_that_of_the_blocks(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: two days, gains of 10 and −20 bps; the third day's pair is not resolved and counts in nothing."""
    answered_by(world, monkeypatch)
    with world.ledger.transaction() as tx:
        for day, (ours, theirs) in enumerate([(0.002, 0.001), (-0.001, 0.001), (0.5, None)]):
            say(tx, FIRST + day * DAY, "buy", theirs)
            say(tx, FIRST + day * DAY, "buy", ours, version=CHALLENGER, is_shadow=True)
    measure_worth(world, FIRST + 4 * DAY, SequenceSettings())
    found = worth(world)
    assert found["mean_bps"] == pytest.approx(-5.0) and found["n_blocks"] == 2
    assert found["beat_doing_nothing"] is None and found["why"] == "not proved either way"


def test_nothing_after_the_instant_is_read(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured in the middle of a life, the figures are those of a life that ended there."""
    answered_by(world, monkeypatch)
    lived(world, 30, 0.001)
    measure_worth(world, FIRST + 6 * DAY, SequenceSettings())
    assert worth(world)["n_pairs"] == 24


def test_what_cannot_be_judged_says_why(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.ledger.transaction() as tx:
        other = NewFiring(learner="tiny", kind="feature_drift", effect="retrain", at=AT, reason="drift")
        record_firing(tx, other)
        answer(tx, [other.firing_id], trained(tx, ModelVersion("tiny-1.5")))
    measure_worth(world, AT + DAY, SequenceSettings())
    with world.ledger.reading() as tx:
        newest = list_firings(tx)[0]
    assert newest.worth is not None and newest.worth["why"] == "nothing served before it"
    assert newest.worth["beat_doing_nothing"] is None
