"""A version's figures as a table for the terminal, its baselines beside it."""

from collections.abc import Mapping

from rich.table import Table

from pawl.reports.report_data import Unit
from pawl.reports.wording import figure

__all__ = ["figures_table"]

Figures = Mapping[str, float | None]

_SHOWN = {
    "net_return": ("net return", Unit.PERCENT),
    "net_bps_per_trade": ("net a trade", Unit.BPS),
    "sharpe": ("Sharpe", Unit.RATIO),
    "max_drawdown": ("MDD", Unit.PERCENT),
    "hit_rate": ("hit rate", Unit.PERCENT),
    "turnover": ("turnover a year", Unit.RATIO),
    "average_precision": ("average precision", Unit.SCORE),
    "base_rate": ("base rate", Unit.SCORE),
    "brier": ("Brier", Unit.SCORE),
    "ece": ("ECE", Unit.SCORE),
    "mae_ret_pct": ("MAE of return, points", Unit.RATIO),
    "mae_dd_pct": ("MAE of drawdown, points", Unit.RATIO),
    "regime_accuracy": ("regime accuracy", Unit.PERCENT),
}


def figures_table(name: str, metrics: Figures, baselines: Mapping[str, Figures]) -> Table:
    """One row a metric, one column a model; a figure that could not be measured is "–"."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    table.add_column("")
    for column in (name, *baselines):
        table.add_column(column, justify="right")
    for metric, (title, unit) in _SHOWN.items():
        row = [figures.get(metric) for figures in (metrics, *baselines.values())]
        if any(value is not None for value in row):
            table.add_row(title, *(figure(value, unit) for value in row))
    return table
