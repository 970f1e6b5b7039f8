"""Tables of trainings and verdicts."""

import sqlalchemy as sa

from ledger_world import judged, promoted, trained
from pawl.ledger.database import Ledger
from pawl.ledger.training_tables import dataset_versions


def test_the_training_log_is_a_view_of_the_jobs(ledger: Ledger) -> None:
    log = sa.text("SELECT model_version, status FROM model_training_log ORDER BY model_version")
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        judged(tx, "m002-1.1", passes=False)
        found = [tuple(row) for row in tx.execute(log)]
    assert found == [("m002-1.0", "deployed"), ("m002-1.1", "completed")]


def test_a_row_without_an_id_gets_a_random_one(ledger: Ledger) -> None:
    row = sa.text(
        "INSERT INTO ml_dataset_versions (dataset_type, window_start, window_end, sample_count, filters, "
        "quality_report, learner, content_hash) VALUES ('sft', "
        "'2024-01-01T00:00:00.000000Z', '2025-01-01T00:00:00.000000Z', 1, '{}', '{}', 'policy', 'h')"
    )
    with ledger.transaction() as tx:
        tx.execute(row)
        tx.execute(row)
    with ledger.reading() as tx:
        found = tx.execute(sa.select(dataset_versions)).all()
    assert len({one.dataset_version_id for one in found}) == 2
    assert {one.dataset_version_id.version for one in found} == {4}
    assert all(one.created_at.tzinfo is not None for one in found)
