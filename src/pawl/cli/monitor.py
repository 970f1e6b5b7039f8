"""`pawl monitor`: how a learner's loop is, at the instant it has reached."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import parse_instant
from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.live.measured import Measured
    from pawl.jobs.live.monitoring import Monitoring
    from pawl.ledger.monitored_rows import EndedJob

__all__ = ["monitor"]


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

    serves = f"{found.serving} serves" if found.serving else "nothing serves"
    head = f"{found.learner} at {found.at:%Y-%m-%d %H:%M} UTC: {serves}{'; PAUSED' if found.is_paused else ''}"
    lines = [head]
    lines += [f"  {one.effect}: {one.kind} since {one.at:%Y-%m-%d %H:%M}: {one.reason}" for one in found.lasting]
    if found.n_waiting:
        lines.append(f"  {found.n_waiting} firings wait for a training")
    lines += [f"  {_training_line(one)}" for one in found.trainings]
    known = found.measured
    if known.skipped.n:
        lines.append(f"  {known.skipped.n} trainings left out in 30 days; the newest: {known.skipped.newest}")
    drift = known.drift
    shown = f"{drift.feature} has a PSI of {drift.psi:.2f}, limit {drift.limit}" if drift.feature else drift.why
    lines.append(f"  drift: {shown}")
    share = "too few decisions to say" if known.hold_share is None else f"{known.hold_share:.1%} hold"
    oldest = f", the oldest since {found.pending.oldest:%Y-%m-%d %H:%M}" if found.pending.oldest else ""
    lines.append(f"  decisions: {share}; {found.pending.n} outcomes pending{oldest}")
    cycles = ", ".join(f"{cycle} {(found.at - ran).total_seconds():.0f} s ago" for cycle, ran in found.ran_at.items())
    lines.append(f"  cycles: {cycles or 'none has run'}")
    parts: list[RenderableType] = [Text("\n".join(lines))]
    if known.versions:
        parts.append(_versions(known))
    if known.feeds:
        parts.append(_feeds(known))
    return Group(*parts, Text(f"Next: pawl triggers ls {found.learner}"))


def _training_line(one: "EndedJob") -> str:
    gap = "" if one.gap is None else f", validation loss {one.val_loss:.4f} ({one.gap:+.4f} on training)"
    why = f": {one.error}" if one.error else ""
    return f"{one.training_type} training: {one.version} {one.status} {one.finished_at:%Y-%m-%d %H:%M}{gap}{why}"


def _versions(known: "Measured") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    for name in ("version, 30 days", "signals", "hold", "resolved", "win rate", "bps a position", "bps in all"):
        table.add_column(name, justify="left" if name.startswith("version") else "right", no_wrap=True)
    for one in known.versions:
        name = f"{one.version} (shadow)" if one.is_shadow else one.version
        rate = "–" if one.win_rate is None else f"{one.win_rate:.1%}"
        mean, total = ("–" if value is None else f"{value:+.1f}" for value in (one.mean_bps, one.pnl_bps))
        cells = (str(one.n_signals), f"{one.n_holds / one.n_signals:.1%}", str(one.n_resolved), rate, mean, total)
        table.add_row(Text(name), *cells)
    return table


def _feeds(known: "Measured") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    for name in ("ticker, one day", "bars", "expected", "missing", "newest owed", "dirty rows"):
        table.add_column(name, justify="left" if name.startswith("ticker") else "right", no_wrap=True)
    for one in known.feeds:
        share = "–" if not one.n_expected else f"{one.missing_share:.1%}"
        table.add_row(
            Text(one.ticker), str(one.n_present), str(one.n_expected), share, str(one.n_owed), str(one.n_refused)
        )
    return table
