"""Shares of each action."""

from datetime import date

import polars as pl

from pawl.reports.action_chart import SHARE_COLUMNS, action_chart, action_choice, share_cells, share_words

COUNTS = pl.DataFrame(
    {"month": [date(2024, 1, 1), date(2024, 2, 1)], "n_long": [10, 0], "n_short": [10, 0], "n_flat": [20, 0]}
)


def test_shares_are_of_all_decisions_and_a_month_without_any_has_none() -> None:
    assert share_words(COUNTS) == "of 40 decisions, 25.0 % were long, 25.0 % were short and 50.0 % were flat"
    cells = share_cells(COUNTS)
    assert cells == [
        ["2024-01", "40", "25.0 %", "25.0 %", "50.0 %"],
        ["2024-02", "0", "–", "–", "–"],
        ["Overall", "40", "25.0 %", "25.0 %", "50.0 %"],
    ]
    assert len(cells[0]) == 1 + len(SHARE_COLUMNS)


def test_what_is_shown_first_is_drawn_and_the_rest_is_offered() -> None:
    shown, other = action_choice("a", COUNTS), action_choice("b", COUNTS.head(1))
    chart = action_chart("lead", shown, [shown, other])
    assert [trace["y"] for trace in chart.traces] == [[25.0, None], [25.0, None], [50.0, None]]
    assert [(one.name, one.x) for one in chart.choices] == [("a", ["2024-01", "2024-02"]), ("b", ["2024-01"])]
