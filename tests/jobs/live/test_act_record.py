"""A person's act in the log: in the loop's time, behind the run that came before it."""

from ledger_world import day, loop_came_to, promoted
from pawl.jobs.live.act_record import BEHIND, acting, loop_instant, note_by_hand, record_act
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.schedule_runs import take_up


def test_two_acts_behind_one_run_are_both_kept_in_their_order(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        take_up(tx, "live m002 positions", day(3), day(3))
        take_up(tx, "live m002 signals", day(3), day(3))
        take_up(tx, "live m002 daily", day(4), day(4))  # a training: its place is where it took effect
        for reason in ("first", "second"):
            record_act(tx, "m002", "pause", loop_instant(tx, "m002", day(9)), {"reason": reason})
    with ledger.reading() as tx:
        found = live_entries(tx, "m002", "act")
    assert [one.payload["reason"] for one in found] == ["first", "second"]
    assert [one.payload[BEHIND]["number"] for one in found] == [0, 1]
    assert {(one.payload[BEHIND]["at"], one.payload[BEHIND]["cycle"]) for one in found} == {
        (day(3).isoformat(), "signals")
    }
    assert {one.at for one in found} == {day(4)}


def test_an_act_has_the_time_of_the_loop_and_not_of_the_day(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        take_up(tx, "live m002 signals", day(5), day(5))
    with acting(ledger, "m002", day(900)) as at:
        assert at == day(5)
    note_by_hand(ledger, "m002", day(900))
    with ledger.reading() as tx:
        assert [one.at for one in live_entries(tx, "m002", "act")] == []  # no loop lives


def test_a_training_by_hand_stands_in_the_log_at_the_instant_of_the_loop(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        loop_came_to(tx, day(5))
    note_by_hand(ledger, "m002", day(900))
    with ledger.reading() as tx:
        (act,) = live_entries(tx, "m002", "act")
    assert (act.name, act.at, act.payload["by"]) == ("train", day(5), "pawl train")
    assert (act.payload[BEHIND]["at"], act.payload[BEHIND]["cycle"]) == (day(5).isoformat(), "signals")


def test_the_newest_move_of_the_alias_is_part_of_the_time_of_the_loop(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        take_up(tx, "live m002 signals", day(5), day(5))
        promoted(tx, "m002-1.0", on=4)
        assert loop_instant(tx, "m002", day(900)) == day(5)
        promoted(tx, "m002-1.1", on=8)
        assert loop_instant(tx, "m002", day(900)) == day(8)
