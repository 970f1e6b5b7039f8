"""Signals by version and by day, counted by hand."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pawl.evaluation.signal_month import SIGNAL_COLUMNS, by_day, by_version, with_lived

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)


def signal(
    version: str, at: float, said: str = "buy", outcome: str | None = None, pnl: float | None = None, lasts: float = 1
) -> dict[str, object]:
    """A signal, hours after the start; resolved so many hours later."""
    created = START + timedelta(hours=at)
    resolved = None if outcome is None else created + timedelta(hours=lasts)
    return {
        "model_version": version, "signal": said, "is_shadow": version == "shadow", "actual_outcome": outcome,
        "actual_pnl": pnl, "created_at": created, "resolved_at": resolved,
    }  # fmt: skip


@pytest.fixture
def signals() -> pl.DataFrame:
    return pl.DataFrame(
        [
            signal("a", 1, outcome="win", pnl=0.002),
            signal("a", 2, outcome="loss", pnl=-0.001),
            signal("a", 3, outcome="win", pnl=0.003),
            signal("a", 4, outcome="expired", pnl=-0.0004),
            signal("a", 5, "hold"),
            signal("a", 24, "hold"),
            signal("a", 30),
            signal("shadow", 47, outcome="win", pnl=0.001, lasts=1),
            signal("shadow", 70, "hold"),
        ],
        schema_overrides={"actual_pnl": pl.Float64, "actual_outcome": pl.String},
    ).select(SIGNAL_COLUMNS)


def test_each_version_has_its_counts_and_its_average(signals: pl.DataFrame) -> None:
    found = {row["model_version"]: row for row in by_version(signals).iter_rows(named=True)}
    counts = ("n_signals", "n_hold", "n_shadow", "n_resolved", "n_wins", "n_losses")
    assert [found["a"][name] for name in counts] == [7, 2, 0, 4, 2, 1]
    assert found["a"]["win_rate"] == pytest.approx(2 / 3)
    assert found["a"]["avg_pnl_bps"] == pytest.approx((20 - 10 + 30 - 4) / 4)
    assert (found["shadow"]["n_shadow"], found["shadow"]["win_rate"]) == (2, 1.0)


def test_a_version_without_a_result_has_nulls_and_no_zero(signals: pl.DataFrame) -> None:
    found = by_version(signals.filter(pl.col("actual_outcome").is_null())).row(0, named=True)
    assert (found["n_resolved"], found["win_rate"], found["avg_pnl_bps"]) == (0, None, None)


def test_every_day_stands_and_midnight_closes_the_day_before(signals: pl.DataFrame) -> None:
    resolved = signals.filter(pl.col("resolved_at").is_not_null())
    found = by_day(signals, resolved, START, END)
    assert found["day"].to_list() == [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)]
    assert found["n_signals"].to_list() == [6, 2, 1]  # the hold of hour 24 was given at midnight
    assert found["n_hold"].to_list() == [2, 0, 1]
    assert found["n_resolved"].to_list() == [4, 1, 0]  # the shadow's win came at midnight of the third
    assert found["n_wins"].to_list() == [2, 1, 0]
    assert found["pnl_bps"].to_list() == pytest.approx([36.0, 10.0, 0.0])


def test_a_month_without_signals_has_days_of_zeros(signals: pl.DataFrame) -> None:
    found = by_day(signals.clear(), signals.clear(), START, END)
    assert found.height == 3 and found["n_signals"].sum() == 0 and found["pnl_bps"].sum() == 0
    assert by_version(signals.clear()).is_empty()


def test_a_day_is_lived_where_the_loop_did_something_or_a_signal_stands(signals: pl.DataFrame) -> None:
    quiet = by_day(signals.clear(), signals.clear(), START, END)
    midnight = START + timedelta(days=2)
    assert with_lived(quiet, [])["is_lived"].to_list() == [False, False, False]
    assert with_lived(quiet, [START + timedelta(minutes=15)])["is_lived"].to_list() == [True, False, False]
    assert with_lived(quiet, [midnight])["is_lived"].to_list() == [False, True, False]  # it closes the day before
    first = signals.filter(pl.col("created_at") < START + timedelta(hours=3))
    assert with_lived(by_day(first, signals.clear(), START, END), [])["is_lived"].to_list() == [True, False, False]
