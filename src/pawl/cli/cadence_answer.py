"""What a replay by the calendar answers to people: each policy's figures, and what became of every training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["cadence_text"]

_COLUMNS = (
    ("net %", "net_return", 100.0, "{:+.2f}"),
    ("bps a trade", "avg_pnl", 1.0, "{:+.2f}"),
    ("trades", "total_trades", 1.0, "{:.0f}"),
    ("win rate %", "win_rate", 100.0, "{:.1f}"),
    ("Sharpe", "sharpe_ratio", 1.0, "{:+.2f}"),
    ("MDD %", "max_drawdown", 100.0, "{:.2f}"),
    ("macro-F1", "f1_score", 1.0, "{:.3f}"),
    ("hold %", "hold_share", 100.0, "{:.1f}"),
    ("versions", "versions", 1.0, "{:.0f}"),
)


def cadence_text(result: Mapping[str, Any], seconds: float) -> "RenderableType":
    """Policies, trainings and baselines as tables. seconds: wall time."""
    from rich.console import Group

    weekly, daily = result["weekly"], result["daily"]
    return Group(
        _policies(result["policies"]),
        "",
        f"weekly: {weekly['trained']} trained, {weekly['passed']} passed, {weekly['failed']} failed; {weekly['tests']} "
        f"A/B tests: {weekly['model_b']} won by the new version, {weekly['model_a']} by the old, {weekly['tie']} ties",
        f"daily: {daily['due']} due, {daily['skipped']} skipped, {daily['passed']} passed, {daily['failed']} failed; "
        f"{daily['deployed']} deployed, {daily['kept']} kept though they passed",
        f"{result['from'][:10]} to {result['to'][:10]}, {seconds:.0f} s; every verdict: --json",
    )


def _policies(policies: Mapping[str, Mapping[str, float | None]]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("policy", no_wrap=True)
    for title, *_ in _COLUMNS:
        table.add_column(title, no_wrap=True, justify="right")
    for policy, figures in policies.items():
        cells = [_cell(figures[name], scale, form) for _, name, scale, form in _COLUMNS]
        table.add_row(policy, *cells)
    return table


def _cell(value: float | None, scale: float, form: str) -> str:
    return "–" if value is None else form.format(value * scale).replace("-", "−")
