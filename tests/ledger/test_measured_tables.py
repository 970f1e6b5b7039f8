"""One row a learner."""

import sqlalchemy as sa

from ledger_world import day
from pawl.ledger.database import Ledger
from pawl.ledger.measured_figures import keep_figures
from pawl.ledger.measured_tables import measured_figures


def test_a_year_of_looks_leaves_one_row(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for on in range(1, 29):
            keep_figures(tx, "tiny", {"n": on}, day(on))
        assert tx.execute(sa.select(measured_figures.c.figures)).scalars().all() == [{"n": 28}]
