"""A new version is judged once; an evaluation that cannot be made leaves nothing that could be promoted."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from inline_engine import Clock, Inline, paper_world
from ledger_world import day, judged, trained
from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.jobs.deployment_worker import deployment_role
from pawl.jobs.eval_worker import eval_role
from pawl.jobs.parked import retry_letter
from pawl.jobs.train_orchestrator import train_role
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import list_letters
from pawl.ledger.deployments import list_deployments
from pawl.ledger.evaluations import NewEvaluation, list_reports, record_evaluation
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.model_versions import champion
from pawl.ledger.training_tables import eval_reports
from tiny_learner import Shares, Tiny

TINY = ModelVersion("tiny-1.0")


class Unserved(Tiny):
    """A model that does not answer."""

    def predict(self, model: Shares, bars, since=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Never."""
        raise ConnectionError("serving is down")


def test_a_version_is_judged_once_however_often_anybody_looks(ledger: Ledger, furnished: Path) -> None:
    world = paper_world(ledger, furnished, Clock(), train_every_hours={"tiny": 168.0})
    Inline(world).work(train_role(world))
    role = eval_role(world)
    engine = Inline(world)
    role.poll(engine, world.now())
    (argument,) = engine.waiting
    answers = [role.workflow.run(lambda name, act: act(), argument) for _ in range(2)]
    assert answers[0] == answers[1]
    assert Inline(world).work(role) == []
    with ledger.reading() as tx:
        assert [one.number for one in list_reports(tx, TINY)] == [1]


def test_of_two_that_judge_at_once_one_report_stands(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
        first = judged(tx, "m002-1.0")
    again = NewEvaluation(version=first.version, baseline=None, verdict=first.verdict, figures={})
    with pytest.raises(RefusalError, match="has report 1 already"), ledger.transaction() as tx:
        record_evaluation(tx, again, first.created_at, only_as=1)
    with ledger.reading() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(eval_reports)).scalar_one() == 1


def test_pass_r44_with_serving_down_nothing_is_judged_and_nothing_is_promoted(ledger: Ledger, furnished: Path) -> None:
    clock = Clock()
    world = paper_world(ledger, furnished, clock, train_every_hours={"tiny": 168.0})
    Inline(world).work(train_role(world))
    down = paper_world(ledger, furnished, clock, Unserved())
    engine = Inline(down)
    engine.work(eval_role(down))
    assert engine.work(deployment_role(down)) == []
    with ledger.reading() as tx:
        assert list_reports(tx, TINY) == []
        assert champion(tx, "tiny") is None
        assert list_deployments(tx, "tiny") == []
        (letter,) = list_letters(tx)
    assert (letter.worker, letter.item_id) == ("eval-worker", TINY)
    assert "serving is down" in letter.error
    assert engine.work(eval_role(down)) == [], "it waits for a person"
    with ledger.transaction() as tx:
        retry_letter(tx, letter.letter_id, clock())
    engine = Inline(world)
    engine.work(eval_role(world))
    engine.work(deployment_role(world))
    with ledger.reading() as tx:
        assert champion(tx, "tiny") == TINY


def test_what_a_live_loop_trains_is_judged_by_the_loop_alone(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
        trained(tx, TINY)
        log_live(tx, [LiveEntry(learner="m002", at=day(0), kind="act", name="begin", payload={})])
    world = paper_world(ledger, tmp_path, Clock())
    engine = Inline(world)
    eval_role(world).poll(engine, world.now())
    assert [one["version"] for one in engine.waiting] == [TINY]
