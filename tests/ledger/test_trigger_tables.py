"""What no firing can say."""

import pytest
import sqlalchemy as sa

from ledger_world import day
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.trigger_tables import trigger_firings


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"effect": "shout"}, "effect"),
        ({"reason": ""}, "reason"),
        ({"ended_at": day(2), "end_reason": "calm"}, "ended_by"),
        ({"ended_at": day(0), "ended_by": "triggers", "end_reason": "calm"}, "times"),
        ({"renewed_at": day(0)}, "times"),
        ({"worth": {}, "worth_at": day(2)}, "train_job_id"),
        ({"effect": "retrain", "worth": {}}, "worth_at"),
        ({"effect": "retrain", "renewed_at": day(2)}, "lasts"),
    ],
)
def test_what_no_firing_can_say_is_refused(ledger: Ledger, change: dict[str, object], rule: str) -> None:
    row = {"firing_id": identity("x"), "learner": "m002", "kind": "k", "effect": "pause", "at": day(1), "values": {},
           "reason": "because", "fired_by": "triggers"}  # fmt: skip
    with pytest.raises(RefusalError, match=f"ck_trigger_firings_{rule}"), ledger.transaction() as tx:
        tx.execute(sa.insert(trigger_firings).values({**row, **change}))
