"""The charts of the monthly report as PNG files, for where no page opens. The same data gives the same bytes."""

from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pawl.reports.monthly_data import MonthlyReport
from pawl.reports.monthly_parts import best_ranked
from pawl.reports.monthly_series import STAKE, month_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["chart_names", "month_charts"]

_INK, _SOFT, _GRID = "#1d2126", "#59616b", "#dfe2e6"
_BLUE, _ORANGE, _GREEN, _PURPLE = "#0b5fa5", "#b8570a", "#1f7a5c", "#7a4aa0"
_PARTS = (
    ("win rate", "win_rate", 0.3, _BLUE, ""),
    ("Sharpe", "sharpe_ratio", 0.3, _ORANGE, "//"),
    ("average PnL", "avg_pnl", 0.2, _PURPLE, ".."),
    ("1 − drawdown", "max_drawdown", 0.2, _GREEN, "xx"),
)
_SIZE, _DPI = (9.0, 4.4), 120
_LINE: Mapping[str, Any] = {"linewidth": 2, "marker": "o", "markersize": 3.5}
"""With a mark a day: of one that stands alone between days that were not lived a line shows nothing."""

DAY = timedelta(days=1)


def month_charts(data: MonthlyReport) -> dict[str, bytes]:
    """Id of a part → its chart as PNG; a part without figures has none."""
    drawn = {"ranking": _ranking, "signals": _signals}
    return {name: _png(drawn[name](data)) for name in chart_names(data)}


def chart_names(data: MonthlyReport) -> tuple[str, ...]:
    """Ids of the parts that have a chart, in the order of the report."""
    has_signals = int(data.days["n_signals"].sum()) or int(data.days["n_resolved"].sum())
    return (*(("ranking",) if best_ranked(data) else ()), *(("signals",) if has_signals else ()))


def _figure(n_rows: int) -> "tuple[Figure, list[Axes]]":
    """A figure of its own canvas: no window is opened, and nothing of matplotlib's global state is changed."""
    # Not at the top: 0.5 s to import.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    found = figure.subplots(n_rows, 1, sharex=n_rows > 1, squeeze=False)
    axes: list[Axes] = list(found[:, 0])
    for one in axes:
        one.grid(visible=True, color=_GRID, linewidth=0.8)
        one.set_axisbelow(True)
        one.tick_params(colors=_SOFT, labelsize=9)
        for side, spine in one.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(_GRID)
    return figure, axes


def _ranking(data: MonthlyReport) -> "Figure":
    figure, (axes,) = _figure(1)
    placed = best_ranked(data)
    figure.set_size_inches(_SIZE[0], 1.6 + 0.36 * max(len(placed), 2))
    names = [row["version"].replace("$", r"\$") for row in placed]
    left = [0.0] * len(placed)
    for name, key, weight, colour, hatch in _PARTS:
        shares = [1 - row["parts"][key] if key == "max_drawdown" else row["parts"][key] for row in placed]
        widths = [weight * share for share in shares]
        axes.barh(names, widths, left=left, height=0.6, color=colour, hatch=hatch, edgecolor="white", label=name)
        left = [before + width for before, width in zip(left, widths, strict=True)]
    for place, (row, end) in enumerate(zip(placed, left, strict=True)):
        axes.text(end + 0.01, place, f"{row['score']:.3f}", va="center", color=_INK, fontsize=9)
    axes.set_xlim(0, 1.08)
    axes.invert_yaxis()
    axes.set_title(f"{data.learner} in {data.month}: score of each version", loc="left", color=_INK, fontsize=12)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, frameon=False, fontsize=9, labelcolor=_INK)
    return figure


def _signals(data: MonthlyReport) -> "Figure":
    from matplotlib.dates import DateFormatter

    figure, (shares, results, capital) = _figure(3)
    figure.set_size_inches(_SIZE[0], 7.2)
    series = month_series(data.days)
    days = series["day"].to_list()
    # The whole month, also where it was lived in part.
    shares.set_xlim(days[0] - DAY, days[-1] + DAY)
    for name, column, colour, style in (
        ("win rate, 7 days", "win_rate", _BLUE, "-"),
        ("hold share", "hold_share", _ORANGE, "--"),
    ):
        shares.plot(days, 100 * series[column].to_numpy(), style, **_LINE, color=colour, label=name)
    shares.set_ylim(0, 105)
    shares.set_ylabel("%", color=_SOFT)
    # Above the axes, beside the title: inside them it lies over a win rate that is low.
    shares.legend(
        loc="lower right", bbox_to_anchor=(1, 0.99), frameon=False, fontsize=9, labelcolor=_INK, ncols=2, borderpad=0
    )
    shares.set_title(
        f"{data.learner} in {data.month}: the acting version's signals", loc="left", color=_INK, fontsize=12
    )
    lived = series.drop_nulls("pnl_bps")
    results.bar(lived["day"].to_list(), lived["pnl_bps"].to_list(), color=_BLUE, width=0.8)
    results.axhline(0, color=_SOFT, linewidth=0.8)
    results.set_ylabel("PnL a day, bps", color=_SOFT)
    capital.plot(days, series["equity"].to_numpy(), "-", **_LINE, color=_GREEN)
    capital.set_ylabel(f"equity, {STAKE:.0%} a signal", color=_SOFT)
    capital.ticklabel_format(axis="y", useOffset=False)
    left_out = "; on a day without a mark the loop did not live" if lived.height < series.height else ""
    capital.set_xlabel(f"day, UTC{left_out}", color=_SOFT)
    capital.xaxis.set_major_formatter(DateFormatter("%m-%d"))  # type: ignore[no-untyped-call]
    return figure


def _png(figure: "Figure") -> bytes:
    written = BytesIO()
    # Without these, the file says which release drew it, and a new release would give other bytes for the same picture.
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()
