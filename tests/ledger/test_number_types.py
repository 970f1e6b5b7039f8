"""A figure is stored the same on both databases, or refused on both."""

import math

import pytest
import sqlalchemy as sa

from ledger_world import trained
from pawl.errors import InputError
from pawl.ledger.database import Ledger
from pawl.ledger.training_tables import train_jobs


def stored(ledger: Ledger, sharpe: float) -> float:
    """A Sharpe ratio, DECIMAL(6,4), as it comes back."""
    with ledger.transaction() as tx:
        if not tx.execute(sa.select(train_jobs)).all():
            trained(tx, "m002-1.0")
        tx.execute(sa.update(train_jobs).values(backtest_sharpe_ratio=sharpe))
        return float(tx.execute(sa.select(train_jobs.c.backtest_sharpe_ratio)).scalar_one())


def test_digits_beyond_the_scale_are_rounded(ledger: Ledger) -> None:
    assert [stored(ledger, value) for value in (1.23456, -99.99994, 0.0, 3)] == [1.2346, -99.9999, 0.0, 3.0]


@pytest.mark.parametrize("value", [100.0, -100.0, 99.99996])
def test_a_figure_with_too_many_digits_is_refused_with_its_value(ledger: Ledger, value: float) -> None:
    with pytest.raises(InputError, match=rf"{value} does not fit DECIMAL\(6,4\)"):
        stored(ledger, value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_figure_is_refused(ledger: Ledger, value: float) -> None:
    with pytest.raises(InputError, match="is no figure"):
        stored(ledger, value)


def test_a_figure_that_is_missing_stays_missing(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
        assert tx.execute(sa.select(train_jobs.c.backtest_sharpe_ratio)).scalar_one() is None
