"""State probabilities over a chosen ticker."""

from dataclasses import replace

import polars as pl

from pawl.reports.report_data import ReportData, StateProbabilities
from pawl.reports.sections.states import state_probabilities


def states_of(data: ReportData) -> StateProbabilities:
    assert data.states is not None
    return data.states


def test_the_chosen_ticker_is_drawn_first_and_every_ticker_is_offered(report_data: ReportData) -> None:
    section = state_probabilities(report_data)
    (chart,) = section.charts
    assert [choice.name for choice in chart.choices] == sorted(states_of(report_data).frame["ticker"].unique())
    assert chart.traces[0]["y"] == chart.choices[2].ys[0]
    assert '<option value="2" selected>BTCUSDT</option>' in section.body


def test_the_drawn_probabilities_of_a_day_make_a_whole(report_data: ReportData) -> None:
    (chart,) = state_probabilities(report_data).charts
    for choice in chart.choices:
        assert all(abs(sum(day) - 100) < 0.3 for day in zip(*choice.ys[1:], strict=True))
    assert [trace["name"] for trace in chart.traces[1:]] == [
        "Accumulation", "Early up", "Peak", "Distribution", "Late down",
    ]  # fmt: skip


def test_a_day_without_a_measurement_is_a_hole_and_not_a_zero(report_data: ReportData) -> None:
    states = states_of(report_data)
    first = pl.int_range(pl.len()).over("ticker") == 0
    holes = states.frame.with_columns(pl.when(~first).then(pl.col(name)).alias(name) for name in states.states)
    (chart,) = state_probabilities(replace(report_data, states=replace(states, frame=holes))).charts
    assert all(ys[0] is None and ys[1] is not None for choice in chart.choices for ys in choice.ys[1:])


def test_an_unknown_choice_falls_back_to_the_first_ticker(report_data: ReportData) -> None:
    section = state_probabilities(replace(report_data, states=replace(states_of(report_data), chosen="GONE")))
    assert '<option value="0" selected>ADAUSDT</option>' in section.body


def test_the_price_of_a_cheap_coin_keeps_its_digits(report_data: ReportData) -> None:
    states = states_of(report_data)
    cheap = states.frame.with_columns(pl.lit(0.000012345678).alias("close"))
    (chart,) = state_probabilities(replace(report_data, states=replace(states, frame=cheap))).charts
    assert set(chart.traces[0]["y"]) == {0.0000123457}
