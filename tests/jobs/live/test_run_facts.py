"""Two lives side by side."""

from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from ledger_world import day, trained
from pawl.jobs.live.run_facts import Fact, Whose, codes_of, facts_of, first_difference
from pawl.ledger.database import Ledger
from pawl.ledger.identity import SYSTEM_USER, identity
from pawl.ledger.inferences import Inference, append_inferences
from pawl.ledger.version_tables import model_versions


def test_what_differs_is_named_on_both_sides() -> None:
    ours, theirs = Fact(rows=("a", "b", "c")), Fact(rows=("a", "c", "d"))
    assert first_difference(ours, ours) is None
    assert first_difference(ours, theirs) == ("b", "d")
    assert first_difference(ours, Fact(rows=("a", "b"))) == ("c", None)
    assert ours.n == 3 and ours.sha256 != theirs.sha256


def test_every_column_counts(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        before = facts_of(tx)
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
    with ledger.reading() as tx:
        after = facts_of(tx)
    assert {name for name in before if before[name] != after[name]} == {"versions"}
    assert before["versions"].n == 0 and after["versions"].n == 1


def test_of_a_life_only_what_its_own_loop_did_counts(ledger: Ledger) -> None:
    whose = Whose(learner="m002", timeframe="15m", tickers=("EURUSD",))
    with ledger.transaction() as tx:
        for learner, user in (("m002", SYSTEM_USER), ("m002", UUID(int=5)), ("tiny", SYSTEM_USER)):
            trace = f"{learner} {user}"
            append_inferences(
                tx,
                [
                    Inference(
                        inference_id=identity("inference", trace),
                        trace_id=trace,
                        model_version="m002-1.0",
                        learner=learner,
                        prompt_hash="h",
                        prompt_payload={},
                        response_payload={},
                        created_at=day(1),
                        latency_ms=3,
                        user_id=user,
                    )
                ],
            )
    with ledger.reading() as tx:
        assert facts_of(tx)["inferences"].n == 2
        assert facts_of(tx, whose)["inferences"].n == 1
        assert ", 3, " in facts_of(tx, whose)["inferences"].rows[0]  # what an answer took counts


def test_users_take_places_in_a_chain_and_change_nothing_of_a_life(ledger: Ledger) -> None:
    own = Inference(
        inference_id=identity("inference", 1), trace_id="t", model_version="m002-1.0", learner="m002", prompt_hash="",
        prompt_payload={}, response_payload={}, created_at=day(1),
    )  # fmt: skip
    facts = []
    for users in ((), (UUID(int=5),)):
        with ledger.transaction() as tx:
            rows = [replace(own, inference_id=user, trace_id="u", user_id=user) for user in users]
            append_inferences(tx, [*rows, own])
            facts.append(facts_of(tx)["inferences"])
            tx.rollback()
    assert facts[0] == facts[1] and facts[0].n == 1


def test_the_code_that_lived_a_life_is_named_in_its_order(ledger: Ledger) -> None:
    """By training, not by number; a version that came from elsewhere names none."""
    with ledger.transaction() as tx:
        for version, on, certificate in (
            ("m002-1.0", 3, {"code": "b"}), ("m002-1.1", 1, {"code": "a"}), ("m002-1.2", 4, {"code": "a"}),
            ("m002-1.3", 5, {}), ("reversal-3.3", 2, {"code": "c"}),
        ):  # fmt: skip
            trained(tx, version)
            changed = sa.update(model_versions).where(model_versions.c.version == version)
            tx.execute(changed.values(trained_at=day(on), certificate=certificate))
        assert (codes_of(tx, "m002"), codes_of(tx, "bottom")) == (("a", "b"), ())
