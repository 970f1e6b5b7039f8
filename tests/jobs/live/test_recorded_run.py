"""What the log of a loop says of its life."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import day
from pawl.errors import InputError, NotFoundError, RefusalError
from pawl.jobs.live.journal import Span, begin_span, end_span
from pawl.jobs.live.loop_place import LoopPlace
from pawl.jobs.live.recorded_run import ACT, STARTS, TAKES_EFFECT, learner_of, recorded_run
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.schedule_runs import take_up

CHOSEN = {"seed": 7, "tickers": ["A"], "settings": "s"}


def place(on: int, cycle: str, number: int = 0) -> dict[str, Any]:
    """Behind a run, as JSON."""
    return {"at": day(on).isoformat(), "cycle": cycle, "number": number}


def note(tx: sa.Connection, kind: str, name: str, on: int, **payload: Any) -> None:
    log_live(tx, [LiveEntry(learner="m002", at=day(on), kind=kind, name=name, payload=payload)])


def begin(tx: sa.Connection, learner: str = "m002", **chosen: Any) -> None:
    span = Span(since=day(1), length=timedelta(days=5), speed=None, began=day(1), chosen={**CHOSEN, **chosen})
    begin_span(tx, learner, [f"live {learner} positions"], span)


def test_effects_come_in_the_order_in_which_they_came(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        begin(tx)
        note(tx, "received", "history", 1, source="simulated", page=None)
        take_up(tx, "live m002 positions", day(4), day(4))
        behind = {"began_behind": place(2, "signals", 1), "took_effect_behind": place(3, "positions", 2)}
        note(tx, "training", "daily", 2, **behind)
        note(tx, "act", "pause", 3, behind=place(3, "positions", 1), reason="x")
        note(tx, "training", "daily update", 2, version="v")  # what came of it: no effect of its own
        note(tx, "cycle", "positions", 3, missed=4)
    with ledger.reading() as tx:
        found = recorded_run(tx, "m002")
        assert learner_of(tx, None) == learner_of(tx, "m002") == "m002"
        with pytest.raises(NotFoundError, match="no run of `tiny`"):
            learner_of(tx, "tiny")
    assert [one.kind for one in found.effects] == [STARTS, ACT, TAKES_EFFECT]
    assert found.skips == {"positions": [(day(3), 4)]} and found.chosen == CHOSEN
    assert found.until == LoopPlace(at=day(4), cycle=0, number=4)  # it runs still: no further than it came
    with ledger.transaction() as tx:
        end_span(tx, "m002", day(6))
    with ledger.reading() as tx:
        ended = recorded_run(tx, "m002").until
    assert ended.at == day(6) and ended > LoopPlace(at=day(6), cycle=5, number=99)


def test_what_is_not_on_record_is_refused(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        begin(tx)
    with ledger.reading() as tx, pytest.raises(RefusalError, match="did not begin here"):
        recorded_run(tx, "m002")
    with ledger.transaction() as tx:
        note(tx, "received", "history", 1, source="simulated", page=None)
        end_span(tx, "m002", day(6))
        begin(tx, seed=8)
        begin(tx, "tiny")
    with ledger.reading() as tx:
        with pytest.raises(RefusalError, match="different settings"):
            recorded_run(tx, "m002")
        with pytest.raises(InputError, match="several lived here: m002, tiny"):
            learner_of(tx, None)
