"""Runs of schedules: what is due is enqueued under its due time, and taken up once, whoever asks and restarts."""

from collections.abc import Mapping
from datetime import datetime

from pawl.jobs.durable_workflow import Json
from pawl.jobs.worker_role import World, is_parked, turn_of
from pawl.jobs.worker_settings import schedule_name
from pawl.ledger.column_types import utc_text
from pawl.ledger.dead_letters import letters_of
from pawl.ledger.schedule_runs import is_taken, newest_due, take_up

__all__ = ["due_runs", "retried_runs", "take_up_run"]

Run = tuple[str, Mapping[str, Json]]


def due_runs(world: World, kind: str, now: datetime) -> list[Run]:
    """Key and argument of each run that is due and was not taken up. kind: train or dataset.

    The argument: run (its name), what (the learner, the type), due_at, started_at (what tells this run from others).
    """
    due = {what: newest_due(every, now) for what, every in world.settings.schedules(kind).items()}
    with world.ledger.reading() as tx:
        open_due = {what: at for what, at in due.items() if not is_taken(tx, schedule_name(kind, what), at)}
    return [
        (name, {"run": name, "what": what, "due_at": at.isoformat(), "started_at": now.isoformat()})
        for what, at in open_due.items()
        for name in (f"{what}@{utc_text(at)}",)
    ]


def retried_runs(world: World, worker: str) -> list[Run]:
    """Key and argument of each run that was parked and let go again."""
    with world.ledger.reading() as tx:
        letters = letters_of(tx, worker)
    runs: list[Run] = []
    for name, letter in letters.items():
        what, _, due_at = name.partition("@")
        if not is_parked(letter):
            runs.append((turn_of(name, letter), {"run": name, "what": what, "due_at": due_at, "started_at": None}))
    return runs


def take_up_run(world: World, kind: str, argument: Mapping[str, Json]) -> bool:
    """Take the due time of a run up; False when another run has it."""
    if argument["started_at"] is None:  # a person lets a run go again that was taken up long ago
        return True
    due_at, started_at = (datetime.fromisoformat(argument[name]) for name in ("due_at", "started_at"))
    with world.ledger.transaction() as tx:
        return take_up(tx, schedule_name(kind, argument["what"]), due_at, started_at)
