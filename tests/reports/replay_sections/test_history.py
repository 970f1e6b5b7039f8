"""What happened in a replay, in order."""

from datetime import UTC, datetime, timedelta

from pawl.reports.replay_data import AliasMove, ReplayReport
from pawl.reports.replay_sections.history import EventKind, Serving, events, servings

START = datetime(2024, 1, 1, tzinfo=UTC)


def move(day: int, what: str, source: str | None, target: str) -> AliasMove:
    return AliasMove(
        at=START + timedelta(days=day), what=what, from_version=source, to_version=target, reason="a reason"
    )


def test_each_verdict_stands_before_the_move_that_it_allowed(replay_report: ReplayReport) -> None:
    found = events(replay_report)
    assert [event.at for event in found] == sorted(event.at for event in found)
    assert len(found) == len(replay_report.candidates) + len(replay_report.moves)
    first = [(event.version, event.kind) for event in found[:3]]
    assert first == [
        ("m002-1.0", EventKind.PASSED), ("m002-1.0", EventKind.PROMOTED), ("m002-1.1", EventKind.REFUSED),
    ]  # fmt: skip


def test_a_rollback_is_told_of_the_version_that_was_taken_off(replay_report: ReplayReport) -> None:
    (back,) = (event for event in events(replay_report) if event.kind is EventKind.ROLLED_BACK)
    assert (back.version, back.why) == ("m002-1.9", "back to m002-1.4: MDD 6.1 % is over its limit of 4.6 %")


def test_a_version_serves_from_its_move_to_the_next_and_the_last_to_the_end() -> None:
    moves = [move(0, "promote", None, "a"), move(10, "promote", "a", "b"), move(15, "rollback", "b", "a")]
    days = [START + timedelta(days=day) for day in (0, 10, 15, 30)]
    assert servings(moves, days[3]) == [
        Serving(version="a", start=days[0], end=days[1]),
        Serving(version="b", start=days[1], end=days[2]),
        Serving(version="a", start=days[2], end=days[3]),
    ]
    assert servings([], days[3]) == []
