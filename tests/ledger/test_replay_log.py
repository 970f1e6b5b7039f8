"""The log of a replay is a chain: same rows, same hash; a changed byte, a changed order or a lost row is seen."""

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from effort import statements
from ledger_world import day
from pawl.errors import CorruptArtifactError, InputError, NotFoundError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.replay_log import (
    GENESIS,
    ReplayRow,
    append_rows,
    find_decision,
    finish_replay,
    last_time,
    ledger_hash,
    newest_trace,
    open_replay,
    read_rows,
)  # fmt: skip

WITHOUT_TRIGGERS = {
    "sqlite": ["DROP TRIGGER replay_log_no_update", "DROP TRIGGER replay_log_no_delete"],
    "postgresql": ["ALTER TABLE replay_log DISABLE TRIGGER ALL"],
}
POLICIES = ("always", "frozen", "gated")


def rows_of(days: range, tickers: int = 3) -> list[ReplayRow]:
    """A decision a day, policy and ticker."""
    return [
        ReplayRow(
            virtual_time=day(number), learner="m002", policy=policy, ticker=f"T{ticker:02d}", kind="decision",
            payload={"action": "long", "position_size": number / 7 + ticker, "version": "m002-1.0"},
        )
        for number in days for policy in POLICIES for ticker in range(tickers)
    ]  # fmt: skip


def write(ledger: Ledger, replay: UUID, rows: list[ReplayRow], on: int = 0) -> int:
    with ledger.transaction() as tx:
        return append_rows(tx, replay, rows, day(1000 + on))


def opened(ledger: Ledger, seed: int = 7) -> UUID:
    with ledger.transaction() as tx:
        return open_replay(tx, {"seed": seed, "from": "2024-01-01"}, day(1000))


def hash_of(ledger: Ledger, replay: UUID) -> str:
    with ledger.reading() as tx:
        return ledger_hash(tx, replay)


def by_hand(rows: list[ReplayRow]) -> str:
    """The same chain, written down once more from its description."""
    found = "0" * 64
    for row in sorted(rows, key=lambda one: (one.virtual_time, one.learner, one.policy, one.ticker, one.kind)):
        instant = row.virtual_time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        key = json.dumps([instant, row.learner, row.policy, row.ticker, row.kind], separators=(",", ":"))
        payload = json.dumps(row.payload, sort_keys=True, separators=(",", ":"))
        found = hashlib.sha256((found + key + payload).encode()).hexdigest()
    return found


def test_the_hash_is_the_chain_over_all_rows_in_their_order(ledger: Ledger) -> None:
    rows = rows_of(range(5))
    replay = opened(ledger)
    write(ledger, replay, rows)
    assert hash_of(ledger, replay) == by_hand(rows)


def test_neither_batches_nor_their_inner_order_nor_the_wall_clock_change_the_hash(ledger: Ledger) -> None:
    replays = [opened(ledger, seed) for seed in (1, 2)]
    write(ledger, replays[0], rows_of(range(6)))
    for number in range(6):
        shuffled = rows_of(range(number, number + 1))
        random.Random(number).shuffle(shuffled)
        write(ledger, replays[1], shuffled, on=number)
    assert hash_of(ledger, replays[0]) == hash_of(ledger, replays[1])


def test_the_order_of_keys_in_a_payload_does_not_change_the_hash(ledger: Ledger) -> None:
    replays = [opened(ledger, seed) for seed in (1, 2)]
    for replay, payload in zip(replays, ({"a": 1, "b": 2.5}, {"b": 2.5, "a": 1}), strict=True):
        write(ledger, replay, [replace(rows_of(range(1))[0], payload=payload)])
    assert hash_of(ledger, replays[0]) == hash_of(ledger, replays[1])


@pytest.mark.parametrize(
    "change",
    [
        lambda row: replace(row, virtual_time=row.virtual_time + timedelta(microseconds=1)),
        lambda row: replace(row, learner="risk"),
        lambda row: replace(row, ticker="T99"),
        lambda row: replace(row, kind="fill"),
        lambda row: replace(row, payload={**row.payload, "position_size": 2.0000000000000004}),
        lambda row: replace(row, payload={**row.payload, "version": "m002-1.1"}),
    ],
    ids=["time", "learner", "ticker", "kind", "last digit", "version"],
)
def test_any_difference_gives_another_hash(ledger: Ledger, change: Callable[[ReplayRow], ReplayRow]) -> None:
    rows = rows_of(range(2))
    replays = [opened(ledger, seed) for seed in (1, 2)]
    write(ledger, replays[0], rows)
    write(ledger, replays[1], [*rows[:-1], change(rows[-1])])
    assert hash_of(ledger, replays[0]) != hash_of(ledger, replays[1])


def test_a_resumed_replay_may_say_again_what_it_said_and_goes_on(ledger: Ledger) -> None:
    replay = opened(ledger)
    rows = rows_of(range(6))
    assert write(ledger, replay, rows[:30]) == 30  # in the middle of a day
    assert opened(ledger) == replay
    with ledger.reading() as tx:
        assert last_time(tx, replay) == day(3)
    assert write(ledger, replay, rows) == len(rows) - 30
    assert write(ledger, replay, rows) == 0
    assert hash_of(ledger, replay) == by_hand(rows)


