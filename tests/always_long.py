"""A learner of 15-minute bars that is always long; `settings.toml` names this file."""

import polars as pl

from quarter_hours import QuarterHours

__all__ = ["AlwaysLong", "learner"]


class AlwaysLong(QuarterHours):
    """So that every bar gives a position."""

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Long."""
        return super().decide(predictions).with_columns(action=pl.lit("long"), position_size=pl.lit(1.0))


def learner() -> AlwaysLong:
    """For the settings."""
    return AlwaysLong()
