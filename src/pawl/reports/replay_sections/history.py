"""What happened in a replay, in order: trainings with their verdicts, and moves of the serving alias."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pawl.reports.replay_data import AliasMove, CandidateFacts, ReplayReport

__all__ = ["Event", "EventKind", "Serving", "events", "servings"]


class EventKind(Enum):
    """What became of a version, as printed."""

    PASSED = "passed the gate"
    REFUSED = "refused"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a version, and why."""

    at: datetime
    version: str
    kind: EventKind
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A version served from one instant to another."""

    version: str
    start: datetime
    end: datetime


def events(data: ReplayReport) -> list[Event]:
    """Everything that happened, in order; at one instant a verdict stands before the move that it allowed."""
    found = [*(_verdict(one) for one in data.candidates), *(_move(one) for one in data.moves)]
    return sorted(found, key=lambda event: event.at)


def servings(moves: Sequence[AliasMove], end: datetime) -> list[Serving]:
    """Who served when: from each move of the alias to the next, the last one to the end."""
    ends = [*(move.at for move in moves[1:]), end]
    return [
        Serving(version=move.to_version, start=move.at, end=until) for move, until in zip(moves, ends, strict=False)
    ]


def _verdict(one: CandidateFacts) -> Event:
    kind = EventKind.PASSED if one.verdict.passed else EventKind.REFUSED
    return Event(at=one.trained_at, version=one.version, kind=kind, why="; ".join(one.verdict.reasons))


def _move(move: AliasMove) -> Event:
    if move.what == "rollback" and move.from_version is not None:
        why = f"back to {move.to_version}: {move.reason}"
        return Event(at=move.at, version=move.from_version, kind=EventKind.ROLLED_BACK, why=why)
    return Event(at=move.at, version=move.to_version, kind=EventKind.PROMOTED, why=move.reason)
