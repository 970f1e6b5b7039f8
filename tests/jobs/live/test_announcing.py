"""A move of the alias is announced in its own transaction, once."""

import pytest

from pawl.jobs.live.announcing import announce_move
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.loop_outbox import unpublished
from rollout_world import NEW, OLD, Life, harmful


def told(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.reading() as tx:
        found = [one for one in unpublished(tx, 100) if one.topic == "alias_moved"]
    return [(one.at, *(one.payload[name] for name in ("act", "from_version", "to_version", "by"))) for one in found]


def test_promotion_and_rollback_are_announced_with_their_cause(ledger: Ledger) -> None:
    life = Life(ledger, plan="meta")
    began = life.at
    life.begin()
    assert told(ledger) == [(began, "promote", OLD, NEW, "pawl")]
    life.live(0.5, harmful)
    life.tick()
    assert told(ledger)[1:] == [(life.at, "rollback", NEW, OLD, "pawl")]
    with ledger.transaction() as tx:
        announce_move(tx, list_deployments(tx, "m002")[-1])
    assert len(told(ledger)) == 2


def test_what_did_not_happen_is_not_announced(ledger: Ledger) -> None:
    life = Life(ledger, plan="meta")
    life.begin()
    with pytest.raises(ZeroDivisionError), ledger.transaction() as tx:
        announce_move(tx, list_deployments(tx, "m002")[0])
        _ = 1 / 0
    assert len(told(ledger)) == 1