def test_a_resumed_replay_that_says_something_else_is_stopped(ledger: Ledger) -> None:
    replay = opened(ledger)
    rows = rows_of(range(3))
    write(ledger, replay, rows)
    before = hash_of(ledger, replay)
    changed = [*rows[:-1], replace(rows[-1], payload={"action": "short"})]
    with pytest.raises(RefusalError, match=r"something else than before of decision of T02 \(gated\)"):
        write(ledger, replay, changed)
    late = replace(rows[0], ticker="T00A")
    with pytest.raises(RefusalError, match="something else"):
        write(ledger, replay, [late])
    assert hash_of(ledger, replay) == before


def test_a_transaction_that_fails_leaves_the_chain_as_it_was(ledger: Ledger) -> None:
    replay = opened(ledger)
    write(ledger, replay, rows_of(range(2)))
    before = hash_of(ledger, replay)
    with pytest.raises(ZeroDivisionError), ledger.transaction() as tx:
        append_rows(tx, replay, rows_of(range(2, 4)), day(1000))
        _ = 1 / 0
    assert hash_of(ledger, replay) == before


def test_a_row_twice_and_a_payload_with_nan_are_refused(ledger: Ledger) -> None:
    replay = opened(ledger)
    row = rows_of(range(1))[0]
    with pytest.raises(InputError, match="two rows are decision of T00"):
        write(ledger, replay, [row, replace(row, payload={})])
    with pytest.raises(InputError, match="cannot be stored as JSON"):
        write(ledger, replay, [replace(row, payload={"position_size": float("nan")})])


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE replay_log SET payload = replace(payload, 'long', 'flat') WHERE row_number = 4",
        "UPDATE replay_log SET ticker = 'T77' WHERE row_number = 4",
        "DELETE FROM replay_log WHERE row_number = 4",
        "DELETE FROM replay_log WHERE row_number = 1",
    ],
)
def test_whoever_gets_around_the_triggers_is_seen(ledger: Ledger, tampering: str) -> None:
    replay = opened(ledger)
    write(ledger, replay, rows_of(range(2)))
    with ledger.transaction() as tx:
        for statement in WITHOUT_TRIGGERS[ledger.engine.dialect.name]:
            tx.execute(sa.text(statement))
        assert tx.execute(sa.text(tampering)).rowcount == 1
    with pytest.raises(CorruptArtifactError, match="is not what was written"):
        hash_of(ledger, replay)


def test_a_finished_replay_keeps_its_hash_and_the_same_inputs_start_another(ledger: Ledger) -> None:
    replay = opened(ledger)
    write(ledger, replay, rows_of(range(2)))
    with ledger.transaction() as tx:
        found = finish_replay(tx, replay, day(1001))
        assert tx.execute(sa.text("SELECT ledger_hash FROM replays")).scalar_one() == found
        with pytest.raises(NotFoundError, match="no unfinished replay"):
            finish_replay(tx, replay, day(1002))
    assert found == hash_of(ledger, replay)
    again = opened(ledger)
    assert again != replay
    write(ledger, again, rows_of(range(2)), on=5)
    assert hash_of(ledger, again) == found


def test_a_replay_without_rows_has_the_hash_before_the_first(ledger: Ledger) -> None:
    replay = opened(ledger)
    with ledger.reading() as tx:
        assert (ledger_hash(tx, replay), last_time(tx, replay), list(read_rows(tx, replay))) == (GENESIS, None, [])


def test_many_rows_are_handed_over_in_as_many_statements_as_few(ledger: Ledger) -> None:
    with statements(ledger) as of_few:
        write(ledger, opened(ledger), rows_of(range(1)))
    with statements(ledger) as of_many:
        write(ledger, opened(ledger, seed=8), rows_of(range(134), tickers=25))
    assert [text for text, _ in of_many] == [text for text, _ in of_few]


def test_a_decision_is_found_by_its_trace_with_the_tickers_its_model_was_asked(ledger: Ledger) -> None:
    """At the instant of a training the decisions are still those of the version before."""

    def row(on: int, kind: str, ticker: str = "", **payload: object) -> ReplayRow:
        return ReplayRow(
            virtual_time=day(on), learner="m002", policy="gated", ticker=ticker, kind=kind, payload=payload
        )

    replay = opened(ledger)
    rows = [
        row(0, "training", decides_on=["AAA"]),
        row(1, "decision", "AAA", trace_id="first", action="short"),
        row(1, "training", decides_on=["AAA", "BBB"]),
        row(2, "decision", "AAA", trace_id="second", action="flat"),
    ]
    write(ledger, replay, rows)
    with ledger.reading() as tx:
        found = {trace: find_decision(tx, trace) for trace in ("first", "second", "fir", "%", "")}
        assert newest_trace(tx, replay) == "first", "the newest that took a position"
        assert newest_trace(tx, UUID(int=0)) is None
    assert [(one.at, one.decided_on) if one else None for one in found.values()] == [
        (day(1), ("AAA",)),
        (day(2), ("AAA", "BBB")),
        None,
        None,
        None,
    ]
