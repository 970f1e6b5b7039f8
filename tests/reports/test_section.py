"""The parts of a page."""

import pytest

from pawl.reports.section import Chart, Choice, Column, missing, picker, table


def test_a_table_escapes_its_cells_unless_they_are_markup() -> None:
    html = table([Column("<t>"), Column("n", is_number=True), Column("m", is_html=True)], [["<b>", "1", "<i>x</i>"]],
                 caption="a & b")  # fmt: skip
    assert '<th scope="col">&lt;t&gt;</th><th scope="col" class="n">n</th>' in html
    assert '<th scope="row">&lt;b&gt;</th><td class="n">1</td><td><i>x</i></td>' in html
    assert "<caption>a &amp; b</caption>" in html


def test_a_column_of_sentences_flows_over_lines() -> None:
    html = table([Column("at"), Column("why", is_prose=True)], [["now", "a long reason"]], caption="")
    assert '<td class="prose">a long reason</td>' in html


def test_a_row_that_does_not_fit_its_columns_is_a_fault() -> None:
    with pytest.raises(ValueError, match="zip"):
        table([Column("a"), Column("b")], [["1"]], caption="")


def test_a_chart_stands_where_it_is_drawn_and_says_what_it_shows() -> None:
    chart = Chart(id="chart-x", label='a "line"', traces=[{"y": [1]}], layout={}, height_px=200)
    assert chart.html() == (
        '<div class="chart" id="chart-x" role="img" aria-label="a &quot;line&quot;" style="height:200px"></div>'
    )
    assert chart.spec() == {"id": "chart-x", "traces": [{"y": [1]}], "layout": {}, "choices": []}


def test_a_missing_section_stands_and_says_so() -> None:
    section = missing("trades", "Trades", "The model closed no trade.")
    assert (section.id, section.lead, section.charts) == ("trades", "The model closed no trade.", ())


def test_a_drop_down_offers_every_choice_of_its_chart_and_shows_which_is_drawn() -> None:
    choices = [Choice("<a>", [], []), Choice("b", [], [])]
    chart = Chart(id="chart-x", label="", traces=[], layout={}, choices=choices)
    assert picker(chart, "Ticker", choices[1]) == (
        '<p class="picker"><label>Ticker <select data-chart="chart-x"><option value="0">&lt;a&gt;</option>'
        '<option value="1" selected>b</option></select></label></p>'
    )
