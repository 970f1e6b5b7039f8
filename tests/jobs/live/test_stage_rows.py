"""The signals of a stage, as they are read."""

from pawl.jobs.live.stage_rows import STAGE_SCHEMA, stage_rows
from pawl.ledger.database import Ledger
from rollout_world import BAR, NEW, OLD, THIRD, Life, Said


def said(version: str, number: int) -> Said:
    return Said(probability=0.25 if version == NEW else None, latency_ms=number, size=0.5)


def test_a_stage_reads_what_was_said_after_it_began_and_until_now(ledger: Ledger) -> None:
    """The probability of the inference where there is one, the signal's confidence where there is none."""
    life = Life(ledger)
    life.begin()
    life.live(1, said)
    began = life.at - 3 * BAR
    with ledger.reading() as tx:
        rows = stage_rows(tx, "m002", (OLD, NEW), began, life.at - BAR)
        nothing = [stage_rows(tx, *which, began, life.at) for which in (("m002", (THIRD,)), ("reversal", (OLD, NEW)))]
    assert rows.schema == STAGE_SCHEMA
    assert rows["created_at"].unique().sort().to_list() == [began + BAR, began + 2 * BAR]
    assert rows.height == 8 and rows["created_at"].is_sorted()
    new = rows.filter(model_version=NEW)
    assert new["confidence"].unique().to_list() == [0.25] and new["position_size"].unique().to_list() == [0.5]
    assert new["latency_ms"].unique().sort().to_list() == [22.0, 23.0] and new["is_shadow"].all()
    assert rows.filter(model_version=OLD)["confidence"].unique().to_list() == [0.6]
    assert [one.height for one in nothing] == [0, 0]
