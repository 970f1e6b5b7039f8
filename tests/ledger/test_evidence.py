"""Evidence: the events of a trajectory, in order, and never those of somebody else."""

import sqlalchemy as sa

from decision_events import chain, closed, converted, record, tracked
from passport_world import ME, NOW, OTHER, RULES
from pawl.datasets.trajectories import fold_events
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.evidence import events_of


def test_a_trajectory_leads_to_its_events_in_their_order(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        told = [*chain("a", who=ME), *chain("b", who=ME), *chain("a", who=OTHER)]
        fold_events(tx, record(tx, told), RULES.passport, NOW)
        ids = [str(one) for one in tx.execute(sa.select(decision_trajectories.c.trajectory_id)).scalars()]
        found = events_of(tx, ME, [*ids, ids[0]])
    events = {str(one["event_id"]): one for one in told}
    assert len(found) == 2
    for linked in found.values():
        assert [events[one]["event_type"] for one in linked] == ["signal.tracked", "signal.converted", "trade.closed"]
        assert {events[one]["user_id"] for one in linked} == {ME}


def test_an_event_of_another_user_on_the_same_trace_is_no_evidence(ledger: Ledger) -> None:
    mine, foreign = [tracked("a", who=ME), converted("a", who=ME)], closed("a", who=OTHER)
    foreign["trace_id"] = mine[0]["trace_id"]
    with ledger.transaction() as tx:
        fold_events(tx, record(tx, [*mine, foreign]), RULES.passport, NOW)
        ids = [str(one) for one in tx.execute(sa.select(decision_trajectories.c.trajectory_id)).scalars()]
        assert [len(one) for one in events_of(tx, ME, ids).values()] == [2]
        assert events_of(tx, OTHER, ids) == {}
        assert events_of(tx, ME, []) == {}
