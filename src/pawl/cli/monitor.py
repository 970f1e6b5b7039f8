"""`pawl monitor`: how a learner's loop is, at the instant it has reached."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import parse_instant, shown_version
from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.live.measured import Measured
    from pawl.jobs.live.monitoring import Monitoring
    from pawl.ledger.monitored_rows import EndedJob

__all__ = ["ago", "monitor"]


def monitor(
    learner: Annotated[str, typer.Argument(metavar="LEARNER", help="A learner, like reversal.")],
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at", parser=parse_instant, metavar="TIME", help="As of this instant, UTC (default: the loop's)."
        ),
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Show how a learner's loop is: performance, drift, data quality, pending outcomes, delays, and what is paused."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named, workspace_of
        from pawl.jobs.ledgers import open_ledger
        from pawl.jobs.live.act_record import loop_instant
        from pawl.jobs.live.monitoring import monitor as look
        from pawl.jobs.live.watched_world import Watched

        chosen = learner_named(learner, run.settings)
        open_ledger(run.settings, None).close()  # refuses a workspace in which nothing was ever recorded
        workspace = workspace_of(run.settings)
        tickers = tuple(workspace.silver.tickers(chosen.spec.timeframe))
        world = Watched(workspace=workspace, learner=chosen, tickers=tickers)
        if at is None:
            with world.ledger.reading() as tx:
                at = loop_instant(tx, learner, datetime.now(UTC))
        found = look(world, at, run.settings.triggers)
        run.answer(found.to_json(), text=lambda: _text(found))


def _text(found: "Monitoring") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    from pawl.reports.report_data import Unit
    from pawl.reports.wording import figure, plural

    serves = f"{found.serving} serves" if found.serving else "nothing serves"
    head = f"{found.learner} at {found.at:%Y-%m-%d %H:%M} UTC: {serves}{'; PAUSED' if found.is_paused else ''}"
    lines = [head]
    lines += [f"  {one.effect}: {one.kind} since {one.at:%Y-%m-%d %H:%M} UTC: {one.reason}" for one in found.lasting]
    if found.n_waiting:
        lines.append(f"  waiting for a training: {plural(found.n_waiting, 'firing')}")
    lines += [f"  {_training_line(one)}" for one in found.trainings]
    known, skipped = found.measured, found.measured.skipped
    if skipped.n:
        lines.append(f"  {plural(skipped.n, 'training')} left out in 30 days; the newest: {skipped.newest}")
    drift = known.drift
    shown = f"{drift.feature} has a PSI of {drift.psi:.2f}, limit {drift.limit}" if drift.feature else drift.why
    lines.append(f"  drift: {shown}")
    share = "too few decisions to say" if known.hold_share is None else f"{figure(known.hold_share, Unit.PERCENT)} hold"
    oldest = f", the oldest since {found.pending.oldest:%Y-%m-%d %H:%M} UTC" if found.pending.oldest else ""
    lines.append(f"  decisions: {share}; {plural(found.pending.n, 'outcome')} pending{oldest}")
    cycles = ", ".join(f"{cycle} {ago(found.at - ran)}" for cycle, ran in found.ran_at.items())
    lines.append(f"  cycles: {cycles or 'none had run'}")
    parts: list[RenderableType] = [Text("\n".join(lines))]
    if known.versions:
        parts.append(_versions(known))
    if known.feeds:
        parts.append(_feeds(known))
    return Group(*parts, Text(f"Next: pawl triggers ls {found.learner}"))


def ago(since: timedelta) -> str:
    """How long ago, in a unit that can be read.

    >>> [ago(timedelta(seconds=seconds)) for seconds in (0, 90, 2700, 79200, 367545600)]
    ['now', '90 s ago', '45 min ago', '22 h ago', '4,254 days ago']
    """
    seconds = since.total_seconds()
    if seconds < 1:
        return "now"
    for unit, length, below in (("s", 1, 120), ("min", 60, 120), ("h", 3_600, 48)):
        if seconds < length * below:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds / 86_400:,.0f} days ago"


def _training_line(one: "EndedJob") -> str:
    gap = ""
    if one.gap is not None:
        gap = f", validation loss {one.val_loss:.4f} ({one.gap:+.4f} against training)".replace("-", "−")
    why = f": {one.error}" if one.error else ""
    return f"{one.training_type} training: {one.version} {one.status} {one.finished_at:%Y-%m-%d %H:%M} UTC{gap}{why}"


def _versions(known: "Measured") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    from pawl.reports.report_data import Unit
    from pawl.reports.wording import figure, signed

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("version, 30 days", "signals", "hold", "resolved", "win rate", "bps each", "bps in all"):
        table.add_column(name, justify="left" if name.startswith("version") else "right", no_wrap=True)
    for one in known.versions:
        version = shown_version(one.version)
        name = f"{version} (shadow)" if one.is_shadow else version
        rate, holds = figure(one.win_rate, Unit.PERCENT), figure(one.n_holds / one.n_signals, Unit.PERCENT)
        mean, total = (signed(value, Unit.BPS).removesuffix(" bps") for value in (one.mean_bps, one.pnl_bps))
        table.add_row(Text(name), f"{one.n_signals:,}", holds, f"{one.n_resolved:,}", rate, mean, total)
    return table


def _feeds(known: "Measured") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    from pawl.reports.report_data import Unit
    from pawl.reports.wording import figure

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("ticker, one day", "bars", "expected", "missing", "newest owed", "dirty rows"):
        table.add_column(name, justify="left" if name.startswith("ticker") else "right", no_wrap=True)
    for one in known.feeds:
        share = figure(one.missing_share if one.n_expected else None, Unit.PERCENT)
        table.add_row(
            Text(one.ticker), str(one.n_present), str(one.n_expected), share, str(one.n_owed), str(one.n_refused)
        )
    return table
