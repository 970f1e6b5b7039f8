"""`pawl backtest`: a version on bars that it has never read."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import FromOption, TickersOption, ToOption, names, stored_version
from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.reported_backtest import ReportedBacktest

__all__ = ["backtest"]


def backtest(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A trained version, like m002-1.0.")],
    start: FromOption = None,
    to: ToOption = None,
    tickers: TickersOption = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Score a version and its baselines on unread bars and write report.html; a range it has read is refused.

    Without --from it starts at the first bar that the version may be scored on.
    """
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named, reporting_of, workspace_of
        from pawl.jobs.backtesting import BacktestOrder
        from pawl.jobs.reported_backtest import reported_backtest

        workspace = workspace_of(run.settings)
        record = workspace.versions.get(stored_version(version))
        order = BacktestOrder(
            start=start or record.certificate.first_allowed,
            end=to,
            costs=run.settings.costs,
            tickers=names(tickers),
        )
        chosen = learner_named(record.learner, run.settings)
        with run.stages() as on_stage:
            done = reported_backtest(
                workspace, chosen, record.version, order, reporting_of(run.settings, datetime.now(UTC)), on_stage
            )
        run.answer(_payload(done), text=lambda: _text(done))


def _payload(done: "ReportedBacktest") -> dict[str, object]:
    from dataclasses import asdict

    from pawl.evaluation.backtest_fields import backtest_fields

    figures = done.scored.model.metrics
    return {
        "version": done.scored.record.version,
        "trades": int(figures["n_trades"]),
        **{name: figures[name] for name in ("net_return", "sharpe", "max_drawdown", "hit_rate", "turnover", "ece")},
        "from": done.scored.span.start.isoformat(),
        "to": done.scored.span.end.isoformat(),
        "metrics": dict(figures),
        "fields": asdict(backtest_fields(done.scored.model.backtest)),
        "baselines": {name: dict(scored.metrics) for name, scored in done.scored.baselines.items()},
        "intervals": done.intervals(),
        "report": str(done.path),
    }


def _text(done: "ReportedBacktest") -> "RenderableType":
    from rich.console import Group

    from pawl.reports.tables import summary

    return Group(
        summary(done.data),
        f"{done.scored.model.metrics['n_trades']:.0f} trades on {done.data.n_tickers} tickers, "
        f"{done.data.start:%Y-%m-%d} to {done.data.end:%Y-%m-%d}, which no run of this version has read.",
        f"Report: {done.newest}",
    )
