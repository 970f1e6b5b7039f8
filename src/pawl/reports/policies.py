"""The policies of a replay side by side, for the terminal."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pawl.evaluation.bootstrap import Estimate
from pawl.reports.report_data import Interval, Unit
from pawl.reports.wording import figure, interval, signed

__all__ = ["POLICY_FIGURES", "differences_table", "growth_table", "policies_table"]

POLICY_FIGURES = {
    "net_return": ("net return", Unit.PERCENT),
    "sharpe": ("Sharpe", Unit.RATIO),
    "max_drawdown": ("MDD", Unit.PERCENT),
    "hit_rate": ("hit rate", Unit.PERCENT),
    "turnover": ("turnover a year", Unit.RATIO),
}
"""The figures of a policy in the order they are shown: name → title and unit."""


_BLOCKS = "▁▂▃▄▅▆▇█"


def policies_table(policies: Mapping[str, tuple[Mapping[str, float], Mapping[str, int]]]) -> Table:
    """One column a policy. policies: name → (figures, counts of promotions, refusals and rollbacks)."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("")
    for name in policies:
        table.add_column(name, justify="right")
    for metric, (title, unit) in POLICY_FIGURES.items():
        table.add_row(title, *(figure(figures[metric], unit) for figures, _ in policies.values()))
    for count in ("promotions", "refusals", "rollbacks"):
        table.add_row(count, *(str(counts[count]) for _, counts in policies.values()))
    return table


def growth_table(net_returns: Mapping[str, Sequence[float]], serving: Mapping[str, str]) -> Table:
    """The policies side by side while they grow: a row each, a block a step, what it serves and its return so far.

    net_returns: policy → net return since the start at the end of each step, fraction. serving: policy → version.
    """
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2))
    for justify in ("left", "left", "right", "left"):
        table.add_column(justify=justify, no_wrap=True)
    every = [value for series in net_returns.values() for value in series]
    low, high = min([0.0, *every]), max([0.0, *every])
    for policy, series in net_returns.items():
        now = signed(series[-1] if series else None, Unit.PERCENT)
        table.add_row(policy, _sparkline(series, low, high), now, serving.get(policy, "–"))
    return table


def _sparkline(series: Sequence[float], low: float, high: float) -> str:
    """One block a value between low and high.

    >>> _sparkline([0.0, 0.5, 1.0], 0.0, 1.0)
    '▁▅█'
    """
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BLOCKS[round((value - low) * scale)] for value in series)


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
