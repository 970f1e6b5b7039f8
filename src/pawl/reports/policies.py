"""The policies of a replay side by side, for the terminal."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pawl.evaluation.bootstrap import Estimate
from pawl.reports.report_data import Interval, Unit
from pawl.reports.wording import figure, interval, signed

__all__ = ["POLICY_FIGURES", "differences_table", "policies_table"]

POLICY_FIGURES = {
    "net_return": ("net return", Unit.PERCENT),
    "sharpe": ("Sharpe", Unit.RATIO),
    "max_drawdown": ("MDD", Unit.PERCENT),
    "hit_rate": ("hit rate", Unit.PERCENT),
    "turnover": ("turnover a year", Unit.RATIO),
}
"""The figures of a policy in the order they are shown: name → title and unit."""


def policies_table(policies: Mapping[str, tuple[Mapping[str, float], int, int]]) -> Table:
    """One column a policy. policies: name → (figures, promotions, refusals)."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("")
    for name in policies:
        table.add_column(name, justify="right")
    for metric, (title, unit) in POLICY_FIGURES.items():
        table.add_row(title, *(figure(figures[metric], unit) for figures, _, _ in policies.values()))
    table.add_row("promotions", *(str(promotions) for _, promotions, _ in policies.values()))
    table.add_row("refusals", *(str(refusals) for _, _, refusals in policies.values()))
    return table


def differences_table(differences: Mapping[str, Estimate]) -> Table:
    """What the gate was worth, bps a decision, with the 95 % interval."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("")
    for title in ("a decision", "95 % interval"):
        table.add_column(title, justify="right")
    for name, found in differences.items():
        bounds = interval(Interval(found.value, found.low, found.high), Unit.BPS)
        table.add_row(name.replace("_", " "), signed(found.value, Unit.BPS), bounds)
    return table
