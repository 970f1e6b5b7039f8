"""The parts of the monthly report say what was found, and what was not."""

from dataclasses import replace
from datetime import date

import polars as pl

from pawl.reports.monthly_parts import best_ranked, parts
from synthetic_month import synthetic_month


def leads(**changes: object) -> dict[str, str]:
    return {one.id: one.lead for one in parts(replace(synthetic_month(), **changes))}  # type: ignore[arg-type]


def test_every_thing_that_the_report_must_hold_stands_in_a_part() -> None:
    built = {one.id: one for one in parts(synthetic_month())}
    assert list(built) == ["answer", "ranking", "signals", "versions", "history", "learning", "quality"]
    assert "promoted" in built["answer"].lead and "serves since 2026-02-01" in built["answer"].lead
    assert built["answer"].tables[0].caption == "Targets of the design, 1 of 3 met; they are no gates"
    assert built["ranking"].tables[0].rows[0][:3] == ["reversal-3.4", "1", "0.950"]
    assert built["ranking"].tables[0].rows[3][-1] == "trained on bars up to 2026-01-25: too new"
    assert built["learning"].lead == "3 trainings: 1 done, 1 failed, 0 stopped, 1 skipped. 1 trigger fired."
    assert built["history"].lead == "1 promotion, 0 rollbacks; 2 verdicts, of which 1 passed."
    assert len(built["versions"].tables[0].rows) == 5
    assert built["versions"].tables[0].rows[1][3] == "retired, files gone"
    assert all(len(row) == len(table.columns) for one in built.values() for table in one.tables for row in table.rows)


def test_the_signals_are_counted_by_hand() -> None:
    data = synthetic_month()
    won, lost = int(data.days["n_wins"].sum()), int(data.days["n_losses"].sum())
    assert f"win rate {100 * won / (won + lost):.1f} %" in leads()["signals"]
    assert f"+{data.days['pnl_bps'].sum():,.1f} bps together" in leads()["signals"]


def test_days_that_were_not_lived_are_left_out_and_counted() -> None:
    days = synthetic_month().days
    a_quiet_one = pl.col("day") == date(2026, 1, 6)
    nothing = {name: pl.when(a_quiet_one).then(0).otherwise(pl.col(name)) for name in ("n_resolved", "pnl_bps")}
    part = next(
        one for one in parts(replace(synthetic_month(), days=days.with_columns(**nothing))) if one.id == "signals"
    )
    rows = {row[0]: row for row in part.tables[0].rows}
    assert len(rows) == 22 and "2026-01-05" in rows and "2026-01-03" not in rows  # a Monday, a Saturday
    assert rows["2026-01-06"][-1] == "–", "signals, and no result"
    assert part.lead.endswith("22 of 31 days lived.") and "22 of 31 days lived" in part.tables[0].caption


def test_an_empty_month_says_so_in_every_part() -> None:
    data = synthetic_month()
    empty = leads(
        selected=None, versions=(), moves=(), verdicts=(), trainings=(), firings=(), quality=(), targets=(),
        champion=None, serves_since=None, days=data.days.clear(),
    )  # fmt: skip
    assert empty["answer"] == "No selection was held over this month. No version serves at the end."
    assert empty["ranking"] == "No version was compared."
    assert empty["signals"] == "The acting version gave no signal in this month, 0 of 31 days lived."
    assert empty["versions"] == "No version was ever trained."
    assert empty["quality"] == "No bar of this month is in the store."


def test_only_the_best_are_drawn() -> None:
    data = synthetic_month()
    assert data.selected is not None
    many = replace(data.selected, ranking=[{**data.selected.ranking[0], "place": n} for n in range(1, 60)])
    assert [row["place"] for row in best_ranked(replace(data, selected=many))] == list(range(1, 26))
