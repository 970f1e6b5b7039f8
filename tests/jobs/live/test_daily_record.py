"""What is written down of a daily update: rows by which its data is known, and figures of both models."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from pawl.jobs.live.daily_record import daily_dataset
from pawl.jobs.live.daily_update import update_daily_version
from pawl.learners.certificate import Certificate
from pawl.learners.reversal_daily import OUTCOME_SCHEMA, READ_SCHEMA, DailyOrder
from pawl.ledger.model_versions import get_version
from reversal_market import fx_bars, small_reversal
from training_world import THURSDAY, Notes, first_world, surrounded

ROW = {"ticker": "EURUSD", "ts": THURSDAY, "window_start": THURSDAY - timedelta(hours=5), "t1": THURSDAY}


def test_other_rows_or_other_bars_are_another_dataset() -> None:
    bars = fx_bars(300)
    order = DailyOrder(
        now=THURSDAY,
        seed=1,
        outcomes=pl.DataFrame(schema=OUTCOME_SCHEMA),
        read_before=pl.DataFrame(schema=READ_SCHEMA),
        base_read_until=THURSDAY,
    )
    one, other = (pl.DataFrame([{**ROW, "ticker": ticker}], schema=READ_SCHEMA) for ticker in ("EURUSD", "USDJPY"))
    ids = [
        daily_dataset(small_reversal(), some, read, order).dataset_version_id
        for some, read in ((bars, one), (bars, one), (bars, other), (bars.head(-1), one))
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_rev_r24_its_certificate_covers_what_the_parent_and_it_have_read(tmp_path: Path) -> None:
    world = first_world(tmp_path)
    run = update_daily_version(world, surrounded(world, Notes()), THURSDAY)
    with world.ledger.reading() as tx:
        parent, update = (get_version(tx, version) for version in ("reversal-3.3", str(run.version)))
    ours, theirs = (Certificate.from_json(one.certificate) for one in (update, parent))
    assert ours.max_t1 == update.max_t1 > theirs.max_t1
    assert THURSDAY - timedelta(minutes=15) <= ours.max_t1 < THURSDAY
    assert ours.first_allowed > THURSDAY
    assert update.metrics["f1_score"] is not None
    assert update.metrics["current_f1_score"] is not None
