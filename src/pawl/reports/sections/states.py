"""What the market state was thought to be, for a chosen ticker, under its price."""

from collections.abc import Mapping

import polars as pl

from pawl.reports.chart_style import (
    STATE_COLOURS,
    axis,
    axis_title,
    base_layout,
    dates,
    label,
    percent_axis,
    percents,
    values,
)
from pawl.reports.report_data import ReportData, StateProbabilities, Unit
from pawl.reports.section import Chart, Choice, Column, Json, Section, missing, picker, table, with_table
from pawl.reports.thinning import MAX_POINTS, thin
from pawl.reports.wording import figure

__all__ = ["state_probabilities"]

_TITLE = "State probabilities"
_MAX_TICKERS = 100
_MAX_ROWS = 40_000
"""Of all tickers together: about 2 MB of the page."""


def state_probabilities(data: ReportData) -> Section:
    """The price, and below it the probabilities stacked to the whole; a drop-down changes the ticker."""
    found = data.states
    if found is None or not found.frame.height:
        return missing("states", _TITLE, "No state probability was handed in.")
    frames = {str(key[0]): part for key, part in found.frame.partition_by("ticker", as_dict=True).items()}
    shown = sorted(frames)[:_MAX_TICKERS]
    if found.chosen in frames and found.chosen not in shown:
        shown = [found.chosen, *shown[:-1]]
    first = found.chosen if found.chosen in shown else shown[0]
    budget = max(200, min(MAX_POINTS, _MAX_ROWS // len(shown)))
    choices = [_choice(ticker, thin(frames[ticker], "close", budget), found.states) for ticker in shown]
    chosen = choices[shown.index(first)]
    chart = Chart(
        id="chart-states",
        label="Price of the chosen ticker, and below it the stacked probabilities of the market states.",
        traces=_traces(found.states, chosen),
        layout=_layout(),
        height_px=520,
        choices=choices,
    )
    body = picker(chart, "Ticker", chosen) + with_table(chart, _numbers(found, shown))
    return Section(id="states", title=_TITLE, lead=_lead(found, shown, len(frames)), body=body, charts=(chart,))


def _lead(found: StateProbabilities, shown: list[str], n_tickers: int) -> str:
    means = [(found.frame[state].mean(), _title(state)) for state in found.states]
    ranked = sorted(((mean, name) for mean, name in means if isinstance(mean, float)), reverse=True)
    most = f"The state seen most is {ranked[0][1]}, {figure(ranked[0][0], Unit.PERCENT)} on average." if ranked else ""
    rest = f" Shown are {len(shown)} of {n_tickers} tickers." if n_tickers > len(shown) else ""
    return most + rest


def _title(state: str) -> str:
    words = state.removeprefix("state_prob_").replace("_", " ")
    return words[:1].upper() + words[1:]


def _choice(ticker: str, frame: pl.DataFrame, states: tuple[str, ...]) -> Choice:
    # Six significant digits draw any price; a fixed number of decimals would flatten the cheapest coins.
    prices = frame.with_columns(pl.col("close").cast(pl.Float64).round_sig_figs(6))
    return Choice(ticker, dates(frame), [values(prices, "close", 12), *(percents(frame, state, 1) for state in states)])


def _traces(states: tuple[str, ...], choice: Choice) -> list[Json]:
    price: dict[str, Json] = {
        "type": "scatter",
        "mode": "lines",
        "name": "Close",
        "x": choice.x,
        "y": choice.ys[0],
        "yaxis": "y2",
        "showlegend": False,
        "line": {"color": "var(--ink)", "width": 1.5},
        "hovertemplate": "%{y:,.6~g}",
    }
    traces: list[Json] = [price]
    for i, (state, probabilities) in enumerate(zip(states, choice.ys[1:], strict=True)):
        colour = STATE_COLOURS[i % len(STATE_COLOURS)]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": label(_title(state)),
                "x": choice.x,
                "y": probabilities,
                "stackgroup": "states",
                "line": {"color": colour, "width": 0},
                "fillcolor": colour,
                "hovertemplate": "%{y:.0f} %",
            }
        )
    return traces


def _layout() -> Mapping[str, Json]:
    probability = percent_axis(domain=[0.0, 0.56], range=[0, 100], title=axis_title("Probability"))
    price = axis(domain=[0.62, 1.0], title=axis_title("Close"), anchor="x", zeroline=False)
    return base_layout({"xaxis": axis(anchor="y", showgrid=False), "yaxis": probability, "yaxis2": price})


def _numbers(found: StateProbabilities, shown: list[str]) -> str:
    means = (
        found.frame.filter(pl.col("ticker").is_in(shown))
        .group_by("ticker")
        .agg(pl.col(state).fill_nan(None).mean() for state in found.states)
    )
    columns = [Column("Ticker"), *(Column(_title(state), is_number=True) for state in found.states)]
    rows = [[row[0], *(figure(mean, Unit.PERCENT) for mean in row[1:])] for row in means.sort("ticker").iter_rows()]
    return table(columns, rows, caption="Mean probability of each state by ticker")
