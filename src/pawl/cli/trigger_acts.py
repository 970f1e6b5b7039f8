"""`pawl triggers ls|pause|resume|retrain`: what fired and what it led to, and what a person does about it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, Session, session

if TYPE_CHECKING:
    import sqlalchemy as sa
    from rich.console import RenderableType

    from pawl.ledger.trigger_firings import StoredFiring

__all__ = ["ls", "pause", "resume", "retrain"]

LearnerArgument = Annotated[str, typer.Argument(metavar="LEARNER", help="A learner, like reversal.")]


def ls(
    learner: Annotated[str | None, typer.Argument(metavar="LEARNER", help="Of this learner only.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="The newest so many.")] = 50,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """List what fired, newest first: by which values, what it led to, and whether that beat doing nothing."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named
        from pawl.jobs.ledgers import open_ledger
        from pawl.ledger.trigger_firings import list_firings

        with closing(open_ledger(run.settings, None)) as ledger, ledger.reading() as tx:
            found = list_firings(tx, learner, limit)
        if learner is not None and not found:
            learner_named(learner, run.settings)  # a name that was mistyped, and not one that nothing fired for
        run.answer([_payload(one) for one in found], text=lambda: _table(found))


def pause(
    learner: LearnerArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands with the pause.")] = "asked for",
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Hold incremental trainings and deployments until `resume`; collection, decisions and outcomes go on."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.live.trigger_acts import pause_by_hand

        with _acting(run, learner) as (tx, at):
            pause_by_hand(tx, learner, reason, "pawl triggers", at)
        payload = {"learner": learner, "is_paused": True, "at": at.isoformat(), "reason": reason}
        run.answer(payload, text=lambda: f"{learner} is paused: {reason}.\nBack: pawl triggers resume {learner}")


def resume(
    learner: LearnerArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands with the end of the pause.")] = "asked for",
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """End every pause, whatever began it; exit code 1 where nothing pauses."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.live.trigger_acts import resume_by_hand

        with _acting(run, learner) as (tx, at):
            ended = [one.kind for one in resume_by_hand(tx, learner, reason, "pawl triggers", at)]
        payload = {"learner": learner, "is_paused": False, "at": at.isoformat(), "ended": ended}
        text = f"{learner} goes on; ended: {', '.join(ended)}."
        run.answer(payload, text=lambda: text)


def retrain(
    learner: LearnerArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands with the firing.")] = "asked for",
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Let the running loop hold a full training at its next look, although a pause may last."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.live.trigger_acts import ask_for_training

        with _acting(run, learner) as (tx, at):
            asked = ask_for_training(tx, learner, reason, "pawl triggers", at)
        payload = {"learner": learner, "firing_id": str(asked.firing_id), "at": at.isoformat()}
        run.answer(payload, text=lambda: f"{learner}: a full training waits for the loop.\nNext: pawl triggers ls")


@contextmanager
def _acting(run: Session, learner: str) -> "Iterator[tuple[sa.Connection, datetime]]":
    """A transaction on the workspace's ledger and the instant of an act in it, by the clock of the learner's loop;
    NotFoundError for a learner that nobody knows.
    """
    from pawl.cli.composition import learner_named
    from pawl.jobs.ledgers import open_ledger
    from pawl.jobs.live.act_record import acting

    learner_named(learner, run.settings)
    with closing(open_ledger(run.settings, None)) as ledger, acting(ledger, learner, datetime.now(UTC)) as at:
        with ledger.transaction() as tx:
            yield tx, at


def _payload(one: "StoredFiring") -> dict[str, object]:
    def text(at: datetime | None) -> str | None:
        return None if at is None else at.isoformat()

    return {
        "firing_id": str(one.firing_id),
        "learner": one.learner,
        "kind": one.kind,
        "effect": one.effect,
        "at": one.at.isoformat(),
        "values": dict(one.values),
        "reason": one.reason,
        "by": one.fired_by,
        "is_open": one.is_open,
        "renewed_at": text(one.renewed_at),
        "ended_at": text(one.ended_at),
        "ended_by": one.ended_by,
        "end_reason": one.end_reason,
        "train_job_id": None if one.train_job_id is None else str(one.train_job_id),
        "worth": None if one.worth is None else dict(one.worth),
    }


def _table(found: "list[StoredFiring]") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    if not found:
        return "nothing fired."
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("at, UTC", "learner", "trigger", "led to", "worth", "because"):
        table.add_column(name, no_wrap=name != "because")
    for one in found:
        cells = (f"{one.at:%Y-%m-%d %H:%M}", one.learner, one.kind, _led_to(one), _worth(one), one.reason)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _led_to(one: "StoredFiring") -> str:
    if one.effect == "retrain":
        version = None if one.worth is None else one.worth["version"]
        return str(version) if version else "a training" if one.train_job_id else "waits for a training"
    lasted = "lasts" if one.ended_at is None else f"until {one.ended_at:%Y-%m-%d %H:%M}"
    return f"{one.effect}, {lasted}" if one.kind != "training_failed" else one.effect


def _worth(one: "StoredFiring") -> str:
    if one.worth is None:
        return "–"
    said = {True: "beat doing nothing", False: "worse than nothing"}
    proved = one.worth["beat_doing_nothing"]
    mean = one.worth["mean_bps"]
    shown = "" if mean is None else f" ({mean:+.1f} bps in {one.worth['n_blocks']} blocks)"
    return (said[proved] if proved is not None else str(one.worth["why"])) + shown
